"""Qwen3-VL-Embedding by transformers: pictures and descriptions in one space, by a language model that sees.

The vector of an input is the hidden state of its last token (https://huggingface.co/Qwen/Qwen3-VL-Embedding-2B).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from indexer.errors import OutOfMemory, loading
from indexer.fusion import unit
from indexer.types import Image, Vectors

_AS_PICTURE = "Represent the user's input."
_AS_QUERY = "Retrieve pictures that fit the user's description."
_BATCH = 8
_MAX_PIXELS = 512 * 512  # of a picture: some 250 tokens


class QwenVlEmbedding:
    """`folder` holds the repository."""

    def __init__(self, models: Path, folder: str) -> None:
        del models
        import torch
        from transformers import AutoModel, AutoProcessor

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        kind = torch.bfloat16 if self._device == "cuda" else torch.float32
        with loading(folder):
            self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True, padding_side="left")
            network: Any = AutoModel.from_pretrained(folder, dtype=kind, local_files_only=True)
        self._network = network.eval().to(self._device)
        self.name = f"transformers {Path(folder).name}"
        self.dim = int(network.config.text_config.hidden_size)

    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n, dim), unit length; it always sees the whole picture once."""
        return self._encode([[{"type": "image", "image": _shrink(image)}] for image in images], _AS_PICTURE)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions -> (n, dim), unit length."""
        return self._encode([[{"type": "text", "text": text}] for text in texts], _AS_QUERY)

    def measure_novelty(self, images: Sequence[Image]) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n,) zeros: pictures of every kind were learned from."""
        return np.zeros(len(images), np.float32)

    def locate(self, image: Image, text: str) -> Vectors:
        """(0, 0): it gives one vector a picture."""
        return np.zeros((0, 0), np.float32)

    def _encode(self, contents: list[list[dict[str, Any]]], task: str) -> Vectors:
        parts = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(contents), _BATCH):
            parts.append(self._encode_batch(contents[start : start + _BATCH], task))
        return np.concatenate(parts)

    def _encode_batch(self, contents: list[list[dict[str, Any]]], task: str) -> Vectors:
        import torch

        told = [
            [{"role": "system", "content": [{"type": "text", "text": task}]}, {"role": "user", "content": content}]
            for content in contents
        ]
        texts = [self._processor.apply_chat_template(each, add_generation_prompt=True, tokenize=False) for each in told]
        pictures = [part["image"] for content in contents for part in content if part["type"] == "image"]
        inputs = self._processor(text=texts, images=pictures or None, return_tensors="pt", padding=True)
        try:
            with torch.inference_mode():
                hidden = self._network(**inputs.to(self._device)).last_hidden_state
        except torch.OutOfMemoryError:
            raise OutOfMemory("The GPU has not enough memory. Fewer pictures are tried at a time.") from None
        return unit(hidden[:, -1].float().cpu().numpy())  # padded on the left: the last token is the last


def _shrink(image: Image) -> Pillow.Image:
    picture = Pillow.fromarray(image)
    share = (_MAX_PIXELS / (picture.width * picture.height)) ** 0.5
    if share < 1:
        picture = picture.resize((max(32, round(picture.width * share)), max(32, round(picture.height * share))))
    return picture
