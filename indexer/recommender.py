"""What to watch next, from vectors alone: a profile of what was watched, nearness, and diversity.

Items are rows of one matrix `items` (n, d): unit vectors, so that inner products are cosines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.types import Vectors

RECENCY = 0.85  # what a viewing counts for relative to the next newer one
DISLIKED = 0.5  # share of its nearness that a dismissed item takes from others
VARIETY = 0.3  # how much of a choice is decided by being unlike what was chosen before
LEAST = 0.05  # share of a video below which watching says nothing


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
    weights = np.array([w.share * RECENCY**age for age, w in enumerate(history)], np.float32)
    rows = np.array([w.row for w in history], np.int64)
    sound = np.array([w.share for w in history], np.float32) >= LEAST
    rows_sound, weights = rows[sound], weights[sound]
    if not len(rows_sound):
        return []
    near = np.maximum(items @ items[rows_sound].T, 0.0) * weights
    scores = near.sum(1) / weights.sum()
    if len(disliked):
        scores -= DISLIKED * np.maximum(items @ items[list(disliked)].T, 0.0).max(1)
    scores[[*rows, *disliked]] = -np.inf
    order = diversify(items, scores, limit)
    return [Suggestion(row, float(scores[row]), int(rows_sound[near[row].argmax()])) for row in order]


def diversify(items: Vectors, scores: Vectors, limit: int) -> list[int]:
    """Maximal marginal relevance (Carbonell & Goldstein 1998) over the best `8 * limit` rows."""
    pool = [int(i) for i in np.argsort(-scores, kind="stable")[: 8 * limit] if np.isfinite(scores[i])]
    chosen: list[int] = []
    while pool and len(chosen) < limit:
        if chosen:
            alike = (items[pool] @ items[chosen].T).max(1)
            best = int(np.argmax((1 - VARIETY) * scores[pool] - VARIETY * alike))
        else:
            best = 0
        chosen.append(pool.pop(best))
    return chosen
