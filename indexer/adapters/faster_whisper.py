"""Whisper through faster-whisper (CTranslate2, int8). Never opens a file: it is given samples."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer import weights
from indexer.ports import Progress
from indexer.speech import cut_audio, find_languages, find_unheard, join_spans, write_down
from indexer.types import Audio, Span, Transcript, Utterance, Word

# What Whisper itself gives as signs of invention: low mean log probability, "no speech", and repetition
# (https://github.com/openai/whisper/blob/main/whisper/transcribe.py).
_LOW_PROBABILITY = -1.0
_NO_SPEECH = 0.6
_REPETITIVE = 2.4
_LEAST_FRAMES, _MOST_FRAMES = 200, 3000  # of 10 ms that a language is guessed from


class FasterWhisper:
    """Transcribes voiced windows only, each independent of the others, so an error never spreads."""

    name = "whisper-base-int8"

    def __init__(self, models: Path) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(weights.join_whisper(models)), device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True
        )

    def transcribe(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> Transcript:
        """Times of the result refer to `audio`; each stretch of speech is written in the language that is spoken."""
        spoken = find_languages(speech, [self._guess_languages(audio, span) for span in speech])
        windows = [(w, language) for stretch, language in spoken for w in join_spans(stretch)]
        found: list[Utterance] = []
        for number, (window, language) in enumerate(windows):
            heard = self._transcribe_window(audio, window, language)
            # Whisper sometimes ends a window early: voice without words gets a second hearing on its own.
            for span in find_unheard([s for s in speech if s.overlap(window) > 0], heard):
                heard += self._transcribe_window(audio, span, language)
            found += sorted((replace(u, language=language) for u in heard), key=lambda u: u.start)
            progress((number + 1) / len(windows))
        return write_down(found)

    def _guess_languages(self, audio: Audio, span: Span) -> dict[str, float]:
        """Chance of each language. Only as many frames as the span has are encoded, which costs a tenth of Whisper's
        30 seconds and guesses as well.
        """
        features = self._model.feature_extractor(cut_audio(audio, span))[:, :_MOST_FRAMES]
        padded = np.pad(features, ((0, 0), (0, max(0, _LEAST_FRAMES - features.shape[1]))))
        guesses = self._model.model.detect_language(self._model.encode(np.ascontiguousarray(padded)))[0]
        return {token[2:-2]: chance for token, chance in guesses}

    def _transcribe_window(self, audio: Audio, window: Span, language: str) -> list[Utterance]:
        segments, _ = self._model.transcribe(
            cut_audio(audio, window),
            language=language,
            beam_size=5,
            temperature=[0.0, 0.4],  # one fallback: more of them take up to ten times the audio's length
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
        )
        return [_utterance(s, window) for s in segments if _believable(s)]


def _believable(segment: Any) -> bool:
    if not segment.text.strip() or segment.compression_ratio > _REPETITIVE:
        return False
    return bool(segment.avg_logprob > _LOW_PROBABILITY and segment.no_speech_prob < _NO_SPEECH)


def _utterance(segment: Any, window: Span) -> Utterance:
    words = [
        Word(w.word, round(window.start + w.start, 3), round(window.start + w.end, 3)) for w in segment.words or []
    ]
    start = words[0].start if words else window.start + segment.start
    end = words[-1].end if words else window.start + segment.end
    return Utterance(
        round(start, 3),
        round(max(end, start + 0.1), 3),
        segment.text.strip(),
        float(np.exp(segment.avg_logprob)),
        words,
    )
