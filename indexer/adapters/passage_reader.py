"""A cross-encoder of transformers that reads many languages: BGE reranker v2 (Chen et al. 2024, arXiv:2402.03216)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import ModelMissing

_MAX_TOKENS = 256
_BATCH = 16


class PassageReader:
    """Logits, about -11 (unrelated) to 11 (answers), in any pair of its languages."""

    def __init__(self, models: Path, folder: str) -> None:
        del models
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._gpu = torch.cuda.is_available()
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            network: Any = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True
            )
        except (OSError, ValueError, ImportError) as error:
            raise ModelMissing(
                "The passage reader in %(folder)s can't be loaded (%(why)s). Remove the model and fetch it again.",
                folder=folder,
                why=str(error)[:150],
            ) from error
        self._network = network.eval().to("cuda" if self._gpu else "cpu")
        self.name = f"transformers {Path(folder).name}"

    def score(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n,), one for each passage."""
        import torch

        scores = np.zeros(len(passages), np.float32)
        order = sorted(range(len(passages)), key=lambda i: len(passages[i]))  # like lengths together pad little
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            inputs = self._tokenizer(
                [question] * len(rows), [passages[i] for i in rows],
                return_tensors="pt", padding=True, truncation=True, max_length=_MAX_TOKENS,
            ).to(self._network.device)  # fmt: skip
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=self._gpu):
                scores[rows] = self._network(**inputs).logits.float().reshape(-1).cpu().numpy()
        return scores
