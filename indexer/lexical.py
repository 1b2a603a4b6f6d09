"""Which segments hold the words of a query: BM25 with positions, scored when the index is built.

What every word weighs in every segment that holds it is computed once, so that a search only adds up a few runs of
numbers (Lù 2024, BM25S, https://arxiv.org/abs/2407.03618). Rows are those of the vectors of the same generation, so one
mask of what a person may see serves both. Positions count through all rows, so that a phrase is the meeting of a few
sorted runs (Manning et al. 2008, section 2.4.2). Words are kept as they are written; forms of one another share keys.
"""

import io
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from indexer.documents import Document
from indexer.postings import PART, SOUND, build, unpack
from indexer.types import Mask
from indexer.word_forms import sound_key, whole_keys

MIN_COMMON_SEGMENTS = 10_000  # segments: where a word is in more of them, those in which it weighs most stand for all
MAX_CHAMPIONS = 2_000  # how many those are (Manning et al. 2008, section 7.1.3)
KNOWN_BITS = 4  # of every sixteenth position the row is kept
END = 2**32 - 1  # behind all positions
MAX_FOUND = 50  # phrases whose rows are kept
MANY = 5_000  # positions from which on a table of them is faster than looking each up
FEW_ROWS = 10_000  # that are looked at together, where the first that fits is enough
PART_WEIGHT = 0.85  # of a word that is only a part of another one, beside 1 for the word itself

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Term:
    """A word of a query with all forms in which it counts, each with its weight in (0, 1]: words of the index, or
    several with spaces, which have to follow each other. `rarity` is log(1 + n / df) (Spärck Jones 1972).
    """

    text: str
    forms: Mapping[str, float]
    rarity: float = 1.0


