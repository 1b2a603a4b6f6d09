"""Candidates of a search: the rows of proposed segments with everything that the ranking needs."""

import threading
from collections import defaultdict
from collections.abc import Collection

import numpy as np

from indexer.documents import Document
from indexer.retriever import Candidate
from indexer.types import Span, Vectors
from indexer.vectors import unpack_fields, unpack_valid
from webapp.index.documents import read_documents
from webapp.models import FrameVector, Recipe, Segment, Shot

MAX_KEPT = 4000  # candidates that a process keeps: some 20 kB each
CANDIDATES_PER_CHANNEL = 40  # each costs a tenth of a millisecond to load and rank


class CandidateCache:
    """The candidates of recent searches as one snapshot has them: the same moments are near many queries. Whatever
    changes a segment changes the sequence, and then another snapshot answers.
    """

    def __init__(self) -> None:
        self._of = (-1, -1)  # recipe and sequence
        self._kept: dict[int, Candidate] = {}
        self._lock = threading.Lock()

    def load(self, ids: Collection[int], recipe: Recipe, sequence: int) -> dict[int, Candidate]:
        """As `load_candidates`, of what is known at `sequence`."""
        with self._lock:
            if self._of != (recipe.pk, sequence):
                self._of, self._kept = (recipe.pk, sequence), {}
            kept = self._kept
        known = {pk: kept[pk] for pk in ids if pk in kept}
        fresh = load_candidates([pk for pk in ids if pk not in known], recipe)
        if len(kept) + len(fresh) > MAX_KEPT:
            kept.clear()
        kept.update(fresh)
        return known | fresh


cache = CandidateCache()


def load_candidates(ids: Collection[int], recipe: Recipe, upto: int | None = None) -> dict[int, Candidate]:
    """Segment -> everything the ranking needs, in three queries; none that is newer than the sequence `upto`."""
    if not ids:
        return {}
    dims = recipe.dims
    rows = Segment.objects.filter(pk__in=ids, **({"sequence__lte": upto} if upto else {}))
    columns = ("pk", "video_id", "start", "end", "field_vectors")
    found, words = list(rows.values_list(*columns)), read_documents(rows)
    frames = load_frames([row[0] for row in found], recipe)
    shots: dict[int, list[Span]] = defaultdict(list)
    spans = Shot.objects.filter(video__in={row[1] for row in found}).order_by()
    for video, start, end in spans.values_list("video", "start", "end"):
        shots[video].append(Span(start, end))
    none = np.zeros((0, dims["visual"]), np.float32)
    candidates = {}
    for pk, video, start, end, blob in found:
        vectors, smoothed, times = frames.get(pk, (none, none, []))
        candidates[pk] = Candidate(
            pk,
            video,
            Span(start, end),
            {name: v for name, v in unpack_fields(blob, dims["text"]).items() if v is not None},
            vectors,
            smoothed,
            times,
            sorted((s for s in shots[video] if s.start < end and start < s.end), key=lambda s: s.start),
            words.get(pk, Document()).fields,
        )
    return candidates


def load_frames(ids: Collection[int], recipe: Recipe) -> dict[int, tuple[Vectors, Vectors, list[float]]]:
    """Per segment the vectors (m, dv) of its frames, these smoothed, and their times, in order."""
    through = Segment.keyframes.through.objects.filter(segment__in=ids)
    links: dict[int, list[int]] = defaultdict(list)
    for segment, frame in through.values_list("segment_id", "keyframe_id"):
        links[segment].append(frame)
    stored = FrameVector.objects.filter(
        keyframe__in={frame for frames in links.values() for frame in frames}, encoder=recipe.picture_encoder
    )
    vectors: dict[int, tuple[float, Vectors, Vectors]] = {}
    columns = stored.values_list("keyframe_id", "keyframe__time", "vector", "smoothed")
    for frame, moment, *blobs in columns:
        vector, smoothed = (unpack_valid(blob, recipe.dims["visual"]) for blob in blobs)
        if vector is not None:
            vectors[frame] = (moment, vector, smoothed if smoothed is not None and smoothed.any() else vector)
    loaded = {}
    for segment, frames in links.items():
        inside = sorted((vectors[f] for f in frames if f in vectors), key=lambda row: row[0])
        if inside:
            times, raw, smoothed_rows = zip(*inside, strict=True)
            loaded[segment] = (np.stack(raw), np.stack(smoothed_rows), list(times))
    return loaded
