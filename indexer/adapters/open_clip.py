"""open_clip (CLIP, SigLIP, PE …): the picture encoder of profile `standard`.

Which weights there are, is in `webapp/catalogue/table.py`; others of open_clip's list work as well.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from indexer.adapters.onnx_runtime import Batch
from indexer.adapters.towers import Tower, compute_in_torch, measure_way
from indexer.calibration import BACKGROUND
from indexer.errors import ModelMissing, OutOfMemory
from indexer.fusion import unit
from indexer.towers import Choice
from indexer.types import Image, Vectors

_BATCH, _GPU_BATCH = 16, 128
TYPICAL = 12  # tokens of a query, first and last included


class OpenClipPictures:
    """`weights` is "NAME:TAG" of open_clip's list, "NAME:/path/to/file", or "local-dir:/folder" with a config.

    On a GPU both towers run in half precision; on a processor each the fastest way that gives the same (`towers`).
    """

    def __init__(self, models: Path, weights: str) -> None:
        name, _, pretrained = ("", "", "") if weights.startswith("local-dir:") else weights.partition(":")
        source = name or weights
        try:
            model, _, self._preprocess = open_clip.create_model_and_transforms(
                source, pretrained=pretrained or None, cache_dir=str(models)
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelMissing(
                "open_clip has no weights for %(name)s on this machine (%(why)s). Run `manage.py models "
                "fetch`, or set KINOSCOPE_OPEN_CLIP to a model of `models list` or NAME:/path/to/file.",
                name=weights,
                why=str(error)[:100],
            ) from error
        self.name = f"open_clip {weights}"
        self._tokenizer = open_clip.get_tokenizer(source)
        self._picture_network, text_network = model.eval().visual, find_reader(model)
        self._causal = isinstance(text_network, CausalReading)
        self._picture_tower: Callable[[Batch], Vectors]
        self._text_tower: Callable[[Batch], Vectors]
        self._gpu = torch.cuda.is_available()
        if self._gpu:
            self._picture_tower, self._text_tower = run_on_gpu(self._picture_network), run_on_gpu(text_network)
        else:
            self._picture_tower = Tower(f"{self.name}, pictures", self._picture_network, models / "towers")
            self._text_tower = Tower(f"{self.name}, texts", text_network, models / "towers")
        self.dim = int(self.encode_texts(BACKGROUND).shape[1])  # enough texts to choose a way by

    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n, dim), unit length; it always sees the whole picture once."""
        parts, size = [np.zeros((0, self.dim), np.float32)], _GPU_BATCH if self._gpu else _BATCH
        for start in range(0, len(images), size):
            batch = torch.stack([self._preprocess(Pillow.fromarray(i)) for i in images[start : start + size]]).numpy()
            try:
                parts.append(self._picture_tower(batch))
            except torch.OutOfMemoryError:
                if len(images) == 1 and self._gpu:
                    # Slow, but it goes on.
                    self._picture_tower, self._gpu = partial(compute_in_torch, self._picture_network.cpu()), False
                    return self.encode_images(images)
                raise OutOfMemory("The GPU has not enough memory. Fewer pictures are tried at a time.") from None
        return np.concatenate(parts)

    def measure_novelty(self, images: Sequence[Image]) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n,) zeros: hundreds of millions of pictures of every kind were learned from."""
        return np.zeros(len(images), np.float32)

    def locate(self, image: Image, text: str) -> Vectors:
        """(0, 0): the towers give one vector a picture."""
        return np.zeros((0, 0), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions -> (n, dim), unit length."""
        tokens = self._tokenizer(list(texts)).numpy()
        return self._text_tower(shorten(tokens) if self._causal else tokens)


