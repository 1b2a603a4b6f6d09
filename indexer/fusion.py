"""Weighted concatenation: one inner product is an exact weighted sum of the cosines of each space.

The index keeps the unit blocks side by side, `[v ; t]`; the query carries the weights, `[a_v q_v ; a_t q_t]`, so
`<query, segment> = a_v cos_v + a_t cos_t`, weights change per query without re-indexing, and "why this result" is a
sum of parts. (The symmetric form with square roots on both sides gives the same numbers.)
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from indexer.errors import BadVectors
from indexer.types import Vectors

NAME = "concatenation of fields"
SPACES = ("visual", "text")
UNIT = 2e-3  # how far from 1 a length may be: half precision costs about 5e-4


def fuse_segments(blocks: Mapping[str, Vectors]) -> Vectors:
    """{"visual": (n, dv), "text": (n, dt)} of unit or zero rows -> (n, dv + dt). Raises `BadVectors` for others."""
    for space in SPACES:
        bad = np.flatnonzero(~is_unit_or_zero(blocks[space]))
        if len(bad):
            raise BadVectors(f"{len(bad)} {space} vectors are not of unit length.", "Run doctor --fix.")
    return np.ascontiguousarray(np.concatenate([blocks[s] for s in SPACES], axis=1), np.float32)


def fuse_query(blocks: Mapping[str, Vectors], weights: Mapping[str, float]) -> Vectors:
    """{"visual": (dv,), "text": (dt,)} and a weight per space -> (dv + dt,)."""
    return np.concatenate([blocks[s] * weights[s] for s in SPACES]).astype(np.float32)


def is_unit_or_zero(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """(n, d) -> (n,): finite, and of length 1 or 0."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray((np.abs(lengths - 1) <= UNIT) | (lengths == 0), np.bool_)


def mean_direction(vectors: Sequence[Vectors] | Vectors) -> Vectors:
    """The unit-length mean of (n, d) vectors, zero for none of them or when they cancel out."""
    stacked = np.asarray(vectors, np.float32)
    mean = stacked.mean(0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-6 else mean * 0, np.float32)
