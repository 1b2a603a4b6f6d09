"""open_clip (CLIP, SigLIP, PE …): the picture encoder of profile `standard`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from indexer.errors import ModelMissing, OutOfMemory
from indexer.types import Image, Vectors

_BATCH = 16


class OpenClipPictures:
    """`weights` is "NAME:TAG" of open_clip's list, "NAME:/path/to/file", or "local-dir:/folder" with a config."""

    def __init__(self, models: Path, weights: str) -> None:
        import open_clip
        import torch

        name, _, pretrained = ("", "", "") if weights.startswith("local-dir:") else weights.partition(":")
        source = name or weights
        try:
            model, _, self._preprocess = open_clip.create_model_and_transforms(
                source, pretrained=pretrained or None, cache_dir=str(models)
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelMissing(
                f"open_clip has no weights for {weights} on this machine ({str(error)[:100]}).",
                "Run `manage.py models fetch`, or set KINOSCOPE_OPEN_CLIP to NAME:/path/to/file.",
            ) from error
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)
        self._tokenizer = open_clip.get_tokenizer(source)
        self.name = f"open_clip {weights}"
        self.dim = int(self.encode_texts(["a"]).shape[1])

    @staticmethod
    def fetch(models: Path, weights: str) -> None:
        """Download "NAME:TAG" from its hub; raises `OSError` without a connection."""
        import open_clip

        name, _, tag = weights.partition(":")
        open_clip.download_pretrained(open_clip.get_pretrained_cfg(name, tag), cache_dir=str(models))

    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n, dim), unit length; it always sees the whole picture once."""
        parts = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(images), _BATCH):
            batch = self._torch.stack(
                [self._preprocess(Pillow.fromarray(i)) for i in images[start : start + _BATCH]]
            ).to(self._device)
            try:
                with self._torch.inference_mode():
                    parts.append(self._model.encode_image(batch, normalize=True).float().cpu().numpy())
            except self._torch.OutOfMemoryError:
                if len(images) == 1 and self._device != "cpu":
                    self._device = "cpu"  # slow, but it goes on
                    self._model = self._model.to("cpu")
                    return self.encode_images(images)
                raise OutOfMemory("The GPU has not enough memory.", "Fewer pictures are tried at a time.") from None
        return np.concatenate(parts)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions -> (n, dim), unit length."""
        with self._torch.inference_mode():
            tokens = self._tokenizer(list(texts)).to(self._device)
            found: Vectors = self._model.encode_text(tokens, normalize=True).float().cpu().numpy()
            return found
