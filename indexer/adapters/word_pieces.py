"""Texts cut into word pieces, as the small English encoders read them."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]


class WordPieces:
    """A tokenizer that threads share: truncation and padding are a state of it."""

    def __init__(self, path: Path, longest: int) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._longest = longest
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> tuple[Tokens, Tokens, Tokens]:
        """Texts, or pairs of them -> ids, whether each is present, and which of the pair it is of; (n, length) each,
        `longest` at most.
        """
        with self._lock:
            self._tokenizer.enable_truncation(self._longest)
            self._tokenizer.enable_padding()
            rows = self._tokenizer.encode_batch(list(texts))
        ids, present, sides = zip(*((row.ids, row.attention_mask, row.type_ids) for row in rows), strict=True)
        return np.array(ids, np.int64), np.array(present, np.int64), np.array(sides, np.int64)

    def cut(self, text: str) -> list[str]:
        """The pieces of a text, nothing added."""
        with self._lock:
            self._tokenizer.no_padding()
            return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)
