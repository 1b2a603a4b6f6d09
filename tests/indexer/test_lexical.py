"""BM25: rare words first, and only what is allowed."""

import numpy as np
import pytest

from indexer.lexical import LexicalIndex

pytestmark = pytest.mark.unit


def test_words_find_what_holds_them_rare_ones_first_and_only_what_is_allowed() -> None:
    documents = [["dog", "run"], ["dog", "sleep"], ["cat", "run", "run"], [], ["dog", "zebra"]]
    index = LexicalIndex.load(LexicalIndex(documents).dump())
    assert [row for row, _ in index.search(["dog", "zebra", "unknown"], 5, None)] == [4, 0, 1]
    assert [row for row, _ in index.search(["run"], 1, None)] == [2]  # twice in it
    assert [row for row, _ in index.search(["dog"], 5, np.array([False, True, True, True, False]))] == [1]
    assert index.search(["unknown"], 5, None) == [] == LexicalIndex([]).search(["dog"], 5, None)
    assert index.rarity(["zebra"])["zebra"] > index.rarity(["dog"])["dog"]
