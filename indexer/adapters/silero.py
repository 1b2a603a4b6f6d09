"""Silero VAD: where somebody speaks."""

from pathlib import Path

from indexer import weights
from indexer.types import SAMPLE_RATE, Audio, Span

_WINDOW = 600 * SAMPLE_RATE  # the model's memory of a long file is not needed: ten minutes at a time
_THRESHOLD = 0.6  # Silero's default is 0.5; music and crowds reach it, people talking do not need it
_SHORTEST = 0.4  # seconds


class SileroDetector:
    """`detect` costs about 0.2 % of the audio's length on one core: 16 seconds in one call give the same as 512 samples
    after the other, six times as fast.
    """

    name = "silero-vad-6.2"

    def __init__(self, models: Path) -> None:
        del models
        weights.SILERO.verify()
        from silero_vad import load_silero_vad

        self._model = load_silero_vad(sequence=True)

    def detect(self, audio: Audio) -> list[Span]:
        """Mono 16 kHz float32 (n,) -> spans of speech."""
        from silero_vad import get_speech_timestamps_sequence

        spans: list[Span] = []
        for start in range(0, len(audio), _WINDOW):
            for found in get_speech_timestamps_sequence(
                audio[start : start + _WINDOW],
                self._model,
                threshold=_THRESHOLD,
                min_speech_duration_ms=round(_SHORTEST * 1000),
                min_silence_duration_ms=300,
                speech_pad_ms=150,
            ):
                spans.append(Span((start + found["start"]) / SAMPLE_RATE, (start + found["end"]) / SAMPLE_RATE))
        return spans
