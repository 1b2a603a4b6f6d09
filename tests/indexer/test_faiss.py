"""The vector index: what an exact scan finds, and never what is not allowed."""

import numpy as np
import pytest

from indexer.adapters.faiss import FaissIndex
from indexer.errors import BadVectors
from tests.files import dump

pytestmark = pytest.mark.unit


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("flat_most", [200_000, 1000])
def test_the_index_finds_what_an_exact_scan_finds_and_never_what_is_not_allowed(flat_most, monkeypatch) -> None:
    monkeypatch.setattr("indexer.adapters.faiss.MAX_FLAT_VECTORS", flat_most)  # above it there are inverted lists
    dice = np.random.default_rng(1)
    vectors = dice.normal(size=(3000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(10_000, 13_000)
    index = FaissIndex.load(dump(FaissIndex(vectors, ids)))
    assert index.search(vectors[7:8], 1, None)[0][0].segment == 10_007
    mask = np.zeros(len(ids), np.bool_)
    mask[dice.choice(len(ids), 30, replace=False)] = True  # one person sees 1 %
    allowed = ids[mask]
    hits, of_another = index.search(vectors[7:9], 10, mask)
    assert hits == index.search(vectors[7:8], 10, mask)[0] != of_another
    truth = sorted(allowed, key=lambda i: -float(vectors[i - 10_000] @ vectors[7]))[:10]
    assert {h.segment for h in hits} <= set(allowed.tolist())
    assert len({h.segment for h in hits} & set(truth)) >= 9
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert index.search(vectors[7:9], 10, ~mask & mask) == [[], []]
    assert index.search(vectors[:0], 10, mask) == []
    assert np.allclose(index.vectors()[1], vectors, atol=1e-3)
    assert list(index.vectors()[0]) == list(ids)


@pytest.mark.parametrize("fault", ["nan", "shape", "twice"])
def test_the_index_refuses_bad_vectors(fault: str) -> None:
    vectors, ids = np.eye(3, dtype=np.float32), np.arange(3)
    if fault == "nan":
        vectors[0, 0] = np.nan
    if fault == "shape":
        ids = np.arange(2)
    if fault == "twice":
        ids = np.array([1, 1, 2])
    with pytest.raises(BadVectors):
        FaissIndex(vectors, ids)
