"""all-MiniLM-L6-v2 in ONNX Runtime: English sentences; half of what the compact picture encoder reads queries with."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer import files, weights
from indexer.adapters.onnx_runtime import export, open_session
from indexer.adapters.word_pieces import WordPieces
from indexer.types import Vectors

DIM = 384
_LONGEST = 64  # tokens: a description is shorter
_BATCH = 64
_PIECES = 1.5  # word pieces a word: English takes 1.1, other languages 1.3 to 5


class MiniLM:
    """Mean-pooled, unit-length vectors, as sentence-transformers computes them."""

    def __init__(self, models: Path) -> None:
        folder = export_onnx(models)
        self._session = open_session(folder / "minilm.onnx", threads=1)
        self._pieces = WordPieces(folder / "minilm.json", _LONGEST)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, 384), unit length."""
        parts = [np.zeros((0, DIM), np.float32)]
        for start in range(0, len(texts), _BATCH):
            tokens, present, _sides = self._pieces.encode(texts[start : start + _BATCH])
            parts.append(self._session.run(None, {"tokens": tokens, "present": present})[0])
        return np.concatenate(parts)

    def reads(self, text: str) -> bool:
        """Whether this is English to MiniLM: it knows most of the words whole."""
        words = text.split()
        if not words or not text.isascii():
            return False
        return len(self._pieces.cut(text)) / len(words) < _PIECES


def export_onnx(models: Path) -> Path:
    """The folder with `minilm.onnx` and its tokenizer under `models`, made once from the checked archive."""
    (archive,) = weights.MINILM.verify()
    target = models / "minilm.onnx"
    if target.exists() and (models / "minilm.json").exists():
        return models
    import tempfile

    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as members:
            for name in ("config.json", "model.safetensors", "tokenizer.json"):
                members.extract(name, folder)
        tokenizer = (Path(folder) / "tokenizer.json").read_bytes()
        files.write_whole(models / "minilm.json", lambda temporary: temporary.write_bytes(tokenizer))
        _export(Path(folder), target)
    return models


def _export(unpacked: Path, target: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    config = BertConfig(**json.loads((unpacked / "config.json").read_text()))
    config._attn_implementation = "eager"
    network = BertModel(config, add_pooling_layer=False)
    network.load_state_dict(load_file(unpacked / "model.safetensors"), strict=False)

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, tokens: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
            hidden = self.network(input_ids=tokens, attention_mask=present).last_hidden_state
            counted = present[..., None].float()
            mean = (hidden * counted).sum(1) / counted.sum(1)
            return torch.nn.functional.normalize(mean, dim=1)

    example, axes = torch.ones(2, 8, dtype=torch.long), {0: "n", 1: "length"}
    export(Pooled(), (example, example), target, {"tokens": axes, "present": axes}, ["vectors"])
