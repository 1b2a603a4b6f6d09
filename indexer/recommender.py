"""What to watch next, from vectors alone: a profile of what was watched, nearness, and diversity.

Items are rows of one matrix `items` (n, d): unit vectors, so that inner products are cosines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.types import Ids, Vectors

RECENCY_DECAY = 0.85  # what a viewing counts for relative to the next newer one
DISLIKE_WEIGHT = 0.5  # share of its nearness that a dismissed item takes from others
DIVERSITY_WEIGHT = 0.3  # how much of a choice is decided by being unlike what was chosen before
MIN_DUPLICATE_COSINE = 0.97  # mean best cosine of keyframes from which two videos count as near-duplicates
TEXT_WEIGHT = 0.3  # weight of what is said beside how it looks, when two videos are compared
MIN_WATCHED_SHARE = 0.05  # share of a video below which watching says nothing


@dataclass(frozen=True)
class Watched:
    """A row of `items` and the share of it that was watched, in [0, 1]; newest first in a history."""

    row: int
    share: float


@dataclass(frozen=True)
class Suggestion:
    """A row of `items`, its score, and the watched row that speaks most for it."""

    row: int
    score: float
    because: int


def suggest(items: Vectors, history: Sequence[Watched], disliked: Sequence[int], limit: int) -> list[Suggestion]:
    """Unwatched rows, best first: nearness to each watched one, weighted by completion and recency, added up (the form
    of item-based collaborative filtering, Sarwar et al. 2001, with content in place of co-views); then made diverse.
    """
    weights = np.array([w.share * RECENCY_DECAY**age for age, w in enumerate(history)], np.float32)
    rows = np.array([w.row for w in history], np.int64)
    valid = np.array([w.share for w in history], np.float32) >= MIN_WATCHED_SHARE
    valid_rows, weights = rows[valid], weights[valid]
    if not len(valid_rows):
        return []
    near = np.maximum(items @ items[valid_rows].T, 0.0) * weights
    scores = near.sum(1) / weights.sum()
    if len(disliked):
        scores -= DISLIKE_WEIGHT * np.maximum(items @ items[list(disliked)].T, 0.0).max(1)
    scores[[*rows, *disliked]] = -np.inf
    order = diversify(items, scores, limit)
    return [Suggestion(row, float(scores[row]), int(valid_rows[near[row].argmax()])) for row in order]


def diversify(items: Vectors, scores: Vectors, limit: int) -> list[int]:
    """Maximal marginal relevance (Carbonell & Goldstein 1998) over the best `8 * limit` rows."""
    pool = [int(i) for i in np.argsort(-scores, kind="stable")[: 8 * limit] if np.isfinite(scores[i])]
    chosen: list[int] = []
    while pool and len(chosen) < limit:
        if chosen:
            alike = (items[pool] @ items[chosen].T).max(1)
            best = int(np.argmax((1 - DIVERSITY_WEIGHT) * scores[pool] - DIVERSITY_WEIGHT * alike))
        else:
            best = 0
        chosen.append(pool.pop(best))
    return chosen


@dataclass(frozen=True)
class Topics:
    """One unit vector (d,) per video, ids ascending: what it shows and says, relative to what all videos do."""

    videos: Ids
    vectors: Vectors

    @classmethod
    def of(cls, allowed: Ids, visual: Mapping[int, Vectors], text: Mapping[int, Vectors]) -> "Topics":
        """Of those videos `allowed` (n,) that have means: visual (dv,) and text (dt,) of each."""
        videos = np.array([pk for pk in np.sort(allowed).tolist() if pk in visual], np.int64)
        blocks = [
            np.stack([means[pk] for pk in videos.tolist()]) if len(videos) else np.zeros((0, 1), np.float32)
            for means in (visual, text)
        ]
        joined = np.concatenate([_centre(blocks[0]), TEXT_WEIGHT * _centre(blocks[1])], 1)
        return cls(videos, np.asarray(joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-6)))

    def row(self, video: int) -> int:
        """-1 for a video that has no segments yet."""
        place = int(np.searchsorted(self.videos, video))
        return place if place < len(self.videos) and self.videos[place] == video else -1

    def neighbours(self, row: int, limit: int) -> list[tuple[int, float]]:
        """The nearest other rows with their cosines, best first."""
        scores = self.vectors @ self.vectors[row]
        scores[row] = -np.inf
        best = np.argsort(-scores, kind="stable")[:limit]
        return [(int(i), float(scores[i])) for i in best if np.isfinite(scores[i])]


def _centre(vectors: Vectors) -> Vectors:
    """Unit rows after the common part is taken off: otherwise every video is like every other. Zero rows stay zero."""
    present = np.linalg.norm(vectors, axis=1) > 1e-6
    if present.sum() < 2:
        return vectors
    moved = np.where(present[:, None], vectors - vectors[present].mean(0), 0)
    return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6), np.float32)


def are_near_duplicates(one: Vectors, other: Vectors) -> bool:
    """Keyframes (n, d) and (m, d) of two videos: nearly every one of either has its like in the other."""
    cosines = one @ other.T
    return bool(min(cosines.max(0).mean(), cosines.max(1).mean()) >= MIN_DUPLICATE_COSINE)
