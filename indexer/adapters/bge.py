"""bge-small-en-v1.5 in ONNX Runtime: English sentences, a third reader of what is asked of pictures."""

from collections.abc import Sequence

import numpy as np

from indexer import weights
from indexer.adapters.onnx_runtime import open_session
from indexer.adapters.word_pieces import WordPieces
from indexer.fusion import unit
from indexer.types import Vectors

DIM = 384
_LONGEST = 64  # tokens: a description is shorter
_BATCH = 64


class BgeSmall:
    """Unit-length vectors of the first token, as its authors compute them (https://huggingface.co/BAAI/bge-small-en-v1.5)."""

    def __init__(self) -> None:
        network, tokenizer = weights.BGE.verify()
        self._session = open_session(network, threads=1)
        self._pieces = WordPieces(tokenizer, _LONGEST)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, 384), unit length."""
        parts = [np.zeros((0, DIM), np.float32)]
        for start in range(0, len(texts), _BATCH):
            tokens, present, sides = self._pieces.encode(texts[start : start + _BATCH])
            inputs = {"input_ids": tokens, "attention_mask": present, "token_type_ids": sides}
            parts.append(unit(self._session.run(None, inputs)[0][:, 0]))
        return np.concatenate(parts)
