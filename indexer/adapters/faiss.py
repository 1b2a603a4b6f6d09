"""FAISS: exact inner product over half-precision vectors, the right index up to some 200,000 segments."""

from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import BadVectors
from indexer.types import Hit, Vectors


class FaissIndex:
    """Built once and never changed, so that any number of threads may search it (FAISS is not safe otherwise)."""

    def __init__(self, vectors: Vectors, ids: npt.NDArray[np.int64]) -> None:
        import faiss

        check_vectors(vectors, ids)
        self.dim = vectors.shape[1]
        self._faiss: Any = faiss
        flat = faiss.IndexScalarQuantizer(self.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap2(flat)
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, query: Vectors, k: int, allowed: npt.NDArray[np.int64] | None) -> list[Hit]:
        """Best `k` ids of `allowed`, best first. What is not allowed is not looked at: it can't leak by rank."""
        if not len(self) or (allowed is not None and not len(allowed)):
            return []
        options = None
        if allowed is not None:
            options = self._faiss.SearchParameters(sel=self._faiss.IDSelectorBatch(allowed))
        scores, ids = self._index.search(np.ascontiguousarray(query[None], np.float32), k, params=options)
        return [Hit(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]


def check_vectors(vectors: Vectors, ids: npt.NDArray[np.int64]) -> None:
    """Raise `BadVectors` for what FAISS would take without a word: NaN, wrong shape, ids given twice."""
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise BadVectors(f"Expected (n, d) vectors for {len(ids)} ids, got {vectors.shape}.", "Run reindex.")
    if not np.isfinite(vectors).all():
        raise BadVectors("Some vectors are not finite numbers.", "Run reindex to embed them again.")
    if len(np.unique(ids)) != len(ids):
        raise BadVectors("Some segment ids occur twice.", "Run doctor.")
