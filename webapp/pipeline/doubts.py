"""Which moments, or videos, to ask an admin about next: those that a label's classifier is least sure of."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from indexer.classifier import read_numbers
from indexer.errors import EngineAway
from indexer.fusion import SPACES
from indexer.types import Span
from webapp.index.snapshot import current_snapshot
from webapp.models import Classifier, Label, Segment, Tag, User, Video
from webapp.pipeline.classifiers import Stretch, load_stretches
from webapp.search.moments import find_moments, find_pictures, visible_ids

log = logging.getLogger(__name__)

MAX_NEAREST = 2000  # segments, or newest videos, that are looked at
IN_DOUBT = 0.4  # away from one half
NEAREST = 100  # segments that are looked at beside those that are tagged, twice over


@dataclass(frozen=True)
class Asked:
    """A moment with its picture (keyframe file, "" without one); `confidence` is None before anything was learned."""

    video: Video
    start: float
    end: float
    picture: str
    confidence: float | None = None
    good: bool | None = None


def find_doubts(label: Label, user: User, limit: int) -> list[Asked]:
    """The most doubtful one of each video, but for those that somebody judged; before there is a classifier what the
    label's name finds.
    """
    row = Classifier.objects.filter(label=label).select_related("recipe").first()
    judged: dict[int, list[Span]] = {}
    for example in label.examples.all():
        judged.setdefault(example.video_id, []).append(Span(example.start, example.end))
    ranked: list[tuple[Stretch, float | None]] = []
    if row is None:
        ranked += name_nearest(label, user, 2 * limit + len(judged))
    else:
        rated = rate_videos(row, user) if label.kind == Label.Kind.GENRE else rate_segments(row, user)
        rated.sort(key=lambda item: by_doubt(item[1]))
        ranked += rated
    chosen: dict[int, tuple[Span, float | None]] = {}
    for (video, span), confidence in ranked:
        if len(chosen) < limit and not any(span.overlap(known) > 0 for known in judged.get(video, [])):
            chosen.setdefault(video, (span, confidence))
    pictures = find_pictures([(video, span) for video, (span, _confidence) in chosen.items()])
    rows = Video.objects.in_bulk(chosen)
    return [
        Asked(rows[video], span.start, span.end, picture, confidence)
        for (video, (span, confidence)), picture in zip(chosen.items(), pictures, strict=True)
        if video in rows
    ]


def by_doubt(confidence: float) -> tuple[bool, float]:
    """Sorts what is in doubt first, the most doubtful before all; behind it what is surest, where mistakes show."""
    doubt = abs(confidence - 0.5)
    return (False, doubt) if doubt < IN_DOUBT else (True, -confidence)


def show_examples(label: Label) -> list[Asked]:
    """What was judged, newest first."""
    examples = list(label.examples.select_related("video"))
    pictures = find_pictures([(e.video_id, Span(e.start, e.end)) for e in examples])
    return [Asked(e.video, e.start, e.end, picture, good=e.good) for e, picture in zip(examples, pictures, strict=True)]


def name_nearest(label: Label, user: User, limit: int) -> Iterator[tuple[Stretch, None]]:
    for moment in find_moments(user, label.name, limit, "video").moments:
        whole = label.kind == Label.Kind.GENRE
        yield (moment.video.pk, Span(0.0, moment.video.duration) if whole else Span(moment.start, moment.end)), None


def rate_segments(row: Classifier, user: User) -> list[tuple[Stretch, float]]:
    """The index is asked with the classifier's own weights: an inner product is what it computes, too."""
    snapshot, learned = current_snapshot(row.recipe), read_numbers(row.weights)
    masks = snapshot.masks(visible_ids(Video.objects.visible_to(user)))
    blocks = {"visual": learned.weights, "text": np.zeros(row.recipe.dims["text"], np.float32)}
    count = min(MAX_NEAREST, NEAREST + 2 * Tag.objects.seen([row.label.name]).count())
    try:
        query = snapshot.fusion.fuse_query(blocks, dict.fromkeys(SPACES, 1.0))
        (hits,) = snapshot.search(query[None], count, masks)
    except EngineAway as away:
        log.warning("nothing is offered to be judged: %s", away)
        return []
    stretches = load_stretches(row.label, row.recipe, Segment.objects.filter(pk__in=[hit.segment for hit in hits]))
    return list(zip(stretches.places, learned.judge(stretches.vectors).tolist(), strict=True))


def rate_videos(row: Classifier, user: User) -> list[tuple[Stretch, float]]:
    """By the mean of each block, as whole videos are learned from."""
    snapshot, learned = current_snapshot(row.recipe), read_numbers(row.weights)
    newest = Video.objects.visible_to(user).filter(status=Video.Status.READY).order_by("-pk")
    rated = []
    for pk, duration in newest.values_list("pk", "duration")[:MAX_NEAREST]:
        if pk in snapshot.video_visual_means:
            means = snapshot.video_visual_means[pk], snapshot.video_text_means[pk]
            vector = np.concatenate([mean / max(float(np.linalg.norm(mean)), 1e-6) for mean in means])
            rated.append(((pk, Span(0.0, duration)), float(learned.judge(vector[None])[0])))
    return rated
