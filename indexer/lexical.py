"""Which segments hold the words of a query: BM25, scored when the index is built.

The share of every term in the score of every segment that holds it is computed once, so that a search only adds up a
few runs of numbers (Lù 2024, BM25S, https://arxiv.org/abs/2407.03618). Positions are those of the vectors of the same
generation, so one mask of what a person may see serves both.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from indexer.types import Mask

SATURATION, LENGTH = 1.5, 0.75  # k1 and b of BM25 (Robertson & Zaragoza 2009)
MIN_COMMON_SEGMENTS = 10_000  # segments: where a term is in more of them, those in which it weighs most stand for all
MAX_CHAMPIONS = 2_000  # how many those are (Manning et al. 2008, section 7.1.3)


class LexicalIndex:
    """Immutable: `terms[starts[t] : starts[t + 1]]` are the rows that hold term t, ascending, with its `scores`."""

    def __init__(self, documents: Iterable[Sequence[str]]) -> None:
        held: dict[str, list[int]] = defaultdict(list)
        lengths = []
        for row, words in enumerate(documents):
            lengths.append(len(words))
            for word in words:
                held[word].append(row)
        vocabulary = sorted(held)
        rows, counts = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
        for word in vocabulary:
            found, times = np.unique(np.asarray(held[word], np.int32), return_counts=True)
            rows.append(found)
            counts.append(times)
        sizes = np.array([len(found) for found in rows[1:]], np.int64)
        self._keep(vocabulary, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), np.concatenate(rows))
        self._count = len(lengths)
        self._scores = self._weigh(np.concatenate(counts), sizes, np.asarray(lengths, np.float64))

    def _keep(self, vocabulary: list[str], starts: npt.NDArray[np.int64], rows: npt.NDArray[np.int32]) -> None:
        self._vocabulary = vocabulary
        self._number = {word: number for number, word in enumerate(vocabulary)}
        self._starts, self._rows = starts, rows
        self._kept: dict[int, npt.NDArray[np.int32]] = {}  # champions of common terms

    def _weigh(
        self, counts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], lengths: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float32]:
        rarity = np.repeat(np.log(1 + (self._count - sizes + 0.5) / (sizes + 0.5)), sizes)
        relative = lengths[self._rows] / max(float(lengths.mean()) if len(lengths) else 1.0, 1e-9)
        damped = counts * (SATURATION + 1) / (counts + SATURATION * (1 - LENGTH + LENGTH * relative))
        return np.asarray(rarity * damped, np.float32)

    def __len__(self) -> int:
        return self._count

    def search(self, terms: Sequence[str], k: int, allowed: Mask | None) -> list[tuple[int, float]]:
        """Best `k` (row, score) of those that hold a term, best first; `allowed` (n,) says which rows may be found."""
        known = [self._number[term] for term in dict.fromkeys(terms) if term in self._number]
        if not known:
            return []
        found = self._propose(known, k, allowed)
        total = np.zeros(len(found), np.float32)
        for number in known:
            rows, scores = self._rows[self._run(number)], self._scores[self._run(number)]
            at = np.searchsorted(rows, found)
            at[at == len(rows)] = 0
            total += np.where(rows[at] == found, scores[at], 0)
        best = np.argpartition(-total, k - 1)[:k] if len(total) > k else np.arange(len(total))
        best = best[np.argsort(-total[best], kind="stable")]
        return [(int(found[i]), float(total[i])) for i in best]

    def _propose(self, known: Sequence[int], k: int, allowed: Mask | None) -> npt.NDArray[np.int64]:
        """Rows to score: all that hold a rare term; without one the champions of the common ones. Where too few of
        these are allowed, all allowed rows of the rarest term.
        """
        runs = sorted((self._rows[self._run(number)] for number in known), key=len)
        rare = [rows for rows in runs if len(rows) <= MIN_COMMON_SEGMENTS]
        found = np.unique(np.concatenate(rare or [self._champions(number) for number in known])).astype(np.int64)
        if allowed is None:
            return found
        found = found[allowed[found]]
        return found if rare or len(found) >= k else runs[0][allowed[runs[0]]].astype(np.int64)

    def _champions(self, number: int) -> npt.NDArray[np.int32]:
        """The rows in which a common term weighs most; found with its first search and kept."""
        if number not in self._kept:
            run = self._run(number)
            self._kept[number] = self._rows[run][np.argpartition(-self._scores[run], MAX_CHAMPIONS)[:MAX_CHAMPIONS]]
        return self._kept[number]

    def rarity(self, terms: Sequence[str]) -> dict[str, float]:
        """log(1 + n / df) of each term over all segments (Spärck Jones 1972); the highest for one that none holds."""
        sizes = {t: self._size(t) for t in terms}
        return {t: float(np.log(1 + (self._count + 1) / (size + 0.5))) for t, size in sizes.items()}

    def _size(self, term: str) -> int:
        if term not in self._number:
            return 0
        return len(self._rows[self._run(self._number[term])])

    def _run(self, number: int) -> slice:
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def dump(self) -> bytes:
        """For `load`."""
        buffer = io.BytesIO()
        words = np.frombuffer("\n".join(self._vocabulary).encode(), np.uint8)
        np.savez(
            buffer, words=words, starts=self._starts, rows=self._rows, scores=self._scores, count=np.array(self._count)
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, data: bytes) -> "LexicalIndex":
        """What `dump` wrote; only for bytes that were verified."""
        parts = np.load(io.BytesIO(data), allow_pickle=False)
        index = cls.__new__(cls)
        words = parts["words"].tobytes().decode()
        index._keep(words.split("\n") if words else [], parts["starts"], parts["rows"])
        index._scores, index._count = parts["scores"], int(parts["count"])
        return index
