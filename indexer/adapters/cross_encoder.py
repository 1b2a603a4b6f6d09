"""ms-marco-MiniLM-L-12-v2 in ONNX Runtime: how well a passage answers a question, both in English.

A cross-encoder reads both texts together (Nogueira & Cho 2019, Passage Re-ranking with BERT, arXiv:1901.04085).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer import weights
from indexer.adapters.onnx_runtime import open_session
from indexer.adapters.word_pieces import WordPieces

_LONGEST = 192  # tokens of a question and a passage together
_BATCH = 16
_PIECES = 1.6  # word pieces a word: English takes 1.2, other languages 2 to 5


class CrossEncoder:
    """Logits, about -11 (unrelated) to 10 (answers)."""

    name = "ms-marco-MiniLM-L-12-v2"

    def __init__(self, models: Path) -> None:
        network, tokenizer = weights.RERANKER.verify()
        self._session = open_session(network)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        self._pieces = WordPieces(tokenizer, _LONGEST)

    def score(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n,), one for each passage; NaN where question or passage is not English."""
        scores = np.full(len(passages), np.nan, np.float32)
        if not self._reads(question):
            return scores
        readable = [i for i, passage in enumerate(passages) if self._reads(passage)]
        order = sorted(readable, key=lambda i: len(passages[i]))  # like lengths together pad little
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            tokens, present, sides = self._pieces.encode([(question, passages[i]) for i in rows])
            inputs = {"input_ids": tokens, "attention_mask": present, "token_type_ids": sides}
            scores[rows] = self._session.run(None, {k: v for k, v in inputs.items() if k in self._inputs})[0].reshape(
                -1
            )
        return scores

    def _reads(self, text: str) -> bool:
        """Whether this is English to the model: it knows most of the words whole."""
        words = text.split()
        pieces = self._pieces.cut(text)
        return bool(words) and "[UNK]" not in pieces and len(pieces) / len(words) < _PIECES
