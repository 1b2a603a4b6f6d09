"""FAISS: inner product over half-precision vectors; exact up to some 200,000 segments, inverted lists above."""

import math
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from indexer.errors import BadVectors
from indexer.types import Halves, Hit, Ids, Mask, Vectors

MAX_FLAT_VECTORS = 200_000  # vectors: an exact scan of them stays below 30 ms on one core
LISTS = 2.0  # times the square root of their number: how many inverted lists there are
PROBES = 96  # lists looked into when everything is allowed; proportionally more when less is
TRAINING = 64  # vectors a list for k-means: more costs minutes and finds no better centres
PIECE = 20_000  # vectors that are looked at and added at once
_IDS = 8  # bytes of an id


def _library() -> Any:  # without types: its stubs are generated and wrong in places
    import faiss

    return faiss


class FaissIndex:
    """Built once and never changed, so that any number of threads may search it (FAISS is not safe otherwise).

    `ids[i]` names the vector at position i.
    """

    def __init__(self, vectors: Vectors | Halves, ids: Ids) -> None:
        check_vectors(vectors, ids)
        self.ids = np.asarray(ids, np.int64)
        self.dim = vectors.shape[1]
        self._mapped: npt.NDArray[np.uint8] | None = None
        self._index: Any = _build(vectors)

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, queries: Vectors, k: int, allowed: Mask | None) -> list[list[Hit]]:
        """For each of the queries (m, dim) the best `k` ids, best first; `allowed` (n,) says which positions may be
        found, None: all. Several are looked for on several cores.

        What is not allowed is not looked at: it can't leak by rank. The fewer are allowed, the more lists are read,
        down to an exact scan of the allowed ones. Raises `BadVectors` for queries of another dimension than the index.
        """
        faiss = _library()
        if queries.shape[1:] != (self.dim,):
            raise BadVectors(
                "A query of %(shape)s can't be asked of %(dim)s dimensions. Run reindex.",
                shape=queries.shape[1:],
                dim=self.dim,
            )
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        if not count:
            return [[] for _ in queries]
        options: dict[str, Any] = {}
        if allowed is not None and count < len(self):
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        if len(self) > MAX_FLAT_VECTORS:
            probes = min(self._index.nlist, math.ceil(PROBES * len(self) / count))
            parameters = faiss.SearchParametersIVF(nprobe=probes, **options)
        else:
            parameters = faiss.SearchParameters(**options) if options else None
        scores, rows = self._index.search(np.ascontiguousarray(queries, np.float32), min(k, count), params=parameters)
        return [
            [Hit(int(self.ids[i]), float(s)) for i, s in zip(*found, strict=True) if i >= 0]
            for found in zip(rows, scores, strict=True)
        ]

    def dump(self, file: BinaryIO) -> None:
        """The number of ids, the ids, and FAISS's own form."""
        faiss = _library()
        file.write(len(self.ids).to_bytes(_IDS, "little") + self.ids.astype("<i8").tobytes())
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def load(cls, data: bytes | memoryview) -> Self:
        """The index of `dump`. FAISS checks nothing (a flipped byte crashes it or hangs it): verify `data` before. The
        vectors stay where they are: processes that map the same file share them.
        """
        faiss = _library()
        index = cls.__new__(cls)
        start = _IDS * (1 + int.from_bytes(data[:_IDS], "little"))
        index.ids = np.frombuffer(data[_IDS:start], "<i8").astype(np.int64)
        index._mapped = np.frombuffer(data, np.uint8, offset=start)  # FAISS does not keep it alive
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(index._mapped), len(index._mapped))
        index._index = faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC)
        index.dim = int(index._index.d)
        return index

    def vectors(self) -> tuple[Ids, Vectors]:
        """Ids (n,) and half-precision vectors (n, dim) as they are kept, in the order of adding."""
        if not len(self):
            return self.ids, np.zeros((0, self.dim), np.float32)
        if len(self) > MAX_FLAT_VECTORS:
            self._index.make_direct_map()
        return self.ids, np.asarray(self._index.reconstruct_n(0, len(self)), np.float32)


def _build(vectors: Vectors | Halves) -> Any:
    faiss = _library()
    count, dim = vectors.shape
    half, inner = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    if count <= MAX_FLAT_VECTORS:
        flat = faiss.IndexScalarQuantizer(dim, half, inner)
        _add(flat, vectors)
        return flat
    centres = faiss.IndexFlatIP(dim)
    lists = round(LISTS * math.sqrt(count))
    inverted = faiss.IndexIVFScalarQuantizer(centres, dim, lists, half, inner)
    inverted.cp.max_points_per_centroid = TRAINING
    inverted.cp.spherical = True  # else the longest centres draw every vector to their lists
    inverted.cp.seed = 1
    sample = np.random.default_rng(1).choice(count, min(count, lists * TRAINING), replace=False)
    inverted.train(np.ascontiguousarray(vectors[np.sort(sample)], np.float32))
    _add(inverted, vectors)
    return inverted


def _add(index: Any, vectors: Vectors | Halves) -> None:
    """Piece by piece: a million of them in single precision are gigabytes."""
    for start in range(0, len(vectors), PIECE):
        index.add(np.ascontiguousarray(vectors[start : start + PIECE], np.float32))


def check_vectors(vectors: Vectors | Halves, ids: Ids) -> None:
    """Raise `BadVectors` for what FAISS would take without a word: NaN, wrong shape, ids given twice."""
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise BadVectors(
            "Expected (n, d) vectors for %(count)s ids, got %(shape)s. Run reindex.",
            count=len(ids),
            shape=vectors.shape,
        )
    if not all(np.isfinite(vectors[start : start + PIECE]).all() for start in range(0, len(vectors), PIECE)):
        raise BadVectors("Some vectors are not finite numbers. Run reindex to embed them again.")
    if len(np.unique(ids)) != len(ids):
        raise BadVectors("Some segment ids occur twice. Run doctor.")
