"""Words of thirty languages find the lines in which they stand, as people type them; the table is `words.txt`."""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.alternates import MARK
from indexer.documents import Document
from indexer.expansion import SOUND_WEIGHT, Lexicon, find_words
from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize

MIN_LANGUAGES, MIN_PAIRS, MIN_SHARE = 20, 400, 0.98


@dataclass(frozen=True)
class Pair:
    language: str
    query: str
    row: int
    finds: bool


def read_table() -> tuple[list[tuple[str, str]], list[Pair]]:
    lines: list[tuple[str, str]] = []
    pairs = []
    for text in (Path(__file__).parent / "words.txt").read_text().splitlines():
        if text.startswith("  "):
            found, _, absent = text.strip().partition("! ")
            for finds, queries in ((True, found), (False, absent)):
                for query in filter(None, (q.strip() for q in queries.split(";"))):
                    pairs.append(Pair(lines[-1][0], query, len(lines) - 1, finds))
        elif text and not text.startswith("#"):
            language, _, line = text.partition(": ")
            lines.append((language, line))
    return lines, pairs


def find_rows(lexicon: Lexicon, query: str) -> set[int]:
    """The rows that hold every word of the query."""
    index, allowed = lexicon.shelves[0]
    found = set(range(len(allowed)))
    for term in lexicon.expand(find_words(query)):
        found &= {int(row) for form, w in term.forms.items() if w > SOUND_WEIGHT for row in index.find_rows(form)}
    return found


def test_words_find_their_lines_in_every_language() -> None:
    """No unit test: it loads the dictionaries of thirty languages."""
    lines, pairs = read_table()
    assert len({pair.language for pair in pairs}) >= MIN_LANGUAGES
    assert len(pairs) >= MIN_PAIRS
    index = LexicalIndex((Document.of("", "", line, "", language), language) for language, line in lines)
    lexicon = Lexicon([(index, np.ones(len(lines), np.bool_))])
    wrong = defaultdict(list)
    for pair in pairs:
        if (pair.row in find_rows(lexicon, pair.query)) != pair.finds:
            wrong[pair.language].append(pair.query if pair.finds else f"! {pair.query}")
    share = 1 - sum(map(len, wrong.values())) / len(pairs)
    assert share >= MIN_SHARE, dict(wrong)


@pytest.mark.unit
def test_it_does_not_matter_how_accents_are_written() -> None:
    """A Mac decomposes file names: "ü" is "u" and a mark."""
    for _, line in read_table()[0]:
        composed, apart = (unicodedata.normalize(form, line) for form in ("NFC", "NFD"))
        assert [t.text for t in tokenize(apart)] == [t.text for t in tokenize(composed)]


@pytest.mark.unit
@given(st.text(max_size=80))
def test_tokens_stand_where_they_say_and_fold_once(text: str) -> None:
    tokens = tokenize(text)
    assert all(0 <= t.start < t.end <= len(text) for t in tokens)
    assert all(one.end <= two.start for one, two in pairwise(tokens))
    assert all(t.text and not t.text.startswith(MARK) and not any(c.isspace() for c in t.text) for t in tokens)
