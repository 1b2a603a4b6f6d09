"""Fusion: the blocks of a segment become one vector, and a query one to ask it with. Three families of the literature.

`Concatenation` is the default: `<query, segment>` is the exact weighted sum of the cosines, so weights change per query
without re-indexing. `Addition` and `Attention` need one space: half the memory, and what one part says can't be told
from what the other says. `manage.py bench fusion` compares them on judged data.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from indexer.errors import BadVectors, ModelMissing
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.types import Space, Vectors
from indexer.weights import hash_file

SPACES = ("visual", "text")
MAX_UNIT_ERROR = 2e-3  # how far from 1 a length may be: half precision costs about 5e-4
ATTENTION = Path(__file__).parent / "weights" / "fusion.safetensors"

Spaces = Mapping[str, Space]
Blocks = Mapping[str, Vectors]


class Concatenation:
    """Blocks side by side, `[v ; t]`; the query carries the weights, `[a_v q_v ; a_t q_t]`.

    (The symmetric form with square roots on both sides gives the same numbers.)
    """

    name = "concatenation of fields"

    def __init__(self, spaces: Spaces) -> None:
        self.dim = sum(space.dim for space in spaces.values())

    def fuse_segments(self, blocks: Blocks) -> Vectors:
        """As `ports.Fusion`; (n, dv + dt)."""
        return np.ascontiguousarray(np.concatenate([checked(blocks, s) for s in SPACES], axis=1), np.float32)

    def fuse_query(self, blocks: Blocks, weights: Mapping[str, float]) -> Vectors:
        """As `ports.Fusion`; (dv + dt,)."""
        return np.concatenate([blocks[s] * weights[s] for s in SPACES]).astype(np.float32)


class Addition:
    """The unit-length sum of the blocks. Meant for encoders that share one space; others add noise to each other."""

    name = "sum of fields"

    def __init__(self, spaces: Spaces) -> None:
        self.dim = one_dim(spaces)

    def fuse_segments(self, blocks: Blocks) -> Vectors:
        """As `ports.Fusion`; (n, d)."""
        return unit(np.stack([checked(blocks, s) for s in SPACES]).sum(0))

    def fuse_query(self, blocks: Blocks, weights: Mapping[str, float]) -> Vectors:
        """As `ports.Fusion`; (d,)."""
        return np.asarray(sum(blocks[s] * weights[s] for s in SPACES), np.float32)


class Attention:
    """`h_s = W_s x_s`, `α = softmax(uᵀ h)` over the blocks that a segment has, `Σ α_s h_s` at unit length.

    (Bahdanau et al. 2014, https://arxiv.org/abs/1409.0473, without the recurrence.) The query takes the same maps with
    its own weights for α. Learned for one pair of encoders by `manage.py train fusion`.
    """

    def __init__(self, spaces: Spaces, weights: Path = ATTENTION) -> None:
        """Raises `ModelMissing` when the weights were learned for other encoders."""
        self.dim = one_dim(spaces)
        with safe_open(weights, "numpy") as learned:
            if learned.metadata() != name_encoders(spaces):
                raise ModelMissing(
                    "Attention was not learned for %(encoders)s. Run `manage.py train fusion --data DIR` with "
                    "these encoders, or unset KINOSCOPE_FUSION.",
                    encoders=" and ".join(name_encoders(spaces).values()),
                )
            self._maps = {s: learned.get_tensor(s).astype(np.float32) for s in SPACES}
            self._attention = learned.get_tensor("attention").astype(np.float32)
        self.name = f"attention-{hash_file(weights)[:8]}"

    def fuse_segments(self, blocks: Blocks) -> Vectors:
        """As `ports.Fusion`; (n, d)."""
        hidden = np.stack([checked(blocks, s) @ self._maps[s].T for s in SPACES])
        present = np.stack([np.any(blocks[s], axis=1) for s in SPACES])
        raised = np.exp(np.clip(hidden @ self._attention, -30, 30)) * present
        shares = raised / np.maximum(raised.sum(0), 1e-9)
        return unit((shares[..., None] * hidden).sum(0))

    def fuse_query(self, blocks: Blocks, weights: Mapping[str, float]) -> Vectors:
        """As `ports.Fusion`; (d,)."""
        return np.asarray(sum(self._maps[s] @ blocks[s] * weights[s] for s in SPACES), np.float32)


def spaces_of(picture_encoder: PictureEncoder, sentence_encoder: SentenceEncoder) -> dict[str, Space]:
    """The spaces that two encoders make."""
    return {
        "visual": Space(picture_encoder.name, picture_encoder.dim),
        "text": Space(sentence_encoder.name, sentence_encoder.dim),
    }


def name_encoders(spaces: Spaces) -> dict[str, str]:
    """Space -> encoder: what learned weights are good for."""
    return {name: space.encoder for name, space in spaces.items()}


def one_dim(spaces: Spaces) -> int:
    """The width that all spaces share; raises `BadVectors` when they differ."""
    dims = {space.dim for space in spaces.values()}
    if len(dims) > 1:
        widths = " and ".join(f"{s.dim} ({s.encoder})" for s in spaces.values())
        raise BadVectors("Vectors of %(widths)s dimensions can't be added. Unset KINOSCOPE_FUSION.", widths=widths)
    return dims.pop()


def checked(blocks: Blocks, space: str) -> Vectors:
    """The block (n, d) of a space; raises `BadVectors` for rows that are neither of unit length nor zero."""
    bad = np.flatnonzero(~is_unit_or_zero(blocks[space]))
    if len(bad):
        raise BadVectors(
            "%(count)s %(space)s vectors are not of unit length. Run doctor --fix.", count=len(bad), space=space
        )
    return blocks[space]


def is_unit_or_zero(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """(n, d) -> (n,): finite, and of length 1 or 0."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray((np.abs(lengths - 1) <= MAX_UNIT_ERROR) | (lengths == 0), np.bool_)


def unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    """(n, d) -> rows of unit length; rows of next to nothing become zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > 1e-6, vectors / np.maximum(lengths, 1e-6), 0), np.float32)


def softmax(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(n, m) -> shares of each row, in (0, 1], which add up to 1."""
    raised = np.exp(scores - scores.max(1, keepdims=True))
    shares: npt.NDArray[Any] = raised / raised.sum(1, keepdims=True)
    return shares


def mean_direction(vectors: Sequence[Vectors] | Vectors) -> Vectors:
    """The unit-length mean of (n, d) vectors, zero for none of them or when they cancel out."""
    return np.asarray(unit(np.asarray(vectors, np.float32).mean(0)[None])[0], np.float32)