class LexicalIndex:
    """Immutable. Word t is in the rows `rows[starts[t] : starts[t + 1]]`, ascending, where it weighs `weights`; it
    stands at `positions[position_starts[t] : position_starts[t + 1]]`. Row r begins at position `row_starts[r]`.
    """

    def __init__(self, documents: Iterable[tuple[Document, str]]) -> None:
        """Each with the language (ISO 639-1) of its speech, "" if unknown."""
        self._parts = build(documents)
        self._read()

    def _read(self) -> None:
        parts = self._parts
        self.vocabulary = unpack(parts["words"])
        self.languages = frozenset(unpack(parts["languages"]))
        self._number = {word: number for number, word in enumerate(self.vocabulary)}
        self._key = {key: number for number, key in enumerate(unpack(parts["keys"]))}
        self._key_starts, self._key_words = parts["key_starts"], parts["key_words"]
        self._starts, self._rows, self._weights = parts["starts"], parts["rows"], parts["weights"]
        self._position_starts, self._positions = parts["position_starts"], parts["positions"]
        self._row_starts = np.append(parts["row_starts"], np.uint32(END))
        self._title_ends = parts["title_ends"]
        self._champions: dict[str, Rows] = {}  # of common words
        self._found: dict[tuple[str, bool], Rows] = {}  # of the last phrases: a search asks for each several times

    def __len__(self) -> int:
        return len(self._title_ends)

    # -- words -----------------------------------------------------------------------------------------------------

    def find_forms(self, word: str, languages: Collection[str]) -> dict[str, float]:
        """Words of the index that are forms of a folded word, or have it as a part, with their weights."""
        keys = list(whole_keys(word, languages))
        parts = {form: PART_WEIGHT for key in keys for form in self._words_of(PART + key)}
        return parts | {form: 1.0 for key in keys for form in self._words_of(key)}

    def find_alike(self, word: str) -> list[str]:
        """Words of the index that sound like it."""
        sound = sound_key(word)
        return self._words_of(SOUND + sound) if sound else []

    def find_beginning(self, start: str) -> list[str]:
        """Words of the index with this beginning, in order."""
        first = bisect_left(self.vocabulary, start)
        return self.vocabulary[first : bisect_left(self.vocabulary, start + "\U0010ffff", first)]

    @cached_property
    def words_by_length(self) -> dict[int, list[str]]:
        """Words that are written somewhere and that may be mistyped."""
        found: dict[int, list[str]] = {}
        for word in self.vocabulary:
            if word.isalpha():
                found.setdefault(len(word), []).append(word)
        return found

    def _words_of(self, key: str) -> list[str]:
        if (number := self._key.get(key)) is None:
            return []
        at = self._key_words[self._key_starts[number] : self._key_starts[number + 1]]
        return [self.vocabulary[word] for word in at]

    # -- rows ------------------------------------------------------------------------------------------------------

    def find_rows(self, form: str, titled: bool = False) -> Rows:
        """All rows that hold a word, or words that follow each other; `titled`: in their title. Ascending."""
        if not titled and " " not in form:
            return self._rows[self._slice(form)].astype(np.int64)
        if (form, titled) not in self._found:
            if len(self._found) >= MAX_FOUND:
                self._found.clear()
            places = self._find_places(form.split(" "))
            rows = self._rows_at(places)
            kept = rows[places < self._title_ends[rows]] if titled else rows
            self._found[form, titled] = np.compress(np.diff(kept, prepend=-1) > 0, kept)  # they are sorted
        return self._found[form, titled]

    def count_rows(self, form: str, allowed: Mask | None = None) -> int:
        """How many rows hold it that may be seen."""
        rows = self._rows_of(form)
        return len(rows) if allowed is None else int(np.count_nonzero(allowed[rows]))

    def occurs(self, form: str, allowed: Mask) -> bool:
        """Whether a row that may be seen holds it."""
        rows = self._rows_of(form)
        return any(allowed[rows[at : at + FEW_ROWS]].any() for at in range(0, len(rows), FEW_ROWS))

    def _find_places(self, words: Sequence[str]) -> Rows:
        """Where words that follow each other begin: the rarest one's places, of which the others leave fewer."""
        if any(word not in self._number for word in words):
            return np.zeros(0, np.int64)
        runs = [self._places_of(word) for word in words]
        order = sorted(range(len(words)), key=lambda at: len(runs[at]))
        begins = runs[order[0]].astype(np.int64) - order[0]
        begins = begins[np.searchsorted(begins, 0) :]
        for at in order[1:]:
            begins = np.compress(_among(begins + at, runs[at]), begins)  # a third of what an index by mask takes
        return begins

    def _rows_at(self, places: Rows) -> Rows:
        """The row of each position: those of one in sixteen are known, and a few steps lead from there."""
        rows: Rows = self._known_rows[places >> KNOWN_BITS].astype(np.int64)
        while (behind := self._row_starts[rows + 1] <= places).any():
            rows += behind
        return rows

    @cached_property
    def _known_rows(self) -> npt.NDArray[np.int32]:
        """The rows of positions 0, 16, 32 …"""
        places = np.arange(0, int(self._positions.max(initial=0)) + 1, 1 << KNOWN_BITS)
        return (np.searchsorted(self._row_starts, places.astype(np.uint32), side="right") - 1).astype(np.int32)

    def _places_of(self, word: str) -> npt.NDArray[np.uint32]:
        number = self._number[word]
        return self._positions[self._position_starts[number] : self._position_starts[number + 1]]

    def _rows_of(self, form: str) -> npt.NDArray[np.signedinteger]:
        """As `find_rows`, without a copy where there need be none."""
        return self.find_rows(form) if " " in form else self._rows[self._slice(form)]

    def _slice(self, word: str) -> slice:
        if (number := self._number.get(word)) is None:
            return slice(0, 0)
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    # -- ranking ---------------------------------------------------------------------------------------------------

    def search(self, terms: Sequence[Term], k: int, allowed: Mask | None) -> list[tuple[int, float]]:
        """Best `k` (row, score) of those that hold a term, best first; `allowed` (n,) says which rows may be found."""
        runs = [(term, [self._weigh(form, weight) for form, weight in term.forms.items()]) for term in terms]
        held = sorted((run for _, some in runs for run in some if len(run.rows)), key=lambda run: len(run.rows))
        if not held:
            return []
        found = self._propose(held, k, allowed)
        total = np.zeros(len(found), np.float32)
        for term, some in runs:
            total += term.rarity * np.max([run.read(found) for run in some], axis=0, initial=0.0)
        best = np.argpartition(-total, k - 1)[:k] if len(total) > k else np.arange(len(total))
        best = best[np.argsort(-total[best], kind="stable")]
        return [(int(found[i]), float(total[i])) for i in best if total[i] > 0]

    def _weigh(self, form: str, weight: float) -> "_Run":
        """A phrase weighs like a word that stands there once."""
        if " " in form:
            rows = self.find_rows(form)
            return _Run(form, rows, np.ones(len(rows), np.float32), weight)
        run = self._slice(form)
        return _Run(form, self._rows[run], self._weights[run], weight)

    def _propose(self, runs: Sequence["_Run"], k: int, allowed: Mask | None) -> Rows:
        """Rows to score, of runs that begin with the rarest: all that hold a rare form; without one the champions of
        the common ones. Where too few of these are allowed, all allowed rows of the rarest form.
        """
        rare = [run.rows for run in runs if len(run.rows) <= MIN_COMMON_SEGMENTS]
        found = np.unique(np.concatenate(rare or [self._find_champions(run) for run in runs])).astype(np.int64)
        if allowed is None:
            return found
        found = found[allowed[found]]
        rarest = runs[0].rows
        return found if rare or len(found) >= k else rarest[allowed[rarest]].astype(np.int64)

    def _find_champions(self, run: "_Run") -> Rows:
        """The rows in which a common form weighs most; found with its first search and kept."""
        if run.form not in self._champions:
            best = np.argpartition(-run.weights, MAX_CHAMPIONS)[:MAX_CHAMPIONS]
            self._champions[run.form] = run.rows[best].astype(np.int64)
        return self._champions[run.form]

    def dump(self, file: BinaryIO) -> None:
        """For `load`."""
        np.savez(file, allow_pickle=False, **self._parts)

    @classmethod
    def load(cls, data: bytes | memoryview) -> "LexicalIndex":
        """What `dump` wrote; only for bytes that were verified."""
        index = cls.__new__(cls)
        index._parts = dict(np.load(io.BytesIO(data), allow_pickle=False))
        index._read()
        return index


