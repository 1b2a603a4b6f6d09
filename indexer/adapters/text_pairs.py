"""Networks of transformers that read two texts together and say something about the pair."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import loading

_MAX_TOKENS = 256
_BATCH = 16


class TextPairs:
    """A folder as the hub has it: sequence classification. Raises `ModelMissing` where it can't be loaded."""

    def __init__(self, folder: str) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._gpu = torch.cuda.is_available()
        with loading(folder):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            network: Any = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True
            )
        self._network = network.eval().to("cuda" if self._gpu else "cpu")
        self.labels: list[str] = [network.config.id2label[n].lower() for n in range(network.config.num_labels)]

    def read(self, firsts: Sequence[str], seconds: Sequence[str]) -> npt.NDArray[np.float32]:
        """n pairs -> logits (n, labels)."""
        import torch

        logits = np.zeros((len(firsts), len(self.labels)), np.float32)
        order = sorted(range(len(firsts)), key=lambda i: len(firsts[i]) + len(seconds[i]))  # like lengths pad little
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            inputs = self._tokenizer(
                [firsts[i] for i in rows], [seconds[i] for i in rows],
                return_tensors="pt", padding=True, truncation=True, max_length=_MAX_TOKENS,
            ).to(self._network.device)  # fmt: skip
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=self._gpu):
                logits[rows] = self._network(**inputs).logits.float().cpu().numpy()
        return logits
