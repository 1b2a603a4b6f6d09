"""Around a transcriber: voiced spans become windows for it, its pieces become whole sentences."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from indexer.terms import simplify
from indexer.types import SAMPLE_RATE, Audio, Span, Transcript, Utterance, Word

WINDOW = 28.0  # seconds of audio per call: Whisper's own window is 30
GAP = 2.0  # voiced spans nearer than this share a window
PAUSE = 1.5  # seconds of silence end a sentence whatever the punctuation says
LONGEST = 20.0  # seconds
PHRASES = 6.0  # seconds after which a space ends a Mandarin sentence: Whisper writes no stops there, but spaces
SILENCE = 0.003  # root mean square of samples in [-1, 1]: -50 dB of full scale
_PHRASE = re.compile(r"\s[\u4e00-\u9fff]")
_ENDS = (".", "!", "?", "。", "！", "？", "…")
_TITLES = ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no.")


def write_down(language: str, heard: Sequence[Utterance]) -> Transcript:
    """What a transcriber returns. Mandarin is written in simplified characters: Whisper uses either script, even both
    in one video. A prompt in one of them settles it, too, but made the base model mishear (`bench speech`: 31.6 % wrong
    characters with it, 8.8 without).
    """
    if language == "zh":
        heard = [
            replace(u, text=simplify(u.text), words=[replace(w, text=simplify(w.text)) for w in u.words]) for u in heard
        ]
    return Transcript(language if heard else "", list(heard))


def join_sentences(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Cut at sentence ends and long pauses, join across Whisper's own cuts; times come from the words."""
    sentences: list[Utterance] = []
    words: list[Word] = []
    confidence: list[float] = []

    def close() -> None:
        if words:
            text = "".join(w.text for w in words).strip()
            mean = sum(confidence) / len(confidence)
            if text:
                sentences.append(Utterance(words[0].start, words[-1].end, text, mean, list(words)))
        words.clear()
        confidence.clear()

    for utterance in utterances:
        for word in utterance.words or [Word(" " + utterance.text, utterance.start, utterance.end)]:
            if words and (
                word.start - words[-1].end > PAUSE
                or word.end - words[0].start > LONGEST
                or (_PHRASE.match(word.text) and word.start - words[0].start >= PHRASES)
            ):
                close()
            words.append(word)
            confidence.append(utterance.confidence)
            text = word.text.strip().lower()
            if text.endswith(_ENDS) and text not in _TITLES:
                close()
    close()
    return sentences


def join_spans(speech: Sequence[Span]) -> list[Span]:
    """Neighbouring spans joined into windows of at most 28 s; a longer span is cut."""
    windows: list[Span] = []
    for span in speech:
        start = span.start
        while span.end - start > WINDOW:
            windows.append(Span(start, start + WINDOW))
            start += WINDOW
        last = windows[-1] if windows else None
        if last and start - last.end < GAP and span.end - last.start <= WINDOW:
            windows[-1] = Span(last.start, span.end)
        else:
            windows.append(Span(start, span.end))
    return windows


def find_unheard(speech: Sequence[Span], heard: Sequence[Utterance]) -> list[Span]:
    """Voiced spans of a second or more of which less than a fifth is covered by utterances."""
    missed = []
    for span in speech:
        covered = sum(span.overlap(Span(u.start, u.end)) for u in heard)
        if span.length >= 1.0 and covered < 0.2 * span.length:
            missed.append(span)
    return missed


def share_sound(audio: Audio, speech: Sequence[Span], music: Sequence[Span]) -> dict[str, float]:
    """Shares in [0, 1] of speech, of music that nobody speaks over, of other sound and of silence, which together are
    1; by stretches of half a second.
    """
    length = SAMPLE_RATE // 2
    count = len(audio) // length
    if not count:
        return {}
    loud = np.sqrt(np.square(audio[: count * length].reshape(count, length)).mean(1)) >= SILENCE
    middles = (np.arange(count) + 0.5) / 2
    spoken, played = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for mask, spans in ((spoken, speech), (played, music)):
        for span in spans:
            mask |= (middles >= span.start) & (middles < span.end)
    played &= ~spoken
    heard = spoken | played
    shares = {"speech": spoken, "music": played, "other": loud & ~heard, "silence": ~loud & ~heard}
    return {name: round(float(mask.mean()), 3) for name, mask in shares.items()}


def cut_audio(audio: Audio, span: Span) -> Audio:
    """The samples of a span."""
    return np.ascontiguousarray(audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)])
