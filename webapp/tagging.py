"""Tags: the labels whose description lies nearest to a video's pictures, by the same encoder that search uses."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from indexer.ports import PictureEncoder
from indexer.types import Vectors
from webapp import engine
from webapp.models import Recipe

# fmt: off
LABELS = (
    "animal", "dog", "cat", "bird", "horse", "fish", "people", "crowd", "child", "baby", "face", "sport", "football",
    "basketball", "baseball", "tennis", "running", "swimming", "cycling", "skateboarding", "skiing", "surfing",
    "climbing", "dancing", "music", "concert", "stage", "car", "truck", "bus", "train", "aircraft", "boat", "bicycle",
    "motorcycle", "street", "city", "building", "bridge", "house", "kitchen", "office", "shop", "market", "food",
    "drink", "cooking", "garden", "flower", "tree", "forest", "mountain", "river", "lake", "sea", "beach", "snow",
    "desert", "sky", "night", "fire", "animation", "drawing", "text", "screen", "map", "book", "phone", "computer",
    "machine", "tool", "toy", "game", "interview", "lecture", "news", "party", "wedding",
)
# fmt: on
MOST = 4
CLEAR = 2.0  # standard deviations above the other labels of the same picture


@lru_cache(maxsize=2)
def _vectors(looking: PictureEncoder) -> Vectors:
    return looking.encode_texts([f"a picture of {label}" for label in LABELS])


def name_tags(looks: npt.NDArray[np.float32], recipe: Recipe) -> list[str]:
    """Labels that stand out from the others in at least one segment (n, d), best first."""
    seen = looks[np.linalg.norm(looks, axis=1) > 0.5] if len(looks) else looks
    if not len(seen):
        return []
    cosines = seen.astype(np.float32) @ _vectors(engine.pictures(recipe)).T
    standing = (cosines - cosines.mean(1, keepdims=True)) / np.maximum(cosines.std(1, keepdims=True), 1e-6)
    best = standing.max(0)
    return [LABELS[i] for i in np.argsort(-best)[:MOST] if best[i] >= CLEAR]
