"""Whisper through faster-whisper (CTranslate2; int8, on a GPU float16). Never opens a file: it is given samples."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer import weights
from indexer.errors import loading
from indexer.ports import Progress
from indexer.speech import cut_audio, find_unheard, join_spans, settle_doubts, write_down
from indexer.types import Audio, Span, Transcript, Utterance, Word

# What Whisper itself gives as signs of invention: low mean log probability, "no speech", and repetition
# (https://github.com/openai/whisper/blob/main/whisper/transcribe.py).
_LOW_PROBABILITY = -1.0
_NO_SPEECH = 0.6
_REPETITIVE = 2.4
_BATCH = 4  # windows heard at once: a third less work than one by one; a batch lasts some 7 s on two cores
_ONCE = (0.0,)  # temperatures: what a language is tried with
_TWICE = (0.0, 0.4)  # one fallback: more of them take up to ten times the audio's length
_SPANS = 8  # whose language is guessed at once
_LIKE = 1.15  # times the shortest of them, the longest: what is padded further is guessed otherwise than alone
_REMEMBERED = 16  # windows: 3 MB each
_TOKENS, _MORE_TOKENS = 15.0, 30  # a second, as many as Whisper's 448 of 30 seconds, and as many more
_BOUNDED = 200  # tokens, from which on Whisper's own limit does: names that are known take half of its room
_LEAST_FRAMES, _MOST_FRAMES = 200, 3000  # of 10 ms that a language is guessed from


class FasterWhisper:
    """Transcribes voiced windows only, each independent of the others, so an error never spreads. `folder` holds other
    weights than those of the package, as CTranslate2 has them.
    """

    def __init__(self, models: Path, folder: str = "") -> None:
        from ctranslate2 import get_cuda_device_count
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        gpu = get_cuda_device_count() > 0
        with loading(folder):
            self._model = WhisperModel(
                folder or str(weights.join_whisper(models)),
                device="cuda" if gpu else "cpu",
                compute_type="float16" if gpu else "int8",
                cpu_threads=2,
                local_files_only=True,
            )
        self.name = f"faster-whisper {Path(folder).name}" if folder else "whisper-base-int8"
        self._batched = BatchedInferencePipeline(self._model)
        self._encode = self._model.encode  # for guesses: nothing of them is asked for again
        if not gpu:
            self._model.encode = RememberingEncoder(self._encode)

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], progress: Progress, spellings: Sequence[str] = ()
    ) -> Transcript:
        """Times of the result refer to `audio`; each stretch of speech is written in the language that is spoken."""
        hotwords = ", ".join(spellings) or None

        def hear(spans: Sequence[Span], language: str) -> list[list[Utterance]]:
            heard = [
                utterance
                for first in range(0, len(spans), _BATCH)
                for utterance in self._transcribe_batch(audio, spans[first : first + _BATCH], language, hotwords, _ONCE)
            ]
            return [[u for u in heard if span.start <= (u.start + u.end) / 2 < span.end] for span in spans]

        spoken = settle_doubts(speech, self._guess_languages(audio, speech), hear)
        batches = [
            (windows[first : first + _BATCH], language)
            for stretch, language in spoken
            for windows in [join_spans(stretch)]
            for first in range(0, len(windows), _BATCH)
        ]
        found: list[Utterance] = []
        for number, (windows, language) in enumerate(batches):
            heard = self._transcribe_batch(audio, windows, language, hotwords)
            # Whisper sometimes ends a window early: voice without words gets a second hearing on its own.
            unheard = find_unheard([s for s in speech if any(s.overlap(w) > 0 for w in windows)], heard)
            if unheard:
                heard += self._transcribe_batch(audio, join_spans(unheard), language, hotwords)
            found += sorted((replace(u, language=language) for u in heard), key=lambda u: u.start)
            progress((number + 1) / len(batches))
        return write_down(found)

    def _guess_languages(self, audio: Audio, spans: Sequence[Span]) -> list[dict[str, float]]:
        """Chance of each language in each span. Only as many frames as a span has are encoded, which costs a tenth of
        Whisper's 30 seconds and guesses as well.
        """
        if not self._model.model.is_multilingual:
            return [{"en": 1.0} for _ in spans]
        found: dict[Span, dict[str, float]] = {}
        for batch in group_by_length(spans):
            features = [self._model.feature_extractor(cut_audio(audio, s))[:, :_MOST_FRAMES] for s in batch]
            longest = max(_LEAST_FRAMES, *(f.shape[1] for f in features))
            padded = np.stack([np.pad(f, ((0, 0), (0, longest - f.shape[1]))) for f in features])
            for span, guesses in zip(batch, self._model.model.detect_language(self._encode(padded)), strict=True):
                found[span] = {token[2:-2]: chance for token, chance in guesses}
        return [found[span] for span in spans]

    def _transcribe_batch(
        self,
        audio: Audio,
        windows: Sequence[Span],
        language: str,
        hotwords: str | None,
        temperatures: Sequence[float] = _TWICE,
    ) -> list[Utterance]:
        """All windows at once; one of which something is not believable is heard again on its own, if there is another
        temperature to hear it at. One window alone gains nothing by a batch.
        """
        if len(windows) == 1:
            return self._transcribe_window(audio, windows[0], language, hotwords, temperatures)
        segments, _ = self._batched.transcribe(
            audio,
            language=language,
            clip_timestamps=[{"start": w.start, "end": w.end} for w in windows],
            batch_size=_BATCH,
            beam_size=5,
            temperature=0.0,
            without_timestamps=False,  # without them Whisper leaves out sentences, and capitals of names
            word_timestamps=True,
            hotwords=hotwords,
            vad_filter=False,
            max_new_tokens=most_tokens(max(w.length for w in windows)),
        )
        found: list[Utterance] = []
        heard = [(_utterance(s, 0.0), _believable(s)) for s in segments]
        for window in windows:
            inside = [(u, believable) for u, believable in heard if window.start <= (u.start + u.end) / 2 < window.end]
            if len(temperatures) == 1 or all(believable for _, believable in inside):
                found += [u for u, believable in inside if believable]
            else:
                found += self._transcribe_window(audio, window, language, hotwords, temperatures)
        return found

    def _transcribe_window(
        self, audio: Audio, window: Span, language: str, hotwords: str | None, temperatures: Sequence[float]
    ) -> list[Utterance]:
        segments, _ = self._model.transcribe(
            cut_audio(audio, window),
            language=language,
            beam_size=5,
            temperature=list(temperatures),
            condition_on_previous_text=False,
            word_timestamps=True,
            hotwords=hotwords,
            vad_filter=False,
            max_new_tokens=most_tokens(window.length),
        )
        return [_utterance(s, window.start) for s in segments if _believable(s)]


class RememberingEncoder:
    """Whisper's encoder on a processor: what was heard in one language a moment ago is not computed again for another.
    Several windows at once would take as long as one after the other.
    """

    def __init__(self, encode: Callable[[Audio], Any]) -> None:
        self._encode = encode
        self._kept: dict[bytes, Audio] = {}  # by a hash of the features, the oldest first

    def __call__(self, features: Audio) -> Any:
        """Features (n, mels, frames) or (mels, frames) -> what CTranslate2's decoder reads (n, positions, width)."""
        from ctranslate2 import StorageView

        windows = features.reshape(-1, *features.shape[-2:])
        return StorageView.from_array(np.concatenate([self._encode_once(window) for window in windows]))

    def _encode_once(self, window: Audio) -> Audio:
        key = hashlib.blake2b(window.tobytes()).digest()
        if key not in self._kept:
            if len(self._kept) >= _REMEMBERED:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = np.array(self._encode(window[None]))
        return self._kept[key]


