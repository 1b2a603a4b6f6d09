"""Fit `indexer.novelty` to photographs as videos show them: `manage.py train novelty --data DIR`, three minutes."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from indexer.adapters.efficientnet import PictureFeatures
from indexer.novelty import Novelty
from indexer.training.drawings import DRAWINGS, draw
from indexer.training.photos import PhotoList, read_photo
from indexer.types import Image, Vectors

MAX_PHOTOS = 3000
DRAWN = 24  # of each kind
SHAPES = (4 / 3, 3 / 4, 16 / 9, 1.0)  # width to height of what people film


def train(photos: PhotoList, features: PictureFeatures, target: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Each photo counts as it is and varied. Prints the share of drawings that are recognised as such, kind by kind."""
    training, held_out = photos.split()
    known = extract(features, photos, training[:MAX_PHOTOS].tolist(), say)
    others = extract(features, photos, held_out.tolist(), say)
    Novelty.fit(known, others).save(target)
    novelty = Novelty.load(target)
    recognised = {
        f"{kind}, recognised as drawn %": round(100 * float((novelty.measure(drawn(features, kind)) >= 1).mean()), 1)
        for kind in sorted(DRAWINGS)
    }
    lost = round(100 * float((novelty.measure(others) >= 1).mean()), 1)
    return {"photographs": len(known), "photographs lost %": lost, **recognised}


def extract(features: PictureFeatures, photos: PhotoList, rows: list[int], say: Callable[[str], None]) -> Vectors:
    """(2 n, d): of each photo, and of what a video may make of it."""
    dice, found = np.random.default_rng(5), []
    for start in range(0, len(rows), 32):
        images = [read_photo(photos.files[row]) for row in rows[start : start + 32]]
        found.append(features.extract([*images, *(vary(image, dice) for image in images)]).inner)
        if start % 1600 == 0:
            say(f"picture features: {start}/{len(rows)}")
    return np.concatenate(found)


def drawn(features: PictureFeatures, kind: str) -> Vectors:
    return features.extract([draw(kind, number) for number in range(DRAWN)]).inner


def vary(image: Image, dice: np.random.Generator) -> Image:
    """Another shape and size, a crop, some blur, the marks of compression."""
    picture = Pillow.fromarray(image)
    shape, size = float(dice.choice(SHAPES)) ** 0.5, dice.uniform(0.8, 2.2)
    picture = picture.resize((int(picture.width * size * shape), int(picture.height * size / shape)))
    width, height = picture.size
    if dice.random() < 0.5:
        share = dice.uniform(0.6, 1)
        left, top = dice.uniform(0, (1 - share) * width), dice.uniform(0, (1 - share) * height)
        picture = picture.crop((int(left), int(top), int(left + share * width), int(top + share * height)))
    if dice.random() < 0.3:
        share, full = dice.uniform(0.5, 1), picture.size
        picture = picture.resize((int(full[0] * share), int(full[1] * share))).resize(full)
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=int(dice.integers(40, 95)))
    return np.asarray(Pillow.open(stored))
