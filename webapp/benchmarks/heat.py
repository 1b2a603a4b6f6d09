"""Whether the heat map points at what is asked for: four photos side by side, a caption of one of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from indexer.measures import Record
from webapp import engine
from webapp.benchmarks.judged import items, read_photo
from webapp.index import recipes

SIDE = 224  # pixels of each photo


def pointing(data: Path) -> Iterator[Record]:
    """The warmest part lies in the right quarter, for every photo of every collage; chance is a quarter."""
    rows = items(data, "photos")
    encoder = engine.pictures(recipes.active())
    hits = []
    for first in range(0, len(rows) - 3, 4):
        four = rows[first : first + 4]
        photos = [np.asarray(Pillow.fromarray(read_photo(data, row)).resize((SIDE, SIDE))) for row in four]
        collage = np.vstack([np.hstack(photos[:2]), np.hstack(photos[2:])])
        for place, row in enumerate(four):
            warmth = encoder.locate(collage, row["captions_en"][0])
            if not warmth.size:
                return
            y, x = np.unravel_index(int(warmth.argmax()), warmth.shape)
            below, right = (2 * y + 1 > warmth.shape[0], 2 * x + 1 > warmth.shape[1])
            hits.append(2 * below + right == place)
    yield {
        "bench": "pointing",
        "right quarter %": round(100 * float(np.mean(hits)), 1),
        "chance %": 25.0,
        "asked": len(hits),
    }
