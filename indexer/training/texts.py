"""Sentence vectors of captions and class names, computed once and kept: the slow part of training."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer.adapters.bge import BgeSmall
from indexer.adapters.e5 import E5
from indexer.adapters.minilm import MiniLM
from indexer.training.photos import PhotoList

_BATCH = 256

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Texts:
    """Raw vectors (n, c, 384) of n photos' c captions, by reader: `minilm`, `bge` and `e5` of the English ones,
    `chinese` of the Chinese ones (or none); those of the class names (1000, 384) by the first three; e5's means to
    centre by.
    """

    captions: dict[str, Array]
    classes: dict[str, Array]
    query_mean: Array
    passage_mean: Array


def embed_texts(listed: PhotoList, cache: Path, models: Path, say: Callable[[str], None]) -> Texts:
    """Captions as queries, a sample of them as passages (for the passage mean), ImageNet's class names."""
    from torchvision.models import EfficientNet_B0_Weights

    names = [f"a photo of a {name}" for name in EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]]
    flat = {language: [c for row in rows for c in row] for language, rows in listed.captions.items()}
    vectors = {
        "minilm": _kept(flat["en"], "minilm", cache, models, say),
        "bge": _kept(flat["en"], "bge", cache, models, say),
        "e5": _kept(flat["en"], "query", cache, models, say),
    }
    if "zh" in flat:
        vectors["chinese"] = _kept(flat["zh"], "query", cache, models, say)
    queries = np.concatenate([v for reader, v in vectors.items() if reader in ("e5", "chinese")])
    sample = [row[0] for rows in listed.captions.values() for row in rows[::20]]
    return Texts(
        {reader: v.reshape(len(listed.captions["en"]), -1, v.shape[-1]) for reader, v in vectors.items()},
        {
            "minilm": _kept(names, "minilm", cache, models, say),
            "bge": _kept(names, "bge", cache, models, say),
            "e5": _kept(names, "query", cache, models, say),
        },
        queries.mean(0),
        _kept(sample, "passage", cache, models, say).mean(0),
    )


def _kept(texts: Sequence[str], how: str, cache: Path, models: Path, say: Callable[[str], None]) -> Array:
    """Vectors (n, 384) by MiniLM ("minilm"), bge ("bge") or e5 ("query", "passage")."""
    key = hashlib.sha256("\n".join([how, *texts]).encode()).hexdigest()[:16]
    path = cache / f"texts-{key}.npy"
    if path.exists():
        return np.asarray(np.load(path), np.float32)
    encode, parts = reader(how, models), []
    for start in range(0, len(texts), _BATCH):
        parts.append(encode(list(texts[start : start + _BATCH])).astype(np.float16))
        if start % (20 * _BATCH) == 0:
            say(f"sentence vectors, {how}: {start}/{len(texts)}")
    cache.mkdir(parents=True, exist_ok=True)
    stacked = np.concatenate(parts)
    np.save(path, stacked)
    return stacked.astype(np.float32)


def reader(how: str, models: Path) -> Callable[[Sequence[str]], Array]:
    if how == "minilm":
        return MiniLM(models).encode
    if how == "bge":
        return BgeSmall().encode
    network = E5(models)
    return lambda texts: network.encode(texts, how == "query")
