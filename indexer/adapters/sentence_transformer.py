"""Sentence encoders of transformers (multilingual E5, BGE-M3): other weights for the `text` space.

How tokens become one vector stands in the repository's own `1_Pooling/config.json`, as sentence-transformers writes it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer.calibration import BACKGROUND
from indexer.errors import loading
from indexer.fusion import unit
from indexer.types import Vectors

_MAX_TOKENS = 512
_BATCH, _GPU_BATCH = 16, 128


class SentenceTransformer:
    """`folder` holds a repository. Cosines of these models lie close together whatever the texts say, so the mean of
    sentences that have nothing to do with each other is taken off (Mu & Viswanath 2018, arXiv:1702.01417).
    """

    def __init__(self, folder: Path, before_query: str, before_passage: str) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._gpu = torch.cuda.is_available()
        with loading(folder):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            network: Any = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
            pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
        self._network = network.eval().to("cuda" if self._gpu else "cpu")
        self._first = bool(pooling.get("pooling_mode_cls_token"))
        self._before = {True: before_query, False: before_passage}
        self.name = f"transformers {folder.name}"
        self.dim = int(network.config.hidden_size)
        self._means = {as_query: self._encode(BACKGROUND, as_query).mean(0) for as_query in (True, False)}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), unit length; zero for a text without words."""
        return self._centre(texts, True)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), unit length; zero for a text without words."""
        return self._centre(texts, False)

    def _centre(self, texts: Sequence[str], as_query: bool) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        vectors = unit(self._encode(texts, as_query) - self._means[as_query])
        vectors[[not text.strip() for text in texts]] = 0.0
        return vectors

    def _encode(self, texts: Sequence[str], as_query: bool) -> Vectors:
        """(n, dim), unit length, as the model gives them; texts of like length together, which pads little."""
        import torch

        found = np.zeros((len(texts), self.dim), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        size = _GPU_BATCH if self._gpu else _BATCH
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            given = [self._before[as_query] + texts[i] for i in rows]
            inputs = self._tokenizer(
                given, return_tensors="pt", padding=True, truncation=True, max_length=_MAX_TOKENS
            ).to(self._network.device)
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=self._gpu):
                hidden = self._network(**inputs).last_hidden_state
            present = inputs["attention_mask"][..., None].to(hidden.dtype)
            pooled = hidden[:, 0] if self._first else (hidden * present).sum(1) / present.sum(1)
            found[rows] = unit(pooled.float().cpu().numpy())
        return found


def open_e5(_models: Path, folder: str) -> SentenceTransformer:
    """Multilingual E5 was trained with these words before its texts (Wang et al. 2024, arXiv:2402.05672)."""
    return SentenceTransformer(Path(folder), "query: ", "passage: ")


def open_bge(_models: Path, folder: str) -> SentenceTransformer:
    """BGE-M3 takes texts as they are (Chen et al. 2024, arXiv:2402.03216)."""
    return SentenceTransformer(Path(folder), "", "")
