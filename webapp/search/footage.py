"""The same pictures in other videos: footage that is used again under another title, cropped, mirrored or relit.

Frames are compared by their vectors: of 120 held-out photos of Flickr8k a mirrored one has a cosine of at least 0.96
with the original, one cropped to 80 % of 0.93 (95 of 100), while the nearest of 673 others reaches 0.90. Below that,
two frames of different pictures have to fit that are as far apart in the one video as in the other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import AnonymousUser

from indexer.snapshot import Masks, Snapshot
from indexer.types import Span, Vectors
from indexer.vectors import unpack_valid
from webapp.index import recipes
from webapp.index.snapshot import current_snapshot
from webapp.models import FrameVector, Recipe, Segment, User, Video
from webapp.search.candidates import load_frames
from webapp.search.moments import visible_ids

MIN_ALONE = 0.93  # cosine of two frames that are the same picture
MIN_TOGETHER = 0.82  # of two that are, where others fit at the same distance
MIN_ALIGNED = 2  # pictures
SAME_OFFSET = 1.5  # seconds by which the distance may differ: keyframes are taken now and then only
MAX_FRAMES = 24  # of the video that are looked for
NEAREST = 8  # segments that are looked at for each of them

Pair = tuple[float, float, float]  # seconds here, seconds there, cosine


@dataclass(frozen=True)
class Reused:
    """A stretch of the video that is seen in another one, too."""

    video: Video
    here: Span
    there: Span
    confidence: float  # the best cosine


def find_reused(user: User | AnonymousUser, video: Video) -> list[Reused]:
    """The longest stretch of each other video that this person may see, surest first."""
    recipe = recipes.answering()
    frames = choose_frames(video, recipe)
    snapshot = current_snapshot(recipe)
    masks = snapshot.masks(visible_ids(Video.objects.visible_to(user).exclude(pk=video.pk)))
    near = dict(zip(frames, find_near(list(frames.values()), recipe.dims["text"], snapshot, masks), strict=True))
    segments = {pk for found in near.values() for pk in found}
    videos = dict(Segment.objects.filter(pk__in=segments).values_list("pk", "video"))
    shown = load_frames(list(segments), recipe)
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for time, found in near.items():
        for pk in (pk for pk in found if pk in shown and pk in videos):
            raw, _smoothed, times = shown[pk]
            cosines = zip(times, (raw @ frames[time]).tolist(), strict=True)
            pairs[videos[pk]] += [(time, at, cosine) for at, cosine in cosines if cosine >= MIN_TOGETHER]
    rows = Video.objects.in_bulk(pairs)
    reused = [stretch for pk, found in pairs.items() if pk in rows and (stretch := align(rows[pk], found, frames))]
    return sorted(reused, key=lambda item: -item.confidence)


def choose_frames(video: Video, recipe: Recipe) -> dict[float, Vectors]:
    """Second -> vector (dv,), evenly over the video."""
    stored = FrameVector.objects.filter(keyframe__video=video, encoder=recipe.picture_encoder)
    frames = list(stored.order_by("keyframe__time").values_list("keyframe__time", "vector"))
    places = np.linspace(0, len(frames) - 1, min(MAX_FRAMES, len(frames))).round().astype(int).tolist()
    vectors = {frames[i][0]: unpack_valid(frames[i][1], recipe.dims["visual"]) for i in places}
    return {time: vector for time, vector in vectors.items() if vector is not None}


def find_near(frames: Sequence[Vectors], text_dim: int, snapshot: Snapshot, masks: Masks) -> list[list[int]]:
    """For each frame (dv,) the segments that look most like it."""
    none = np.zeros(text_dim, np.float32)
    weights = {"visual": 1.0, "text": 0.0}
    queries = [snapshot.fusion.fuse_query({"visual": frame, "text": none}, weights) for frame in frames]
    found = snapshot.search(np.stack(queries), NEAREST, masks) if queries else []
    return [[hit.segment for hit in hits] for hits in found]


def align(other: Video, pairs: list[Pair], frames: Mapping[float, Vectors]) -> Reused | None:
    """The largest group of pairs whose frames are equally far apart; None where they are too few and not sure."""
    groups = [[p for p in pairs if abs((p[1] - p[0]) - (q[1] - q[0])) <= SAME_OFFSET] for q in pairs]
    best = max(groups, key=lambda group: (len({p[0] for p in group}), max(p[2] for p in group)), default=[])
    sure = max((p[2] for p in best), default=0.0)
    if sure < MIN_ALONE and count_pictures([frames[time] for time in {p[0] for p in best}]) < MIN_ALIGNED:
        return None
    here, there = [p[0] for p in best], [p[1] for p in best]
    return Reused(other, Span(min(here), max(here)), Span(min(there), max(there)), sure)


def count_pictures(vectors: Sequence[Vectors]) -> int:
    """Those that are unlike each other: somebody who sits still for an hour is one."""
    kept: list[Vectors] = []
    for vector in vectors:
        if all(float(vector @ known) < MIN_TOGETHER for known in kept):
            kept.append(vector)
    return len(kept)
