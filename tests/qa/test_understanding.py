"""What a question wants: 360 phrasings in two languages, follow-ups, restrictions, key phrases, short answers."""

from datetime import date
from pathlib import Path

import pytest

from qa.keyphrases import find_keyphrases
from qa.question_forms import Kind
from qa.questions import understand
from qa.restrictions import NOT_RESTRICTED, Restriction, find_days, read_restriction
from qa.short_answers_en import find_english
from qa.training.reader import read_talks
from qa.types import Evidence, Turn

pytestmark = pytest.mark.unit

PHRASINGS = [line.split("\t") for line in Path(__file__).with_name("phrasings.tsv").read_text().splitlines()]
TODAY = date(2026, 11, 25)  # a Wednesday


def test_phrasings_are_understood() -> None:
    """Kind (and detail behind a colon), text, topic where it matters."""
    assert len(PHRASINGS) >= 300
    wrong = []
    for expected, text, *topic in PHRASINGS:
        kind, _, detail = expected.partition(":")
        found = understand(text.strip())
        if found.kind != kind or (detail and found.detail != detail) or (topic and topic[0] not in ("-", found.topic)):
            wrong.append((expected, text, found.kind.value, found.topic))
    assert not wrong


@pytest.mark.parametrize(
    ("text", "expected", "rest"),
    [
        ("Who speaks in the video about bees?", Restriction(subject="bees"), "Who speaks?"),
        ("summarise the talk about glaciers", Restriction(subject="glaciers"), "summarise"),
        ("What is said in “Harbour tour”?", Restriction(subject="Harbour tour"), "What is said?"),
        (
            "Which videos show dogs uploaded last week?",
            Restriction(after=date(2026, 11, 16), before=date(2026, 11, 22)),
            "Which videos show dogs?",
        ),
        ("Which videos uploaded by anna show dogs?", Restriction(person="anna"), "Which videos show dogs?"),
        ("Which German videos mention Berlin?", Restriction(language="de"), "Which videos mention Berlin?"),
        ("Which videos longer than 10 minutes show dogs?", Restriction(longer=600.0), "Which videos show dogs?"),
        ("What happened in May 1945?", NOT_RESTRICTED, "What happened in May 1945?"),
        ("在关于火山的视频里谁在说话？", Restriction(subject="火山"), "谁在说话？"),
        ("上周上传的视频有哪些？", Restriction(after=date(2026, 11, 16), before=date(2026, 11, 22)), "视频有哪些？"),
    ],
)
def test_a_question_says_which_videos_it_means(text: str, expected: Restriction, rest: str) -> None:
    assert read_restriction(text, TODAY) == (expected, rest)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("today", (TODAY, TODAY)),
        ("this week", (date(2026, 11, 23), TODAY)),
        ("may", (date(2026, 5, 1), date(2026, 5, 31))),
        ("december", (date(2025, 12, 1), date(2025, 12, 31))),
        ("february 2024", (date(2024, 2, 1), date(2024, 2, 29))),
        ("the last 7 days", (date(2026, 11, 18), TODAY)),
        ("2025", (date(2025, 1, 1), date(2025, 12, 31))),
        ("上个月", (date(2026, 10, 1), date(2026, 10, 31))),
    ],
)
def test_days(said: str, days: tuple[date, date]) -> None:
    assert find_days(said, TODAY) == days


DOGS = Turn("Which videos show dogs?", "In 2 videos: A and B.", ((7, 1.0, 2.0), (9, 4.0, 5.0)))


@pytest.mark.parametrize(
    ("text", "kind", "topic", "videos"),
    [
        ("And cats?", Kind.LIST, "cats", ()),
        ("What about horses?", Kind.LIST, "horses", ()),
        ("how many?", Kind.COUNT, "dogs", ()),
        ("What is said in the second one?", Kind.ABOUT, "", (9,)),
        ("Who is speaking in that video?", Kind.SPEAKERS, "", (7,)),
        ("only in German", Kind.LIST, "dogs", ()),
        ("no, I meant wolves", Kind.LIST, "wolves", ()),
        ("show me", Kind.SHOW, "", ()),
        ("那猫呢？", Kind.LIST, "猫", ()),
    ],
)
def test_a_follow_up_takes_over_what_it_leaves_out(text: str, kind: Kind, topic: str, videos: tuple[int, ...]) -> None:
    found = understand(text, [DOGS])
    assert (found.kind, found.topic if topic else "", found.restriction.videos) == (kind, topic, videos)


def test_a_whole_question_stands_by_itself() -> None:
    assert understand("When was the bridge in the harbour of Sydney opened to the public?", [DOGS]).kind is Kind.FACT


def test_key_phrases_are_what_is_spoken_about() -> None:
    said = [
        "We are standing in front of the Aldren glacier.",
        "The melt water feeds the reservoir that gives power to the valley.",
        "Professor Ines Duarte drills cores here.",
    ]
    sentences = [Evidence(0, 1, 5.0 * i, 5.0 * i + 4, "speech", text) for i, text in enumerate(said)]
    found = find_keyphrases(sentences, 3)
    assert found[0].text == "Aldren glacier"
    assert any("Ines Duarte" in p.text for p in found)
    assert find_keyphrases(sentences[:2], 3) == []
    chinese = [Evidence(0, 1, 0.0, 1.0, "speech", t) for t in ("茶园在山坡上。", "炒茶的锅很热。", "大雨冲走了茶树。")]
    assert "茶园" in [p.text for p in find_keyphrases(chinese, 4)]


def test_short_answers_are_in_the_sentence_and_mostly_right() -> None:
    """On the invented talks that the reader was fitted to: more than nine of ten that are given hold the answer."""
    given = right = asked = 0
    for talk in read_talks()[:9]:
        for question, place, answer in talk.questions:
            if place >= 0:
                asked += 1
                short = find_english(question, talk.sentences[place])
                assert short in talk.sentences[place]
                given += bool(short)
                right += bool(short) and (answer.lower() in short.lower() or short.lower() in answer.lower())
    assert given > asked / 2
    assert right > 0.9 * given - 1


@pytest.mark.parametrize(
    ("question", "said", "short"),
    [
        ("Whose car was stolen?", "It's late, but my neighbour's car was stolen on Monday.", "my neighbour's"),
        ("Whose idea was it?", "It was the gardeners' idea to plant beans.", "the gardeners'"),
        ("Who lives next door?", "But Dr. Anna Keller lives next door.", "Dr. Anna Keller"),
        ("Who had time to look around?", "And Mr. Peter Lowe had time to look around.", "Mr. Peter Lowe"),
        ("What was sold?", "The farmer sold twelve sheep at the market.", "twelve sheep at the market"),
        ("What was cut, nearly?", "The saw nearly cut the long cable.", "the long cable"),
        ("What was built in 1984?", "The crane was built in 1984 by an engineer.", "The crane"),
    ],
)
def test_owners_titles_and_what_something_was_done_to(question: str, said: str, short: str) -> None:
    assert find_english(question, said) == short
