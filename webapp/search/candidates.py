"""Candidates of a search: the rows of proposed segments with everything that the ranking needs."""

from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache

import numpy as np

from indexer.retriever import Candidate
from indexer.snapshot import Snapshot
from indexer.terms import terms
from indexer.types import Span, Vectors
from indexer.vectors import unpack_fields, unpack_valid
from webapp.models import FrameVector, Recipe, Segment, Shot

CANDIDATES_PER_CHANNEL = 40  # each costs a tenth of a millisecond to load and rank


def load_candidates(
    ids: Collection[int], snapshot: Snapshot, recipe: Recipe, upto: int | None = None
) -> dict[int, Candidate]:
    """Segment -> everything the ranking needs, in three queries; none that is newer than the sequence `upto`."""
    dims = recipe.dims
    rows = Segment.objects.filter(pk__in=ids, **({"sequence__lte": upto} if upto else {}))
    columns = ("pk", "video_id", "start", "end", "field_vectors", "speech", "screen", "video__title")
    found = list(rows.values_list(*columns))
    frames = load_frames([row[0] for row in found], recipe)
    shots: dict[int, list[Span]] = defaultdict(list)
    spans = Shot.objects.filter(video__in={row[1] for row in found}).order_by()
    for video, start, end in spans.values_list("video", "start", "end"):
        shots[video].append(Span(start, end))
    none = np.zeros(dims["visual"], np.float32)
    candidates = {}
    for pk, video, start, end, blob, speech, screen, title in found:
        vectors, times = frames.get(pk, (np.zeros((0, dims["visual"]), np.float32), []))
        candidates[pk] = Candidate(
            pk,
            video,
            Span(start, end),
            {name: v for name, v in unpack_fields(blob, dims["text"]).items() if v is not None},
            snapshot.video_visual_means.get(video, none),
            vectors,
            times,
            sorted((s for s in shots[video] if s.start < end and start < s.end), key=lambda s: s.start),
            {"speech": split(speech), "screen": split(screen), "title": split(title)},
        )
    return candidates


def load_frames(ids: Collection[int], recipe: Recipe) -> dict[int, tuple[Vectors, list[float]]]:
    """Per segment the vectors (m, dv) of its frames and their times, in order."""
    through = Segment.keyframes.through.objects.filter(segment__in=ids)
    links: dict[int, list[int]] = defaultdict(list)
    for segment, frame in through.values_list("segment_id", "keyframe_id"):
        links[segment].append(frame)
    stored = FrameVector.objects.filter(
        keyframe__in={frame for frames in links.values() for frame in frames}, encoder=recipe.picture_encoder
    )
    vectors: dict[int, tuple[float, Vectors]] = {}
    for frame, moment, blob in stored.values_list("keyframe_id", "keyframe__time", "vector"):
        vector = unpack_valid(blob, recipe.dims["visual"])
        if vector is not None:
            vectors[frame] = (moment, vector)
    loaded = {}
    for segment, frames in links.items():
        inside = sorted((vectors[f] for f in frames if f in vectors), key=lambda pair: pair[0])
        if inside:
            loaded[segment] = (np.stack([v for _, v in inside]), [t for t, _ in inside])
    return loaded


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str, ...]:
    """Terms of a segment's words, kept: stemming is the slowest part of a search otherwise."""
    return tuple(terms(text))