def most_tokens(seconds: float) -> int | None:
    """How many may be said in that time. Of music or noise of a second Whisper else writes the same word 200 times, in
    every language that is tried: 63 seconds of work for 8 seconds of sound.
    """
    most = round(_TOKENS * seconds) + _MORE_TOKENS
    return most if most < _BOUNDED else None


def group_by_length(spans: Sequence[Span]) -> list[list[Span]]:
    """Groups of at most `_SPANS` spans of about the same length."""
    groups: list[list[Span]] = []
    for span in sorted(spans, key=lambda span: span.length):
        if groups and len(groups[-1]) < _SPANS and span.length <= _LIKE * groups[-1][0].length:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _believable(segment: Any) -> bool:
    if not segment.text.strip() or segment.compression_ratio > _REPETITIVE:
        return False
    return bool(segment.avg_logprob > _LOW_PROBABILITY and segment.no_speech_prob < _NO_SPEECH)


def _utterance(segment: Any, offset: float) -> Utterance:
    """Its times, which count from `offset` seconds on, become the sound's."""
    words = [Word(w.word, round(offset + w.start, 3), round(offset + w.end, 3)) for w in segment.words or []]
    start = words[0].start if words else offset + segment.start
    end = words[-1].end if words else offset + segment.end
    return Utterance(
        round(start, 3),
        round(max(end, start + 0.1), 3),
        segment.text.strip(),
        float(np.exp(segment.avg_logprob)),
        words,
    )