def try_architecture(name: str, folder: Path) -> list[Choice]:
    """How fast each way is for an architecture of open_clip's list, with random weights: they take the same time."""
    torch.manual_seed(0)
    model = open_clip.create_model(name, pretrained=None).eval()
    config = open_clip.get_model_config(name)
    side, context = config["vision_cfg"]["image_size"], config["text_cfg"]["context_length"]
    reader = find_reader(model)
    tokens = np.random.default_rng(0).integers(1, 400, (_BATCH, context))
    if isinstance(reader, CausalReading):
        tokens = tokens[:, :TYPICAL]
        tokens[:, -1] = config["text_cfg"].get("vocab_size", 49408) - 1
    pictures = np.random.default_rng(0).normal(size=(_BATCH, 3, side, side)).astype(np.float32)
    choices = []
    for what, network, batch in (("pictures", model.visual, pictures), ("texts", reader, tokens)):
        expected = compute_in_torch(network, batch)
        choice = Tower(f"{name}, {what}", network, folder).choose(batch)
        if torch.cuda.is_available():
            choice.tried["GPU, half precision"] = measure_way(partial(run_on_gpu, network), batch, expected)
        choices.append(choice)
    return choices


def open_random(name: str) -> Callable[[Sequence[Image]], Vectors]:
    """An architecture with random weights, as it is used without further thought: Pillow, float32, one batch."""
    model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=None)
    picture_network = model.eval().visual
    return lambda images: compute_in_torch(
        picture_network, torch.stack([preprocess(Pillow.fromarray(image)) for image in images]).numpy()
    )


class CausalReading(nn.Module):
    """A text tower whose tokens see only those before them, and which reads its answer off the last one: what is padded
    after it changes nothing, and is not computed. Tokens (n, up to context) -> (n, d).
    """

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.embedding, self.transformer = tower.token_embedding, tower.transformer
        self.positions, self.projection, self.norm = tower.positional_embedding, tower.text_projection, tower.ln_final
        for block in self.transformer.resblocks:
            block.attn = Attending(block.attn)
        self.mask: Tensor
        self.register_buffer("mask", tower.attn_mask, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        hidden = self.embedding(tokens) + self.positions[:length]
        mask = self.mask[:length, :length].to(hidden.dtype)
        hidden = self.norm(self.transformer(hidden, attn_mask=mask))
        last = hidden.gather(1, tokens.argmax(1)[:, None, None].expand(-1, 1, hidden.shape[2]))[:, 0]
        projected: Tensor = self.projection(last) if isinstance(self.projection, nn.Linear) else last @ self.projection
        return projected


class Attending(nn.Module):
    """What `torch.nn.MultiheadAttention` computes, in a form whose ONNX export takes sequences of any length."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.heads, self.project = attention.num_heads, attention.out_proj
        self.weight, self.bias = attention.in_proj_weight, attention.in_proj_bias

    def forward(self, x: Tensor, *_: Tensor, attn_mask: Tensor, need_weights: bool = False) -> tuple[Tensor, None]:
        n, length, width = x.shape
        parts = nn.functional.linear(x, self.weight, self.bias).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask)
        return self.project(mixed.transpose(1, 2).reshape(n, length, width)), None


def find_reader(model: Any) -> nn.Module:
    """The text tower, as `CausalReading` where it is one."""
    tower = getattr(model, "text", model)  # older architectures keep it in the model itself
    pool = getattr(tower, "pool_type", getattr(tower, "text_pool_type", ""))
    plain = getattr(tower, "cls_emb", None) is None and getattr(tower, "text_projection", None) is not None
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", ())
    known = all(isinstance(getattr(b, "attn", None), nn.MultiheadAttention) and b.attn.batch_first for b in blocks)
    if pool == "argmax" and plain and blocks and known and getattr(tower, "attn_mask", None) is not None:
        return CausalReading(tower)
    if isinstance(tower, nn.Module) and tower is not model:
        return tower
    raise ModelMissing("This open_clip architecture has no text tower that is known here. Choose another one.")


def shorten(tokens: Batch) -> Batch:
    """(n, context) -> (n, length) without the columns behind every text's last token, which has the highest number."""
    return tokens[:, : int(tokens.argmax(1).max()) + 1]


def run_on_gpu(network: nn.Module) -> Callable[[Batch], Vectors]:
    """In half precision: bfloat16 where the GPU has it."""
    half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    network = network.to("cuda")

    def compute(batch: Batch) -> Vectors:
        with torch.inference_mode(), torch.autocast("cuda", half):
            vectors = network(torch.from_numpy(batch).pin_memory().to("cuda", non_blocking=True))
        return unit(vectors.float().cpu().numpy())

    return compute
