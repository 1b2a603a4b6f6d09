"""Captioned photos for training: `captions.jsonl` with {"file", "captions", "captions_zh"?} a line, images there."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from indexer import files
from indexer.adapters.efficientnet import PictureFeatures, Views
from indexer.errors import UnreadableMedia
from indexer.types import Image

HELD_OUT = 700  # photos kept for the numbers that are reported


@dataclass(frozen=True)
class PhotoList:
    """n photos and their captions by language; `captions[lang][i]` are those of `files[i]`.

    Photos of `left_out` are in neither part: they are what others measure with.
    """

    files: list[Path]
    captions: dict[str, list[list[str]]]
    left_out: frozenset[int] = frozenset()

    def split(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows to train on and rows held out, the same on every run."""
        order = np.random.default_rng(1).permutation(len(self.files))
        kept = ~np.isin(order, list(self.left_out))
        return order[HELD_OUT:][kept[HELD_OUT:]], order[:HELD_OUT][kept[:HELD_OUT]]


@dataclass(frozen=True)
class PhotoSet:
    """The frozen features of the listed photos: `grid`, `pooled`, `logits` (fp16) of the whole photo; `views` of the
    whole photo and of it with its corners.
    """

    listed: PhotoList
    grid: npt.NDArray[np.float16]
    pooled: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float16]
    views: tuple[Views, Views]


def list_photos(data: Path, say: Callable[[str], None], without: Collection[str] = ()) -> PhotoList:
    """Read `data`. Photos with a caption of `without` are left out: those of a benchmark may have come into the data
    under other names. Raises `UnreadableMedia` when there is no list.
    """
    listing = data / "captions.jsonl"
    if not listing.exists():
        raise UnreadableMedia(
            '%(listing)s does not exist. Give a folder with one {"file", "captions"} a line.', listing=listing
        )
    rows = [json.loads(line) for line in listing.read_text().splitlines()]
    captions = {"en": [row["captions"] for row in rows]}
    if all("captions_zh" in row for row in rows):
        captions["zh"] = [row["captions_zh"] for row in rows]
    judged = {normal(caption) for caption in without}
    left_out = frozenset(i for i, row in enumerate(captions["en"]) if judged.intersection(map(normal, row)))
    if left_out:
        say(f"{len(left_out)} photos are left out: their captions are among the {len(judged)} given")
    return PhotoList([data / row["file"] for row in rows], captions, left_out)


def load_features(data: Path, listed: PhotoList, cache: Path, models: Path, say: Callable[[str], None]) -> PhotoSet:
    """Compute the backbone's features of the photos of `data`, or take them from `cache`."""
    digest = hashlib.sha256((data / "captions.jsonl").read_bytes()).hexdigest()[:16]
    kept = cache / f"photos-{digest}-views.npz"
    if not kept.exists():
        extract(PictureFeatures(models), listed.files, kept, say)
    stored = np.load(kept)
    whole, corners = (Views(*(stored[f"{name}_{which}"] for name in _VIEWED)) for which in _VIEWS)
    return PhotoSet(listed, stored["grid"], stored["pooled"], stored["logits"], (whole, corners))


def read_photo(path: Path) -> Image:
    return np.asarray(Pillow.open(path).convert("RGB"))


def normal(caption: str) -> str:
    return " ".join(caption.lower().split()).rstrip(" .")


def extract(features: PictureFeatures, paths: Sequence[Path], target: Path, say: Callable[[str], None]) -> None:
    columns: dict[str, list[npt.NDArray[np.float16]]] = defaultdict(list)
    for start in range(0, len(paths), 32):
        images = [read_photo(path) for path in paths[start : start + 32]]
        whole = features.extract(images)
        found = {"grid": whole.grid, "pooled": whole.pooled, "logits": whole.logits}
        seen = (Views(whole.pooled, whole.likely(), whole.inner), features.extract_views(images, thorough=True))
        for which, views in zip(_VIEWS, seen, strict=True):
            found |= {f"{name}_{which}": getattr(views, name) for name in _VIEWED}
        for name, values in found.items():
            columns[name].append(values.astype(np.float16))
        if start % 1600 == 0:
            say(f"picture features: {start}/{len(paths)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    stacked: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
    files.write_whole(target, lambda temporary: _save(temporary, stacked))


def _save(target: Path, arrays: dict[str, Any]) -> None:
    with target.open("wb") as sink:  # by a path numpy would add an ending
        np.savez(sink, **arrays)


_VIEWS, _VIEWED = ("whole", "corners"), ("pooled", "likely", "inner")
