"""Labels in pictures and words: what stands out is tagged, neighbours are one stretch."""

import numpy as np
import pytest

from indexer.tags import MIN_LABELS, Label, Tag, find_in_pictures, find_in_words, join_neighbours
from indexer.types import Segment

pytestmark = pytest.mark.unit


def test_words_of_labels_are_found_where_they_are_said_and_written() -> None:
    bank = [Label("dog", "object", ""), Label("fire", "object", "")]
    segments = [Segment(0, 5, "Two dogs were barking", ""), Segment(5, 9, "nothing", "FIRE EXIT")]
    found = find_in_words(bank, segments)
    assert [(f.name, f.source, f.start) for f in found] == [("dog", "speech", 0), ("fire", "screen", 5)]


def test_only_what_stands_out_is_seen() -> None:
    bank = [Label(f"label {n}", "object", "") for n in range(MIN_LABELS)]
    vectors, segment = np.eye(MIN_LABELS, dtype=np.float32), Segment(0, 5, "", "")
    (found,) = find_in_pictures(bank, vectors, [segment], vectors[3:4])
    assert (found.name, found.source) == ("label 3", "picture")
    assert find_in_pictures(bank, vectors, [segment], 0 * vectors[:1]) == []  # sound without a picture
    assert find_in_pictures(bank[1:], vectors[1:], [segment], vectors[3:4]) == []  # too few to stand out from


def test_neighbours_are_joined_and_others_are_not() -> None:
    def tag(start: float, end: float, confidence: float, source: str = "picture") -> Tag:
        return Tag("dog", "object", source, confidence, start, end)

    joined = join_neighbours([tag(0, 5, 0.4), tag(5, 9, 0.8), tag(30, 35, 0.5), tag(5, 9, 1.0, "speech")])
    assert [(t.start, t.end, t.confidence, t.source) for t in joined] == [
        (0, 9, 0.8, "picture"),
        (5, 9, 1.0, "speech"),
        (30, 35, 0.5, "picture"),
    ]