@dataclass(frozen=True)
class _Run:
    """The rows (n,) of a form, ascending, what it weighs in each (n,), and by how much it counts."""

    form: str
    rows: npt.NDArray[np.signedinteger]
    weights: npt.NDArray[np.float32]
    factor: float

    def read(self, found: Rows) -> npt.NDArray[np.float32]:
        """What it weighs in the rows `found` (m,): (m,), 0 where it is not."""
        if not len(self.rows):
            return np.zeros(len(found), np.float32)
        at = _place(found, self.rows)
        return np.where(self.rows[at] == found, self.weights[at] * np.float32(self.factor), np.float32(0))


def _among(values: Rows, run: npt.NDArray[np.uint32]) -> Mask:
    """(n,): which of the sorted `values` are in the sorted `run`."""
    if len(values) > MANY:
        table = np.zeros(int(max(values[-1], run[-1])) + 1, np.bool_)
        table[run] = True
        return np.asarray(table[values], np.bool_)
    return np.asarray(run[_place(values, run)] == values, np.bool_)


def _place(values: Rows, run: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """(n,): where in the sorted `run` each of the values is, if it is there; of its own type: else `run` is copied."""
    at = np.searchsorted(run, values.astype(run.dtype))
    at[at == len(run)] = 0
    return at
