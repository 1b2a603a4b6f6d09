"""Claims: which sentences are worth checking, what their numbers count, and when two videos agree or do not."""

import numpy as np
import pytest

from indexer.terms import cached_terms
from qa.claims import (
    MIN_SAME,
    Passage,
    Quantity,
    choose_claims,
    compare,
    decide,
    denies,
    find_quantities,
    judge,
    weigh,
)
from qa.types import Evidence

pytestmark = pytest.mark.unit


def count(text: str, language: str = "en") -> list[tuple[float, str]]:
    return [(q.value, q.kind) for q in find_quantities(text, language, cached_terms)]


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("The tower is forty-two metres high.", [(42, "length")]),
        ("It is 1.5 km away.", [(1500, "length")]),
        ("The tower was finished in 1887.", [(1887, "year")]),
        ("In June 1991 it erupted.", [(1991, "year")]),
        ("Leave it for two hours.", [(7200, "time")]),
        ("Twenty percent of people sleep badly.", [(20, "share")]),
        ("45% sleep badly.", [(45, "share")]),
        ("It costs four million.", [(4_000_000, "")]),
        ("There are 50,000 bees in it.", [(50_000, "bee")]),
        ("One of them is a dog.", []),
        ("Bake it at 180 degrees.", [(180, "degree")]),
    ],
)
def test_numbers_are_read_with_what_they_count(text, counted) -> None:
    assert count(text) == counted


def test_numbers_of_other_languages_are_read() -> None:
    assert count("Der Turm hat dreihundert Stufen.", "de") == [(300, "stufen")]
    assert count("塔高 42 m", "zh") == [(42, "length")]


@pytest.mark.parametrize(
    ("claim", "other", "verdict"),
    [
        ([Quantity(42, "length")], [Quantity(42.3, "length")], "supports"),
        ([Quantity(42, "length")], [Quantity(36, "length")], "contradicts"),
        ([Quantity(42, "length")], [Quantity(36, "length"), Quantity(42, "length")], "supports"),
        ([Quantity(1887, "year")], [Quantity(1888, "year")], "contradicts"),
        ([Quantity(42, "length")], [Quantity(42, "mass")], None),
        ([Quantity(42, "length")], [], None),
        (
            [Quantity(42, "length"), Quantity(1887, "year")],
            [Quantity(42, "length"), Quantity(1890, "year")],
            "contradicts",
        ),
        ([], [Quantity(42, "length")], "supports"),
    ],
)
def test_numbers_are_compared_by_what_they_count(claim, other, verdict) -> None:
    assert compare(claim, other) == verdict


def test_what_is_worth_checking_comes_first_and_questions_never() -> None:
    lines = [
        "Hello and welcome to the show.",
        "The tower is 42 metres high.",
        "Is the tower 42 metres high?",
        "Thanks!",
    ]
    assert choose_claims(lines, "en", cached_terms) == [1]
    assert weigh("It is the highest mountain of this island.", "en", cached_terms) > 0
    assert weigh("A guest rests in the forest with interest.", "en", cached_terms) == 0
    many = [f"The {n} keepers of that tower saw {n} ships there." for n in range(3, 40)]
    assert len(choose_claims(many, "en", cached_terms)) == 12


def passage(text: str, similarity: float, logit: float | None = 5.0) -> Passage:
    return Passage(Evidence(0, 7, 1.0, 2.0, "speech", text), similarity, logit)


def test_only_what_speaks_of_the_same_says_anything() -> None:
    claim = "The tower is 42 metres high."
    high = judge(claim, [passage("That tower is 36 metres high.", 0.9)], "en", cached_terms)
    assert high is not None
    assert (high.verdict, high.evidence.video) == ("contradicts", 7)
    assert high.confidence >= MIN_SAME
    assert judge(claim, [passage("The rocks are 12 metres apart.", 0.4, -5.0)], "en", cached_terms) is None
    assert judge(claim, [passage("The tower is very high.", 0.9)], "en", cached_terms) is None, "it names no number"
    assert judge(claim, [], "en", cached_terms) is None
    unread = judge(claim, [passage("That tower is 42 metres high.", 0.95, float("nan"))], "en", cached_terms)
    assert unread is not None
    assert unread.verdict == "supports"


@pytest.mark.parametrize(
    ("sentence", "language", "denied"),
    [
        ("Whales never drink sea water.", "en", True),
        ("It isn't salty.", "en", True),
        ("It has no teeth.", "en", True),
        ("It is not only high but wide.", "en", False),
        ("There are no more than ten.", "en", False),
        ("Nobody never came.", "en", False),
        ("A note about knots.", "en", False),
        ("这里不下雨。", "zh", True),
        ("这里不仅下雨，还下雪。", "zh", False),
        ("Hier regnet es nie.", "de", True),
        ("Il ne pleut jamais.", "fr", True),
        ("Aquí nunca llueve.", "es", True),
        ("It never rains.", "fi", False),
    ],
)
def test_what_denies_is_told_from_what_limits(sentence, language, denied) -> None:
    assert denies(sentence, language) == denied


def test_a_sentence_that_denies_does_not_agree() -> None:
    salty = "The ice of the glacier is salty."
    assert decide(salty, "The ice of a glacier is not salty.", "en", cached_terms) == "contradicts"
    assert decide(salty, "A glacier's ice is salty.", "en", cached_terms) == "supports"
    high = "The tower is 42 metres high."
    assert decide(high, "The tower is not 42 metres high.", "en", cached_terms) is None, "how high, it does not say"


class Inferring:
    """Says the same of every pair."""

    name = "inferring"

    def __init__(self, *row: float) -> None:
        self.row, self.asked = row, []

    def infer(self, passages, claim):
        self.asked += [(passage, claim) for passage in passages]
        return np.array([self.row] * len(passages), np.float32)


@pytest.mark.parametrize(
    ("claim", "other", "row", "verdict"),
    [
        (
            "The last caravan crosses the desert.",
            "In the desert the caravan was given up for lorries.",
            (0.01, 0.04, 0.95),
            "contradicts",
        ),
        (
            "The last caravan crosses the desert.",
            "One caravan crosses the desert still.",
            (0.95, 0.04, 0.01),
            "supports",
        ),
        ("The last caravan crosses the desert.", "The last caravan crosses a desert.", (0.5, 0.4, 0.1), None),
        ("The tower is 42 metres high.", "The tower is 36 metres high.", (0.1, 0.3, 0.6), "contradicts"),
        ("The tower is 42 metres high.", "A 36 metres tower stands on 6 metres of rock.", (0.95, 0.05, 0.0), None),
        ("The tower is 42 metres high.", "The tower is as high as ten houses.", (0.0, 0.05, 0.95), "contradicts"),
    ],
)
def test_a_model_of_inference_tells_what_no_rule_does(claim, other, row, verdict) -> None:
    inferring = Inferring(*row)
    found = judge(claim, [passage(other, 0.95), passage("Soup.", 0.1, -9.0)], "en", cached_terms, inferring)
    assert (found and found.verdict) == verdict
    assert inferring.asked == [(other, claim)], "only what surely speaks of the same is read"
