"""Names and terms: expected where somebody listens, and put right wherever they were misheard."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from indexer.types import SAMPLE_RATE, Span, Transcript, Utterance, Word
from webapp import engine
from webapp.media import subtitles
from webapp.models import Spelling, Step, Video
from webapp.models import Utterance as Line
from webapp.pipeline import checkpoints, ledger, speech

pytestmark = pytest.mark.django_db


class Listener:
    """Hears one word a window; fails where it is told to."""

    name = "listener"

    def __init__(self) -> None:
        self.calls: list[tuple[float, list[str]]] = []
        self.fails_at = -1

    def transcribe(self, audio, speech, progress, spellings=()) -> Transcript:
        if len(self.calls) == self.fails_at:
            self.fails_at = -1
            raise KeyboardInterrupt
        self.calls.append((round(len(audio) / SAMPLE_RATE, 1), list(spellings)))
        word = f" word{len(self.calls)}."
        return Transcript("en", [Utterance(1.0, 2.0, word.strip(), 0.9, [Word(word, 1.0, 2.0)], "en")])


@pytest.fixture
def listener(monkeypatch) -> Listener:
    found = Listener()
    monkeypatch.setattr(engine, "transcriber", lambda: found)
    monkeypatch.setattr(engine, "voice", lambda: type("", (), {"detect": lambda self, audio: [Span(0.5, 2.5)]})())
    monkeypatch.setattr(engine, "music", lambda: type("", (), {"detect": lambda self, audio: []})())
    return found


def running(video: Video) -> Video:
    Step.objects.update_or_create(
        video=video, name="speech", defaults={"status": "running", "ready_at": video.created_at}
    )
    return video


def test_hours_of_listening_are_not_lost(accept, listener) -> None:
    """25 minutes of sound are three windows; the second is interrupted, and the first is not heard again."""
    video = running(accept())
    audio = np.zeros(25 * 60 * SAMPLE_RATE, np.float32)
    listener.fails_at = 1
    with pytest.raises(KeyboardInterrupt):
        speech.listen(video, audio, True, lambda share: None)
    assert len(checkpoints.load(video, "speech")) == 1
    shares: list[float] = []
    pieces = speech.listen(video, audio, True, shares.append)
    starts = [u["start"] for piece in pieces for u in piece["utterances"]]
    assert [u["text"] for piece in pieces for u in piece["utterances"]] == ["word1.", "word2.", "word3."]
    assert starts[0] == 1.0
    assert all(580 <= b - a <= 600 for a, b in pairwise(starts))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert sum(piece["seconds"] for piece in pieces) == pytest.approx(25 * 60)
    ledger.add(video, "speech", goes_on=True)
    assert len(checkpoints.load(video, "speech")) == 3
    ledger.add(video, "speech")  # asked for anew: it begins anew
    assert checkpoints.load(video, "speech") == []


def test_windows_end_where_it_is_quiet() -> None:
    from indexer.speech import cut_windows

    audio = np.full(700 * SAMPLE_RATE, 0.1, np.float32)
    audio[590 * SAMPLE_RATE : 591 * SAMPLE_RATE] = 0
    first, second = cut_windows(audio)
    assert 590 <= first.end <= 591
    assert second == Span(first.end, 700.0)
    assert cut_windows(audio[:0]) == []


def test_names_are_expected_the_videos_own_first(accept, listener, clients) -> None:
    Spelling.objects.create(text="Chen")
    Spelling.objects.create(text="Ana")
    video = accept()
    assert (
        clients["owner"].post(f"/videos/{video.key}/spellings", {"spellings": "Marta Lind\n\nAna"}).status_code == 302
    )
    video.refresh_from_db()
    speech.listen(running(video), np.zeros(5 * SAMPLE_RATE, np.float32), True, lambda share: None)
    assert listener.calls[0][1] == ["Marta Lind", "Ana", "Chen"]


def write(video: Video, *lines: list[str]) -> None:
    for number, words in enumerate(lines):
        timed: list[list[Any]] = [[f" {w}", number * 9 + k, number * 9 + k + 1] for k, w in enumerate(words)]
        text = " ".join(words)
        Line.objects.create(video=video, start=number * 9, end=number * 9 + len(words), text=text, words=timed)


def test_a_name_is_put_right_everywhere(accept, clients) -> None:
    mine, second, theirs = accept(), accept(seconds=3), accept("other")
    for video in (mine, second, theirs):
        write(video, ["And", "a", "spoke", "of", "and", "a", "whale."], ["Panda", "a", "spoke"])
    page = clients["owner"].post(f"/videos/{mine.key}/respell", {"old": "and a", "new": "Ana"})
    assert page.status_code == 302
    assert [u.text for u in mine.utterances.all()] == ["Ana spoke of Ana whale.", "Panda a spoke"]
    words = mine.utterances.first().words
    assert words == [["Ana", 0, 2], [" spoke", 2, 3], [" of", 3, 4], [" Ana", 4, 6], [" whale.", 6, 7]] or words == [
        [" Ana", 0, 2], [" spoke", 2, 3], [" of", 3, 4], [" Ana", 4, 6], [" whale.", 6, 7],
    ]  # fmt: skip
    assert second.utterances.first().text.startswith("And a")
    mine.refresh_from_db()
    assert mine.spellings == "Ana"
    assert mine.steps.filter(name="embed").exists()
    assert not second.steps.filter(name="embed").exists()
    clients["owner"].post(f"/videos/{mine.key}/respell", {"old": "and a", "new": "Ana", "all": "on"})
    assert second.utterances.first().text.startswith("Ana spoke")
    assert theirs.utterances.first().text.startswith("And a")


def test_chinese_names_have_no_borders(accept) -> None:
    video = accept()
    Line.objects.create(
        video=video, start=0, end=3, text="今天王五说话", words=[["今天", 0, 1], ["王五", 1, 2], ["说话", 2, 3]]
    )
    assert subtitles.respell_everywhere(Video.objects.all(), "王五", "汪武") == 1
    assert video.utterances.get().words == [["今天", 0, 1], ["汪武", 1, 2], ["说话", 2, 3]]


def test_subtitles_that_come_while_somebody_listens_stay(accept, listener, monkeypatch) -> None:
    from indexer import cues

    video = accept(seconds=2)
    Video.objects.filter(pk=video.pk).update(media_info={"container": "mp4", "duration": 6.0, "audio_codec": "aac"})
    video.refresh_from_db()
    store = speech.speech(running(video), lambda share: None)
    subtitles.replace(
        Video.objects.get(pk=video.pk), cues.read_file("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\nMine\n", 6.0)
    )
    store()
    assert [u.text for u in video.utterances.all()] == ["Mine"]
    assert sorted(video.transcripts.values_list("source", flat=True)) == ["brought", "speech"]
