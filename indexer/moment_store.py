"""Vectors that lie in an engine of their own, which several machines ask, instead of in this process.

What may be found is decided here, row by row, as for an index in memory. The engine is only told who asks, in few
words, so that it need not look at what would be thrown away: never a long list of ids, which takes longer than the
search itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.ports import MomentStore
from indexer.types import Audience, Hit, Ids, Mask, Permit, Vectors

MAX_LISTED = 500  # videos that are named one by one
MAX_COUNTED = 100_000  # moments among which they are looked for
MAX_ASKED = 16_384  # hits at once: Milvus gives no more
MORE, GROWTH = 1.3, 4  # how many times as many are asked for as may be seen among them, and again where too few may
READ_AT_ONCE = 1000  # vectors that are fetched together


@dataclass(frozen=True)
class EngineVectors:
    """The vectors of a generation: segments `ids` (n,), ascending, and their `videos` (n,). In place of a
    `ports.VectorIndex`.
    """

    store: MomentStore
    ids: Ids
    videos: Ids

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, queries: Vectors, k: int, allowed: Mask, audience: Audience | None = None) -> list[list[Hit]]:
        """As `ports.VectorIndex`; `audience` is who asks. Raises `EngineAway`."""
        count = int(np.count_nonzero(allowed))
        if not count:
            return [[] for _ in queries]
        permit = self.permit(allowed, count, audience)
        return [self.search_one(query, k, allowed, count, permit) for query in queries]

    def search_one(self, query: Vectors, k: int, allowed: Mask, count: int, permit: Permit) -> list[Hit]:
        """Best `k` for a query (dim,); `count` rows are allowed."""
        asked = k if permit.filters else math.ceil(MORE * k * len(self.ids) / count)
        while True:
            hits = self.store.search(query, min(asked, MAX_ASKED), permit)
            kept = [hit for hit, seen in zip(hits, self.may_see(hits, allowed), strict=True) if seen]
            if len(kept) >= k or len(hits) < asked or asked >= MAX_ASKED:
                return kept[:k]
            asked *= GROWTH

    def permit(self, allowed: Mask, count: int, audience: Audience | None) -> Permit:
        """A few videos by their numbers, else by who asks."""
        share = count / len(self.ids)
        if count < min(len(self.ids), MAX_COUNTED):
            some = np.unique(self.videos[allowed])
            if len(some) <= MAX_LISTED:
                return Permit(share, videos=tuple(some.tolist()))
        return Permit(share, audience=audience)

    def may_see(self, hits: Sequence[Hit], allowed: Mask) -> list[bool]:
        """The engine may hold what is newer than the generation, and what was deleted or closed since it was told."""
        found = np.array([hit.segment for hit in hits], np.int64)
        rows = np.minimum(np.searchsorted(self.ids, found), len(self.ids) - 1)
        seen: list[bool] = ((self.ids[rows] == found) & allowed[rows]).tolist()
        return seen

    def vectors(self) -> tuple[Ids, Vectors]:
        """As `ports.VectorIndex`: what the engine holds of them."""
        parts = [self.store.read(self.ids[at : at + READ_AT_ONCE]) for at in range(0, len(self.ids), READ_AT_ONCE)]
        if not parts:
            return self.ids, np.zeros((0, 0), np.float32)
        ids, vectors = (np.concatenate(column) for column in zip(*parts, strict=True))
        return ids, vectors
