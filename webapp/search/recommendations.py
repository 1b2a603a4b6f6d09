"""Similar videos, what to watch next and where to begin, each with its reason."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, QuerySet

from indexer import recommender
from indexer.recommender import Topics, are_near_duplicates
from indexer.types import Vectors
from indexer.vectors import unpack, unpack_valid
from webapp.index import recipes
from webapp.index.snapshot import current_snapshot
from webapp.models import FrameVector, Segment, User, Video
from webapp.search.moments import visible_ids

MAX_HISTORY = 30  # viewings that make a person's profile


@dataclass(frozen=True)
class Similar:
    """A neighbour of a video, and why it is one; `start` is where its nearest moment begins."""

    video: Video
    score: float
    near_duplicate: bool
    because: Video | None = None
    start: float = 0.0


def topics(visible: QuerySet[Video]) -> Topics:
    """Of the videos that somebody may see."""
    snapshot = current_snapshot()
    return Topics.of(visible_ids(visible), snapshot.video_visual_means, snapshot.video_text_means)


def similar(user: User | AnonymousUser, video: Video, limit: int = 8) -> list[Similar]:
    """The nearest videos, near-duplicates first."""
    visible = Video.objects.visible_to(user)
    known = topics(visible | Video.objects.filter(pk=video.pk))
    row = known.row(video.pk)
    if row < 0:
        return []
    best = [(int(known.videos[i]), cosine) for i, cosine in known.neighbours(row, limit)]
    rows = visible.select_related("owner").in_bulk([pk for pk, _ in best])
    starts = begin_at(video, list(rows))
    is_copy = find_copies([video, *rows.values()])
    found = [
        Similar(rows[pk], cosine, is_copy(video, rows[pk]), start=starts.get(pk, 0.0))
        for pk, cosine in best
        if pk in rows
    ]
    return sorted(found, key=lambda item: not item.near_duplicate)


def recommend(user: User, limit: int = 8) -> list[Similar]:
    """By what the person watched and dismissed; for a newcomer what others watch, and what is new."""
    visible = Video.objects.visible_to(user)
    viewings = list(user.viewings.filter(video__in=visible).select_related("video").order_by("-seen_at")[:MAX_HISTORY])
    dismissed = list(user.dismissals.values_list("video", flat=True))
    known = topics(visible)
    shares = {v.video_id: min(1.0, v.watched_seconds / max(v.video.duration, 1.0)) for v in viewings}
    history = [recommender.Watched(r, shares[v.video_id]) for v in viewings if (r := known.row(v.video_id)) >= 0]
    disliked = [r for pk in dismissed if (r := known.row(pk)) >= 0]
    chosen = recommender.suggest(known.vectors, history, disliked, limit)
    rows = visible.select_related("owner").in_bulk([int(known.videos[i]) for s in chosen for i in (s.row, s.because)])
    is_copy = find_copies(list(rows.values()))
    found = []
    for item in chosen:
        pk, cause = int(known.videos[item.row]), int(known.videos[item.because])
        if pk in rows and cause in rows and not is_copy(rows[cause], rows[pk]):
            start = begin_at(rows[cause], [pk]).get(pk, 0.0)
            found.append(Similar(rows[pk], item.score, False, rows[cause], start))
    met = {*shares, *dismissed, *(item.video.pk for item in found)}
    return [*found, *newcomers(visible.exclude(pk__in=met), limit - len(found))]


def newcomers(videos: QuerySet[Video], limit: int) -> list[Similar]:
    """Half of them what most people watched, then the newest."""
    videos = videos.select_related("owner")
    popular = videos.annotate(watchers=Count("viewings")).filter(watchers__gt=0).order_by("-watchers", "-pk")
    first = list(popular[: limit // 2])
    rest = list(videos.exclude(pk__in=[v.pk for v in first]).order_by("-pk")[: max(0, limit - len(first))])
    return [Similar(video, 0.0, False) for video in (*first, *rest)]


def begin_at(video: Video, others: list[int]) -> dict[int, float]:
    """Where in each other video the moment begins that is most like `video`."""
    dim = recipes.active().dims["visual"]
    mean = current_snapshot().video_visual_means.get(video.pk)
    best: dict[int, tuple[float, float]] = {}
    if mean is None:
        return {}
    rows = Segment.objects.active().filter(video__in=others)
    for pk, start, blob in rows.values_list("video", "start", "visual"):
        vector = unpack_valid(blob, dim)
        if vector is not None and (score := float(vector @ mean)) > best.get(pk, (-1.0, 0.0))[0]:
            best[pk] = (score, start)
    return {pk: start for pk, (_, start) in best.items()}


def find_copies(videos: Collection[Video]) -> Callable[[Video, Video], bool]:
    """Whether two of these are nearly the same: nearly every keyframe of the shorter one has its like in the other."""
    recipe = recipes.active()
    dim = recipe.dims["visual"]
    stored = FrameVector.objects.filter(keyframe__video__in=videos, encoder=recipe.picture_encoder)
    blobs: dict[int, list[Vectors]] = defaultdict(list)
    for pk, blob in stored.order_by("keyframe__time").values_list("keyframe__video", "vector"):
        blobs[pk].append(unpack(blob, dim))
    frames = {pk: np.stack(vectors) for pk, vectors in blobs.items()}

    def is_copy(one: Video, other: Video) -> bool:
        if not (one.width and other.width and one.pk in frames and other.pk in frames):
            return False
        return are_near_duplicates(frames[one.pk], frames[other.pk])

    return is_copy
