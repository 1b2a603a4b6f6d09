"""Captioned photos for training: `captions.jsonl` with {"file", "captions", "captions_zh"?} a line, images there."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from indexer.adapters.efficientnet import PictureFeatures
from indexer.errors import UnreadableMedia

HELD_OUT = 700  # photos kept for the numbers that are reported


@dataclass(frozen=True)
class PhotoSet:
    """n photos: frozen features (fp16) and captions by language; `captions[lang][i]` are those of photo i."""

    grid: npt.NDArray[np.float16]
    pooled: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float16]
    captions: dict[str, list[list[str]]]

    def split(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows to train on and rows held out, the same on every run."""
        order = np.random.default_rng(1).permutation(len(self.grid))
        return order[HELD_OUT:], order[:HELD_OUT]


def load_photos(data: Path, cache: Path, models: Path, say: Callable[[str], None]) -> PhotoSet:
    """Read `data` and compute (or take from `cache`) the backbone's features."""
    listing = data / "captions.jsonl"
    if not listing.exists():
        raise UnreadableMedia(f"{listing} does not exist.", 'Give a folder with one {"file", "captions"} a line.')
    rows = [json.loads(line) for line in listing.read_text().splitlines()]
    captions = {"en": [row["captions"] for row in rows]}
    if all("captions_zh" in row for row in rows):
        captions["zh"] = [row["captions_zh"] for row in rows]
    kept = cache / f"photos-{hashlib.sha256(listing.read_bytes()).hexdigest()[:16]}.npz"
    if not kept.exists():
        extract(PictureFeatures(models), [data / row["file"] for row in rows], kept, say)
    stored = np.load(kept)
    return PhotoSet(stored["grid"], stored["pooled"], stored["logits"], captions)


def extract(features: PictureFeatures, files: Sequence[Path], target: Path, say: Callable[[str], None]) -> None:
    columns: list[list[npt.NDArray[np.float16]]] = [[], [], []]
    for start in range(0, len(files), 32):
        images = [np.asarray(Pillow.open(f).convert("RGB")) for f in files[start : start + 32]]
        for column, values in zip(columns, features.extract(images), strict=True):
            column.append(values.astype(np.float16))
        if start % 1600 == 0:
            say(f"picture features: {start}/{len(files)}")
    grid, pooled, logits = (np.concatenate(c) for c in columns)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, grid=grid, pooled=pooled, logits=logits)
