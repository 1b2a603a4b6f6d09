"""What the address of a search asks for: all that a page shows is in it, so that it can be kept, sent and watched."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.db.models import F, QuerySet
from django.db.models.functions import Abs
from django.http import QueryDict

from indexer.queries import PARTS
from indexer.types import Vectors
from indexer.vectors import unpack_valid
from webapp import engine
from webapp.index import recipes
from webapp.models import FrameVector, Keyframe, PictureQuery, Segment, User, Video
from webapp.parsing import parse_key, parse_number, parse_numbers, parse_seconds
from webapp.search import pictures
from webapp.search.queries import Wanted

MAX_EXAMPLES = 8  # moments that one may be more or less like


@dataclass(frozen=True)
class Pointed:
    """What somebody pointed at: for the page, to show it again."""

    like: list[Segment]
    unlike: list[Segment]
    frame: Keyframe | None
    picture: PictureQuery | None


def read(parameters: QueryDict, user: User, visible: QuerySet[Video]) -> tuple[Wanted, Pointed]:
    """What is wanted. What this person may not see is left out like what does not exist."""
    segments = Segment.objects.active().filter(video__in=visible).select_related("video").prefetch_related("keyframes")
    like, unlike = (
        list(segments.filter(pk__in=parse_numbers(parameters.getlist(name))[:MAX_EXAMPLES]))
        for name in ("like", "unlike")
    )
    frame = nearest_frame(parameters.get("frame", ""), visible)
    key = parse_key(parameters.get("picture", ""))
    picture = PictureQuery.objects.filter(key=key, owner=user).first() if key else None
    wanted = Wanted(
        parameters.get("q", ""),
        frame_vector(frame) if frame else encode_picture(picture.key) if picture else None,
        tuple(segment.pk for segment in like),
        tuple(segment.pk for segment in unlike),
        frozenset(parameters.getlist("off")) & set(PARTS),
        parse_number(parameters.get("upto", "")) or None,
        bool(parameters.get("literal")),
    )
    return wanted, Pointed(like, unlike, frame, picture)


def nearest_frame(text: str, visible: QuerySet[Video]) -> Keyframe | None:
    """The keyframe of `VIDEO@SECONDS`: a paused player asks with it."""
    name, _at, time = text.partition("@")
    key = parse_key(name)
    seconds = parse_seconds(time)
    if key is None or seconds is None:
        return None
    frames = Keyframe.objects.filter(video__in=visible, video__key=key).select_related("video")
    return frames.annotate(far=Abs(F("time") - seconds)).order_by("far", "pk").first()


def frame_vector(frame: Keyframe) -> Vectors | None:
    """Its vector (dv,) by the encoder that answers searches."""
    recipe = recipes.answering()
    kept = FrameVector.objects.filter(keyframe=frame, encoder=recipe.picture_encoder).first()
    return unpack_valid(kept.vector, recipe.dims["visual"]) if kept else None


def encode_picture(key: uuid.UUID) -> Vectors:
    return _encode_picture(key, recipes.answering().pk)


@lru_cache(maxsize=100)
def _encode_picture(key: uuid.UUID, recipe: int) -> Vectors:
    picture = pictures.decode(PictureQuery.objects.get(key=key).picture)
    return np.asarray(engine.pictures(recipes.answering()).encode_images([picture])[0])
