"""Ranking by exact parts, and moments cut to the shots that show them."""

import numpy as np
import pytest

from indexer import calibration, retriever
from indexer.documents import Document
from indexer.lexical import Term
from indexer.queries import Query
from indexer.types import Span

pytestmark = pytest.mark.unit


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def candidate(number: int, look: np.ndarray, text: np.ndarray, speech: str = "") -> retriever.Candidate:
    return retriever.Candidate(
        number, number, Span(0, 10), {"speech": text}, look[None], look[None], [1.0], [Span(0, 10)],
        Document.of("", "", speech).fields,
    )  # fmt: skip


def test_ranking_explains_itself() -> None:
    east, north, none = unit(1, 0, 0), unit(0, 1, 0), np.zeros(3, np.float32)
    measured = calibration.Calibration({"visual": 0.0, "text": 0.0}, {"visual": 0.1, "text": 0.1}, [1.0, 2.0])
    query = Query("green parrot", (Term("green", {"green": 1.0}), Term("parrot", {"parrot": 1.0}, 2.0)), east, east)
    seen, said, neither = (
        candidate(1, east, none),
        candidate(2, north, east, "a green parrot"),
        candidate(3, north, none),
    )
    ranked = retriever.rank(query, [neither, said, seen], measured)
    assert [r.candidate.segment for r in ranked] in ([2, 1, 3], [1, 2, 3])
    for item in ranked:
        assert sum(item.parts.values()) == pytest.approx(item.score, abs=1e-5)
    by_id = {r.candidate.segment: r for r in ranked}
    assert by_id[1].parts["visual"] > 5 > by_id[1].parts["speech"]
    assert by_id[2].parts["speech"] > 5
    assert measured.confidence(by_id[1].lead) > 0.99
    assert measured.confidence(by_id[3].lead) < 0.1


def test_a_moment_is_cut_to_the_shots_that_show_it() -> None:
    east, north = unit(1, 0), unit(0, 1)
    shot, looks = [Span(0, 3), Span(3, 6), Span(6, 9)], np.stack([north, east, north])
    found = retriever.Candidate(
        1, 1, Span(0, 9), {}, looks, looks, [1, 4, 7], shot,
        Document().fields,
    )  # fmt: skip
    cosines = found.frames @ east
    assert retriever.tighten(found, cosines, 0.1) == Span(3, 6)
