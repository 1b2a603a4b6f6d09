"""Definitions as a talk gives them, gaps that can be filled, and an order in which videos explain each other."""

import pytest

from qa.study import GAP, MAX_CARDS, Kind, find_definitions, make_cards, make_gaps, order
from qa.types import Evidence

pytestmark = pytest.mark.unit


def say(*lines: str) -> list[Evidence]:
    return [Evidence(0, 1, float(n), n + 1.0, "speech", line, line) for n, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("line", "term"),
    [
        ("A sourdough is a mixture that is alive.", "sourdough"),
        ("Magma is a kind of molten rock.", "Magma"),
        ("So the caldera is a large form of crater.", "caldera"),
        ("The word photon means a particle of light.", "photon"),
        ("RAM stands for random access memory.", "RAM"),
        ("This last step is called proofing.", "proofing"),
        ("Rock that has melted we call it magma.", "magma"),
        ("所谓岩浆是指地下熔化的岩石。", "岩浆"),
        ("这一步叫做发酵。", "发酵"),
        ("It is a kind of joke that nobody likes.", ""),
        ("The boat is red and the sea is blue.", ""),
        ("This is called after him.", ""),
        ("Is magma a kind of rock?", ""),
        ("We went to a place in the north.", ""),
    ],
)
def test_definitions_are_known_by_their_form(line, term) -> None:
    found = find_definitions(say(line))
    assert [card.term for card in found] == ([term] if term else [])
    assert all(card.back == line and card.kind is Kind.DEFINITION for card in found)


def test_a_term_is_defined_once() -> None:
    found = find_definitions(say("Magma is a kind of rock.", "Magma is a form of something that flows."))
    assert [card.evidence.start for card in found] == [0.0]


def test_gaps_hide_numbers_of_sentences_that_stand_alone() -> None:
    cards = make_gaps(
        say(
            "The tower was finished in 1887.", "It was finished in 1888.", "Was the tower built in 1889?", "In 1890.",
            "The tower was finished in 1887.", "There were 3 boats and 3 ships in the harbour.",
        )
    )  # fmt: skip
    assert [(c.front, c.back) for c in cards] == [(f"The tower was finished in {GAP}.", "1887")]


def test_cards_are_not_too_many_answered_and_in_order() -> None:
    lines = say(
        *(f"The keeper of tower {n} saw many ships that winter." for n in range(10, 70)), "Fog is a kind of cloud."
    )
    cards = make_cards(lines, lambda _card: True)
    assert len(cards) <= MAX_CARDS
    assert cards[-1].kind is Kind.DEFINITION
    assert [c.evidence.start for c in cards] == sorted(c.evidence.start for c in cards)
    assert cards[-2].evidence.start > 40, "spread over the whole"
    assert not any(c.kind is Kind.DEFINITION for c in make_cards(lines, lambda _card: False))
    assert make_cards([], lambda _card: True) == []


def test_what_explains_comes_before_what_uses() -> None:
    explained = {1: [], 2: ["magma"], 3: ["lava"]}
    spoken = {1: "the lava flows", 2: "magma is a kind of rock", 3: "lava is magma that has left the ground"}
    path = order([1, 2, 3], explained, spoken)
    assert [(s.video, s.because) for s in path] == [(2, ()), (3, (("magma", 2),)), (1, (("lava", 3),))]
    assert [s.video for s in order([1, 2], {1: ["a b"], 2: ["c d"]}, {1: "c d", 2: "a b"})] == [1, 2], "a circle"
    assert [s.video for s in order([3, 1], {}, {})] == [3, 1]
