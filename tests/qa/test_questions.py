"""Questions are read by rule: parts, references, times, what a picture can answer; and questions made from captions."""

import numpy as np
import pytest

from qa.evidence import could_answer, split_clauses
from qa.pictures import read_question
from qa.questions import refer_back, split_parts
from qa.suggestions import propose
from qa.summarizer import summarize_chapters
from qa.training.questions import Pair, ask_about, deny, find_nouns
from qa.types import Chapter, Evidence, Turn
from qa.windows import find_event, find_window, without_times

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is shown at 2:30?", (146, 154)),
        ("What is typed at about 7 seconds?", (3, 11)),
        ("Who speaks in the first 2 minutes?", (0, 120)),
        ("What is said between 1:00 and 1:30?", (60, 90)),
        ("What happens after 40 seconds?", (40, 200)),
        ("What was said before 0:20?", (0, 20)),
        ("What do we see at the beginning?", (0, 30)),
        ("Whom should one pity in the end?", (170, 200)),
        ("结尾说了什么？", (170, 200)),
        ("前30秒发生了什么？", (0, 30)),
        ("Is 10 seconds long enough?", None),
    ],
)
def test_times_in_questions_become_windows(text: str, expected: tuple[float, float] | None) -> None:
    found = find_window(text, 200.0)
    assert (found and (found.start, found.end)) == expected


def test_what_says_when_is_not_searched_for() -> None:
    assert without_times("What text is typed at about 7 seconds?") == "What text is typed ?"
    assert without_times("Whom should one pity in the end?") == "Whom should one pity ?"


def test_questions_of_several_parts_are_taken_apart() -> None:
    assert split_parts("Who is the speaker and what does he recommend?") == [
        "Who is the speaker?",
        "what does he recommend?",
    ]
    assert split_parts("谁在说话以及为什么哭？") == ["谁在说话?", "为什么哭？"]
    assert split_parts("What do salt and pepper do?") == ["What do salt and pepper do?"]
    assert len(split_parts("Who? What is it? Where is it? When is it? Why is it?")) == 3


def test_a_question_that_points_back_is_searched_with_the_one_before() -> None:
    turns = [Turn("Who opened the harbour bridge?", "The premier.")]
    assert refer_back("And when was it?", turns) == "Who opened the harbour bridge? And when was it?"
    whole = "When did the first train cross the harbour bridge in Sydney?"
    assert refer_back(whole, turns) == whole
    assert refer_back("And when was it?", []) == "And when was it?"


def test_events_are_found_as_anchors() -> None:
    assert find_event("What happens after the wreath is shown?") == ("after", "the wreath is shown")
    assert find_event("What is said before that?") is None


@pytest.mark.parametrize(
    ("text", "kind", "plain"),
    [
        ("What colour are the bottle caps?", "colour", "what color is the caps"),
        ("What colour shirt does the rider wear at first?", "colour", "what color is the shirt"),
        ("What is the dominant colour of the stage?", "colour", "what color is the stage"),
        ("How many people play?", "count", "how many people are there"),
        ("What is the man in the robe holding in the first scene?", "object", "what is the person holding"),
        ("What does she wear in her hair?", "object", "what is the person wearing"),
        ("Which animal is it?", "object", "what animal is this"),
        ("What do the two men do?", "action", "what are the people doing"),
        ("Where is the bird?", "place", "where is the bird"),
        ("Is there a dog?", "yesno", "is there a dog"),
    ],
)
def test_questions_about_pictures_get_a_plain_form(text: str, kind: str, plain: str) -> None:
    asked = read_question(text)
    assert asked is not None
    assert (asked.kind, asked.plain, asked.text) == (kind, plain, text)


@pytest.mark.parametrize(
    "text",
    [
        "What is said about Sydney?",
        "Why did it fail?",
        "谁在说话？",
        "Who wrote it?",
        "What is the capital of France?",
        "What is the plan according to her?",
    ],
)
def test_other_questions_are_not_asked_of_pictures(text: str) -> None:
    assert read_question(text) is None


def test_questions_are_made_from_captions() -> None:
    captions = ["A black dog is chasing a red ball on the beach .", "Two men are sitting on a wooden bench ."]
    nouns = find_nouns(captions * 20)
    pairs = ask_about(captions, nouns)
    assert Pair("colour", "what color is the dog", "black") in pairs
    assert Pair("object", "what is the dog chasing", "ball") in pairs
    assert Pair("action", "what is the dog doing", "chasing ball") in pairs
    assert Pair("place", "where is the dog", "beach") in pairs
    assert Pair("yesno", "is there a bench", "yes") in pairs
    absent = deny(pairs, ["horse", "dog"], np.random.default_rng(0))
    assert {p.question for p in absent} == {"is there a horse"}
    # Captions that differ about a colour answer no question about it.
    assert not [p for p in ask_about(["a red ball", "a blue ball"], nouns) if p.kind == "colour"]


def test_long_sentences_are_cited_by_their_clauses() -> None:
    words = [(f" word{i}{',' if i == 4 else ''}", i * 1.0, i + 0.9) for i in range(10)]
    clauses = split_clauses(words)
    assert [(a, b) for a, b, _ in clauses] == [(0.0, 4.9), (5.0, 9.9)]
    assert clauses[0][2].endswith("word4,")
    assert len(split_clauses(words[:5])) == 1  # short enough as it is
    assert split_clauses([]) == []


def test_a_year_is_answered_by_a_year() -> None:
    assert could_answer("What year is in the copyright text?", "Copyright 2013 Jane Doe")
    assert not could_answer("What year is in the copyright text?", "All rights reserved")
    assert could_answer("Who owns it?", "All rights reserved")


def test_what_may_be_asked_is_proposed() -> None:
    pieces = [
        Evidence(1, 1, 0, 5, "speech", "In 1932 the Harbour Bridge in Sydney was opened."),
        Evidence(2, 1, 62, 64, "screen", "Gate 12"),
        Evidence(3, 1, 5, 9, "speech", "悉尼有一座桥。"),
    ]
    asked = propose(pieces, [["bridg"], ["gate"], ["悉尼", "桥"]])
    assert "What is said about Sydney?" in asked
    assert "What is written on the screen at 1:03?" in asked
    assert "关于“悉尼”说了什么？" in asked


def test_every_chapter_has_its_say_in_a_detailed_summary() -> None:
    pieces = [Evidence(0, 1, i * 10.0, i * 10 + 9.0, "speech", f"Sentence number {i} about it.") for i in range(30)]
    vectors = np.eye(30, dtype=np.float32)
    chapters = [Chapter(0, 30, "short"), Chapter(30, 300, "long")]
    said = summarize_chapters(pieces, vectors, chapters)
    starts = [s.citations[0].start for s in said]
    assert starts == sorted(starts)
    assert sum(s < 30 for s in starts) == 3
    assert sum(s >= 30 for s in starts) == 10
