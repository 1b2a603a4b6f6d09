"""Subtitles as broadcasters make them: two lines, long enough to be read, cut where people pause; and any encoding."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import cues
from indexer.types import Utterance, Word

pytestmark = pytest.mark.unit

WORDS = st.lists(st.text("abcdefghij,.", min_size=1, max_size=12), min_size=1, max_size=60)


def speak(text: str, start: float = 0.0, rate: float = 14.0) -> Utterance:
    """An utterance at `rate` signs a second."""
    words, now = [], start
    for word in text.split():
        words.append(Word(f" {word}", now, now + len(word) / rate))
        now += (len(word) + 1) / rate
    return Utterance(start, words[-1].end, text, 1.0, words)


def lint(laid: cues.Cues) -> list[str]:
    """What a broadcaster would send back."""
    faults = []
    for start, end, text, *_ in laid:
        lines, most = text.split("\n"), cues.LINE_CJK if cues.is_wide(text) else cues.LINE
        faults += ["too many lines"] * (len(lines) > cues.LINES)
        faults += ["line too long"] * (max(map(len, lines)) > most and " " in text)
        faults += ["too short"] * (end - start < cues.SHORTEST - 0.01)
        faults += ["too long"] * (end - start > cues.LONGEST_SHOWN + 0.01)
        faults += ["too fast"] * (len(text) / (end - start) > cues.READING + 0.5)
    return faults + ["overlap"] * sum(b[0] < a[1] for a, b in pairwise(laid))


def test_a_lecture_passes() -> None:
    spoken, now = [], 0.0
    for text in (
        "So.",
        "Good morning, and welcome to the third lecture on rivers, in which we follow the water from a spring in the "
        "hills down to the sea, past the mills, the locks and the harbours that people have built along it.",
        "First, though, a question: who of you has ever drunk from a spring?",
        "Nobody?",
    ):
        spoken.append(speak(text, now, rate=17.0))
        now = spoken[-1].end + 0.5
    laid = cues.lay_out(spoken)
    assert lint(laid) == []
    assert " ".join(cue.text for cue in laid).split() == " ".join(u.text for u in spoken).split()
    assert lint([(u.start, u.end, u.text) for u in spoken])  # the linter does object to what was heard as it is


@given(WORDS, st.floats(6, 18))
def test_every_word_is_shown_once_and_in_time(words: list[str], rate: float) -> None:
    spoken = speak(" ".join(words), 1.0, rate)
    laid = cues.lay_out([spoken])
    assert "".join(cue.text for cue in laid).replace("\n", "").replace(" ", "") == "".join(words)
    assert not {"too many lines", "line too long", "too short", "too long", "overlap"} & set(lint(laid))
    assert laid[0][0] == spoken.start


def test_chinese_has_shorter_lines_and_no_word_without_times_is_lost() -> None:
    text = "今天我们要谈谈河流，水从山上的泉眼流出来，经过磨坊、水闸和港口，最后流到大海里去。"
    laid = cues.lay_out([Utterance(0.0, 9.0, text)])
    assert lint(laid) == []
    assert "".join(cue.text for cue in laid).replace("\n", "") == text
    assert len(laid) > 1


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Müller naïve café"), ("utf-8-sig", "Müller"), ("utf-16", "Müller öffnet die Tür"),
        ("latin-1", "El niño comió mañana en España"), ("cp1252", "Müller öffnet “die” Tür – für fünf"),
        ("cp1250", "Dobrý den, přišel jsem včera. Žluťoučký kůň"), ("cp1251", "Привет, это вулкан"),
        ("gb18030", "你好，今天我们看火山。它很高"), ("cp932", "こんにちは、火山について話します"),
        ("cp949", "안녕하세요 오늘은 화산을 봅니다"),
    ],
)  # fmt: skip
def test_old_encodings_are_read(encoding: str, text: str) -> None:
    lines = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n in range(1, 4))
    assert [cue.text for cue in cues.read_file("a.srt", lines.encode(encoding), 60.0)] == [text] * 3


def test_ass_is_read_without_its_styles() -> None:
    head = (
        "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
    data = head + "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\b1}Bold{\\b0}\\Nwords\n"
    assert cues.read_file("a.ass", data.encode(), 60.0) == [cues.Cue(1.0, 2.5, "Bold words")]


@pytest.mark.parametrize(
    ("name", "line", "speaker", "text"),
    [
        ("a.vtt", "<v Anna Lee>Good morning.", "Anna Lee", "Good morning."),
        ("a.vtt", "<v.loud Bob>Hello</v>", "Bob", "Hello"),
        ("a.srt", "MR. SMITH: Sit down.", "Mr. Smith", "MR. SMITH: Sit down."),
        ("a.srt", "Note: this is nobody's name", "", "Note: this is nobody's name"),
    ],
)
def test_who_speaks_is_kept(name: str, line: str, speaker: str, text: str) -> None:
    head, sign = ("WEBVTT\n\n", ".") if name.endswith("vtt") else ("1\n", ",")
    (cue,) = cues.read_file(name, f"{head}00:00:01{sign}000 --> 00:00:02{sign}000\n{line}\n".encode(), 9.0)
    assert (cue.speaker, cue.text) == (speaker, text)
