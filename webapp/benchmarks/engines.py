"""Made-up moments behind the index in this process and behind the engine of KINOSCOPE_MOMENTS, with all of them visible
and with few.
"""

import time
from collections.abc import Iterator

import numpy as np

from indexer.measures import Record
from indexer.moment_store import EngineVectors
from indexer.ports import VectorIndex
from indexer.types import Ids, Moments, Vectors
from webapp.benchmarks import scale
from webapp.index import snapshot, vector_engine

SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
PIECE = 10_000  # moments that are put at once
TOPS = (10, 40)
CHECKED = 50  # queries whose hits are held against an exact scan


def engines(count: int) -> Iterator[Record]:
    """Seconds to load; of each store and share recall against an exact scan, p50 and p95. Raises `LookupError` where
    no engine is set.
    """
    store = vector_engine.open_store(f"benchmark of {count}", 2 * 384)
    if store is None:
        raise LookupError("Set KINOSCOPE_MOMENTS to the engine that is to be measured, milvus://host:19530.")
    dice = np.random.default_rng(1)
    made = scale.make(count, dice)
    ids = np.arange(count, dtype=np.int64)
    queries = [vectors[0] for vectors, _words in scale.ask(made, dice)]
    begun = time.perf_counter()
    here = snapshot.index_class()(made.vectors, ids)
    yield {"bench": f"{count:,} moments, in this process", "load s": round(time.perf_counter() - begun, 1)}
    begun = time.perf_counter()
    for start in range(0, count, PIECE):
        rows = slice(start, start + PIECE)
        videos = made.videos[rows]
        store.put(Moments(ids[rows], videos, videos % 200, videos % 2 == 0, made.vectors[rows]))
    held = store.count()
    loaded = time.perf_counter() - begun
    while not store.is_settled():
        time.sleep(1)
    yield {
        "bench": f"{count:,} moments, engine",
        "load s": round(loaded, 1),
        "index s": round(time.perf_counter() - begun - loaded, 1),
        "moments": held,
    }
    there = EngineVectors(store, ids, made.videos)
    for share in SHARES:
        videos = np.unique(made.videos)
        may_see = dice.choice(videos, max(1, round(share * len(videos))), replace=False)
        for name, index in (("in this process", here), ("engine", there)):
            yield {"bench": f"{count:,}, {share:.1%} visible, {name}", **measure(index, queries, made, may_see)}
    vector_engine.drop_others(store, [])


def measure(index: VectorIndex | EngineVectors, queries: list[Vectors], made: scale.Made, may_see: Ids) -> Record:
    mask = np.isin(made.videos, may_see)
    allowed, taken, found = np.flatnonzero(mask), [], []
    for query in queries:
        begun = time.perf_counter()
        (hits,) = index.search(query[None], max(TOPS), mask)
        taken.append(1000 * (time.perf_counter() - begun))
        found.append([hit.segment for hit in hits])
    record: Record = {"foreign": sum(not mask[row] for hits in found for row in hits)}
    vectors = made.vectors[allowed]
    best = [allowed[np.argsort(-(vectors @ query))[: max(TOPS)]] for query in queries[:CHECKED]]
    for top in TOPS:
        pairs = [(set(hits[:top]), set(rows[:top].tolist())) for hits, rows in zip(found, best, strict=False)]
        record[f"recall@{top}"] = round(float(np.mean([len(hits & exact) / len(exact) for hits, exact in pairs])), 3)
    p50, p95 = (round(float(np.percentile(taken, p)), 1) for p in (50, 95))
    return record | {"p50 ms": p50, "p95 ms": p95}
