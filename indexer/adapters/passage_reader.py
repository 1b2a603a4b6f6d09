"""A cross-encoder of transformers that reads many languages: BGE reranker v2 (Chen et al. 2024, arXiv:2402.03216)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer.adapters.text_pairs import TextPairs


class PassageReader:
    """Logits, about -11 (unrelated) to 11 (answers), in any pair of its languages."""

    def __init__(self, models: Path, folder: str) -> None:
        del models
        self._pairs = TextPairs(folder)
        self.name = f"transformers {Path(folder).name}"

    def score(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n,), one for each passage."""
        return self._pairs.read([question] * len(passages), passages)[:, 0]
