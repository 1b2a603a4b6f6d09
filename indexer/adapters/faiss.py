"""FAISS: exact inner product over half-precision vectors, the right index up to some 200,000 segments."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from indexer.errors import BadVectors
from indexer.types import Hit, Vectors


def _library() -> Any:  # without types: its stubs are generated and wrong in places
    import faiss

    return faiss


class FaissIndex:
    """Built once and never changed, so that any number of threads may search it (FAISS is not safe otherwise)."""

    def __init__(self, vectors: Vectors, ids: npt.NDArray[np.int64]) -> None:
        faiss = _library()
        check_vectors(vectors, ids)
        self.dim = vectors.shape[1]
        flat = faiss.IndexScalarQuantizer(self.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap2(flat)
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, query: Vectors, k: int, allowed: npt.NDArray[np.int64] | None) -> list[Hit]:
        """Best `k` ids of `allowed`, best first. What is not allowed is not looked at: it can't leak by rank.

        Raises `BadVectors` for a query of another dimension than the index.
        """
        faiss = _library()
        if query.shape != (self.dim,):
            raise BadVectors(f"A query of {query.shape} can't be asked of {self.dim} dimensions.", "Run reindex.")
        if not len(self) or (allowed is not None and not len(allowed)):
            return []
        options = None
        if allowed is not None:
            options = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))
        scores, ids = self._index.search(np.ascontiguousarray(query[None], np.float32), k, params=options)
        return [Hit(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]

    def dump(self) -> bytes:
        faiss = _library()
        return bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The index of `dump`. FAISS checks nothing (a flipped byte crashes it or hangs it): verify `data` before."""
        faiss = _library()
        index = cls.__new__(cls)
        index._index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
        index.dim = int(index._index.d)
        return index

    def vectors(self) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Ids (n,) and half-precision vectors (n, dim) as they are kept, in the order of adding."""
        faiss = _library()
        ids = faiss.vector_to_array(self._index.id_map).astype(np.int64)
        if not len(ids):
            return ids, np.zeros((0, self.dim), np.float32)
        return ids, np.asarray(self._index.index.reconstruct_n(0, len(ids)), np.float32)


def check_vectors(vectors: Vectors, ids: npt.NDArray[np.int64]) -> None:
    """Raise `BadVectors` for what FAISS would take without a word: NaN, wrong shape, ids given twice."""
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise BadVectors(f"Expected (n, d) vectors for {len(ids)} ids, got {vectors.shape}.", "Run reindex.")
    if not np.isfinite(vectors).all():
        raise BadVectors("Some vectors are not finite numbers.", "Run reindex to embed them again.")
    if len(np.unique(ids)) != len(ids):
        raise BadVectors("Some segment ids occur twice.", "Run doctor.")
