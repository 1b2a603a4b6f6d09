"""Captioned photos for training: `captions.jsonl` with {"file", "captions", "captions_zh"?} a line, images there."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageEnhance

from indexer import files
from indexer.adapters.efficientnet import BACKBONE, Features, PictureFeatures, Views
from indexer.errors import UnreadableMedia
from indexer.types import Image, Vectors

HELD_OUT = 700  # photos kept for the numbers that are reported
VARIED = 3  # views of each photo as a camera might have taken it otherwise
LEAST_AREA, SHAPE = 0.35, 0.25  # of a crop, as a share of the photo's; its shape, e-fold either way
COLOURS = {"Brightness": 0.3, "Contrast": 0.3, "Color": 0.4}  # how far each is changed, at most


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
    """The listed photos as the moved backbone sees them (fp16): whole, with their corners, `VARIED` times varied."""

    listed: PhotoList
    views: tuple[Views, ...]


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


def load_features(data: Path, listed: PhotoList, cache: Path, models: Path, say: Callable[[str], None]) -> Features:
    """What ImageNet's backbone sees in the photos of `data` (fp16), computed or taken from `cache`."""

    def look(images: Sequence[Image]) -> dict[str, Vectors]:
        return vars(first.extract(images))

    first = PictureFeatures(models, moved=False)
    return Features(**keep(look, data, listed, cache / "features", say))


def load_views(data: Path, listed: PhotoList, cache: Path, models: Path, say: Callable[[str], None]) -> PhotoSet:
    """What the moved backbone sees in them, from each view."""

    def look(images: Sequence[Image]) -> dict[str, Vectors]:
        whole = moved.extract_views(images, thorough=False)
        seen = [whole, moved.extract_views(images, thorough=True)]
        seen += [moved.extract_views([vary(i, dice) for i in images], thorough=False) for _ in range(VARIED)]
        return {
            f"{name}_{which}": values
            for which, views in zip(_VIEWS, seen, strict=True)
            for name, values in vars(views).items()
        }

    moved, dice = PictureFeatures(models), np.random.default_rng(7)
    kept = keep(look, data, listed, cache / "views", say)
    return PhotoSet(listed, tuple(Views(*(kept[f"{f.name}_{which}"] for f in fields(Views))) for which in _VIEWS))


def keep(
    look: Callable[[Sequence[Image]], dict[str, Vectors]],
    data: Path,
    listed: PhotoList,
    cache: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """What `look` finds in the photos, kept under a name of the list and the backbone."""
    digest = hashlib.sha256((data / "captions.jsonl").read_bytes()).hexdigest()[:16]
    kept = cache.with_name(f"{cache.name}-{digest}-{BACKBONE}.npz")
    if not kept.exists():
        columns: dict[str, list[npt.NDArray[np.float16]]] = defaultdict(list)
        for start in range(0, len(listed.files), 32):
            for name, values in look([read_photo(path) for path in listed.files[start : start + 32]]).items():
                columns[name].append(values.astype(np.float16))
            if start % 1600 == 0:
                say(f"{cache.name}: {start}/{len(listed.files)}")
        cache.parent.mkdir(parents=True, exist_ok=True)
        stacked: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
        files.write_whole(kept, lambda temporary: _save(temporary, stacked))
    return dict(np.load(kept))


def read_photo(path: Path) -> Image:
    return np.asarray(Pillow.open(path).convert("RGB"))


def normal(caption: str) -> str:
    return " ".join(caption.lower().split()).rstrip(" .")


def vary(image: Image, dice: np.random.Generator) -> Image:
    """A crop of another shape, mirrored or not, under another light (random resized crops as of Szegedy et al. 2014,
    https://arxiv.org/abs/1409.4842).
    """
    height, width = image.shape[:2]
    area, shape = dice.uniform(LEAST_AREA, 1) ** 0.5, float(np.exp(dice.uniform(-SHAPE, SHAPE)) ** 0.5)
    wide, tall = round(width * min(1.0, area * shape)), round(height * min(1.0, area / shape))
    x, y = int(dice.integers(0, width - wide + 1)), int(dice.integers(0, height - tall + 1))
    picture = Pillow.fromarray(image).crop((x, y, x + wide, y + tall))
    if dice.random() < 0.5:
        picture = picture.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
    for name, far in COLOURS.items():
        picture = getattr(ImageEnhance, name)(picture).enhance(dice.uniform(1 - far, 1 + far))
    return np.asarray(picture)


def _save(target: Path, arrays: dict[str, Any]) -> None:
    with target.open("wb") as sink:  # by a path numpy would add an ending
        np.savez(sink, **arrays)


_VIEWS = ("whole", "corners", *(f"varied{n}" for n in range(VARIED)))
