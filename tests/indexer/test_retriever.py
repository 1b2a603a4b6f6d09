"""Reading queries and recommending: pure parts."""

import numpy as np
import pytest

from indexer.calibration import Calibration
from indexer.documents import Document
from indexer.queries import NAME, PHRASE, SCENE, Example, Query, caption_of, classify, split_events
from indexer.recommender import Watched, suggest
from indexer.retriever import Candidate, pair_in_order, rank, tighten
from indexer.types import Span

pytestmark = pytest.mark.unit

PLAIN = Calibration({"visual": 0.0, "text": 0.0}, {"visual": 0.1, "text": 0.1}, [])


@pytest.mark.parametrize(
    ("asked", "caption"),
    [
        ("Where does the dog swim?", "the dog swim"),
        ("show me a video of a red train", "a red train"),
        ("find moments where two people dance", "two people dance"),
        ("Is there a cat in the video?", "a cat"),
        ("a man and a woman", "a man and a woman"),
        ("哪里有一只狗？", "一只狗"),
        ("who", "who"),
    ],
)
def test_a_question_becomes_the_caption_that_it_asks_for(asked, caption) -> None:
    assert caption_of(asked) == caption


def test_the_kind_of_a_query() -> None:
    assert classify('"ask not what your country"') is PHRASE
    assert classify("a speech of Kennedy in Berlin") is NAME
    assert classify("Kennedy") is NAME
    assert classify("A dog runs over the grass") is classify("DOG RUNS") is classify("一只狗") is SCENE


def test_two_events_are_told_apart() -> None:
    assert split_events("a dog runs, then a man laughs") == ["a dog runs", "a man laughs"]
    assert split_events("a clock followed by a cat") == ["a clock", "a cat"]
    assert split_events("一个人走进来，然后坐下") == ["一个人走进来", "坐下"]
    for one in ('"now and then it rains"', "a dog runs", "then"):
        assert split_events(one) == [one]


def candidate(number: int, video: int, start: float, look: np.ndarray, **words: np.ndarray) -> Candidate:
    span, said = Span(start, start + 10), Document().fields
    return Candidate(number, video, span, words, look[None], look[None], [start + 5], [span], said)


def test_a_score_is_the_sum_of_its_parts_and_the_best_field_speaks() -> None:
    east, north = np.eye(4, dtype=np.float32)[:2]
    query = Query("x", (), east, east)
    (found,) = rank(query, [candidate(1, 1, 0, east, speech=north, screen=east)], PLAIN)
    assert found.score == pytest.approx(sum(found.parts.values()))
    assert found.parts["screen"] > 0 == found.parts["speech"]
    moved = query.moved([Example(north, north)], [])
    assert moved.visual @ north > 0
    assert np.linalg.norm(moved.visual) == pytest.approx(1, abs=1e-5)
    assert query.moved([], []).visual @ east == pytest.approx(1, abs=1e-5)


def test_a_follows_b_only_in_this_order() -> None:
    east, north = np.eye(4, dtype=np.float32)[:2]
    candidates = [
        candidate(1, 1, 0, east),
        candidate(2, 1, 10, north),
        candidate(3, 2, 0, north),
        candidate(4, 2, 10, east),
    ]
    first, second = (rank(Query("", (), look, east * 0), candidates, PLAIN) for look in (east, north))
    (best, *_) = pair_in_order(first, second)
    assert (best[0].candidate.segment, best[1].candidate.segment) == (1, 2)
    assert (
        best[0].score + best[1].score > max(sum(r.score for r in pair) for pair in pair_in_order(second, first)) - 1e-6
    )


def test_edges_are_cuts_and_where_the_score_falls() -> None:
    none, shots = np.zeros((4, 4), np.float32), [Span(0, 10), Span(10, 20)]
    found = Candidate(1, 1, Span(0, 20), {}, none, none, [2, 6, 12, 16], shots, {})
    assert tighten(found, np.array([0.0, 0.9, 0.1, 0.0], np.float32), 0.1) == Span(4, 10)
    assert tighten(found, np.array([0.9, 0.9, 0.85, 0.0], np.float32), 0.1) == Span(0, 14)


def test_suggestions_follow_what_was_watched_and_avoid_what_was_dismissed() -> None:
    dice = np.random.default_rng(0)
    centres = np.eye(16, dtype=np.float32)[:3]
    items = np.repeat(centres, 6, axis=0) + 0.1 * dice.normal(size=(18, 16)).astype(np.float32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    history = [Watched(0, 0.9), Watched(6, 0.3), Watched(12, 0.01)]
    found = suggest(items, history, [], 6)
    assert found[0].row in range(1, 6)
    assert found[0].because == 0
    assert not {0, 6, 12} & {s.row for s in found}
    assert any(s.row in range(6, 12) for s in found)  # diverse
    before, after = ({s.row: s.score for s in suggest(items, history, bad, 18)} for bad in ([], [1]))
    assert 1 not in after
    assert after[2] < before[2]  # its neighbours are shown less
    assert suggest(items, [], [], 5) == suggest(items, [Watched(0, 0.01)], [], 5) == []
