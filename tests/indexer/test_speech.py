"""Sentences, windows that hold all speech, and Mandarin without stops."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.adapters.faster_whisper import most_tokens
from indexer.speech import find_languages, find_unheard, join_sentences, join_spans, settle_doubts, write_down
from indexer.types import Span, Utterance, Word

pytestmark = pytest.mark.unit


def words(text: str, start: float) -> Utterance:
    found = [Word(" " + w, start + i * 0.4, start + i * 0.4 + 0.3) for i, w in enumerate(text.split())]
    return Utterance(found[0].start, found[-1].end, text, 0.9, found)


def test_sentences_are_joined_across_cuts_and_split_at_stops() -> None:
    pieces = [words("Mr. Lee went home. He was", 0), words("tired.", 2.5), words("Later he", 9)]
    assert [u.text for u in join_sentences(pieces)] == ["Mr. Lee went home.", "He was tired.", "Later he"]


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.3, 70)), min_size=1, max_size=20))
def test_windows_hold_all_speech(gaps: list[tuple[float, float]]) -> None:
    speech, now = [], 0.0
    for gap, length in gaps:
        speech.append(Span(now + gap, now + gap + length))
        now += gap + length
    windows = join_spans(speech)
    assert all(w.length <= 28.0 + 1e-6 for w in windows)
    for span in speech:
        assert sum(span.overlap(w) for w in windows) == pytest.approx(span.length)


def test_voice_without_words_is_found() -> None:
    assert find_unheard([Span(0, 3), Span(5, 8), Span(9, 9.5)], [Utterance(0, 3, "a")]) == [Span(5, 8)]


def test_mandarin_phrases_become_sentences() -> None:
    words = [Word(("" if i == 0 else " ") + "举头望明月", 2.5 * i, 2.5 * i + 2.5) for i in range(6)]
    heard = [Utterance(0.0, 15.0, "".join(w.text for w in words), 0.9, words)]
    assert [(s.start, s.end) for s in join_sentences(heard)] == [(0.0, 7.5), (7.5, 15.0)]
    spaced = [Word(" word", 2.5 * i, 2.5 * i + 2.5) for i in range(6)]
    assert len(join_sentences([Utterance(0.0, 15.0, "", 0.9, spaced)])) == 1


def test_mandarin_is_written_in_one_script_and_japanese_is_left_alone() -> None:
    heard = [Utterance(0.0, 2.0, "這兩天央視播出", 0.9, [Word("這兩天", 0.0, 1.0), Word("央視播出", 1.0, 2.0)])]
    written = write_down([replace(u, language="zh") for u in heard]).utterances[0]
    assert (written.text, [w.text for w in written.words]) == ("这两天央视播出", ["这两天", "央视播出"])
    japanese = [replace(u, language="ja") for u in heard]
    assert write_down(japanese).utterances == japanese
    assert write_down(japanese).language == "ja"
    assert write_down([]).language == ""


def test_a_hum_is_no_word() -> None:
    heard = [
        Utterance(0.0, 1.0, text, 0.9, [], "en") for text in ("Mmmmmmm", "aaaah.", "Aaaa!", "Oh.", "I", "AA", "111 1")
    ]
    assert [u.text for u in write_down(heard).utterances] == ["aaaah.", "Oh.", "I", "AA", "111 1"]


def test_no_more_words_are_written_than_fit_the_sound() -> None:
    assert most_tokens(1.0) == 45
    assert most_tokens(10.0) == 180
    assert most_tokens(12.0) is most_tokens(28.0) is None  # Whisper's own limit, half of which names may take


def test_each_stretch_has_its_own_language() -> None:
    spans = [Span(4 * i, 4 * i + 3) for i in range(6)]
    clear = [{"en": 0.9, "de": 0.05}] * 2 + [{"de": 0.8, "en": 0.1}, {"la": 0.4, "de": 0.3}] + [{"es": 0.9}] * 2
    assert find_languages(spans, clear) == [(spans[:2], "en"), (spans[2:4], "de"), (spans[4:], "es")]
    # A cry or a name that sounds foreign is no change of language, nor is a guess that nowhere is clear.
    cry = [Span(0, 5), Span(6, 6.6), Span(7, 12)]
    assert find_languages(cry, [{"en": 0.9}, {"it": 0.9, "en": 0.1}, {"en": 0.95}]) == [(cry, "en")]
    assert find_languages(cry, [{"en": 0.5, "cy": 0.45}, {"cy": 0.5}, {"en": 0.55, "cy": 0.4}]) == [(cry, "en")]
    assert find_languages([], []) == []


def test_a_span_that_sounds_otherwise_is_heard_in_the_languages_that_are_likely() -> None:
    spans = [Span(0, 4), Span(5, 9), Span(10, 14), Span(15, 19), Span(20, 20.5)]
    chances = [{"en": 0.9}, {"en": 0.2, "de": 0.55, "cy": 0.05}, {"la": 0.4, "yi": 0.3}, {"la": 0.4}, {"fr": 0.9}]
    trusted = {(0, "en"): 0.8, (5, "en"): 0.4, (5, "de"): 0.65, (10, "de"): 0.4, (15, "la"): 0.4}
    asked: list[tuple[float, str]] = []

    def hear(heard: Sequence[Span], language: str) -> list[list[Utterance]]:
        asked.extend((span.start, language) for span in heard)
        found = [(span, trusted.get((int(span.start), language), 0.0)) for span in heard]
        return [[Utterance(s.start, s.end, "…", sure, [], language)] if sure else [] for s, sure in found]

    found = settle_doubts(spans[:3], chances[:3], hear)
    assert found == [(spans[:1], "en"), (spans[1:3], "de")]  # once it is known that there is German
    assert (0, "en") not in asked  # nobody doubts it
    assert (5, "cy") not in asked  # too unlikely
    assert settle_doubts([spans[0], spans[3]], [chances[0], chances[3]], hear) == [([spans[0], spans[3]], "en")]
    asked.clear()
    settle_doubts([spans[0], spans[4]], [chances[0], chances[4]], hear)
    assert not asked  # too short to tell
