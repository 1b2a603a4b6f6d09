"""Natural language inference by transformers, in many languages: mDeBERTa v3 (He et al. 2021,
https://arxiv.org/abs/2111.09543), trained on XNLI and translations of MNLI, ANLI, FEVER, LingNLI and WANLI.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer.adapters.text_pairs import TextPairs
from indexer.errors import ModelMissing
from indexer.fusion import softmax

MEANINGS = ("entailment", "neutral", "contradiction")  # models name them all, in any order


class TransformersInference:
    """`folder` as the hub has it. Raises `ModelMissing` where it can't be loaded, or is no model of inference."""

    def __init__(self, folder: str) -> None:
        self._pairs = TextPairs(folder)
        if sorted(self._pairs.labels) != sorted(MEANINGS):
            raise ModelMissing(
                "The model in %(folder)s tells %(labels)s apart, not entailment and contradiction. Choose another one.",
                folder=folder,
                labels=", ".join(self._pairs.labels),
            )
        self._order = [self._pairs.labels.index(meaning) for meaning in MEANINGS]
        self.name = f"transformers {Path(folder).name}"

    def infer(self, passages: Sequence[str], claim: str) -> npt.NDArray[np.float32]:
        """(n, 3): probabilities that a passage entails the claim, does neither, contradicts it."""
        logits = self._pairs.read(passages, [claim] * len(passages))[:, self._order]
        return np.asarray(softmax(logits), np.float32)
