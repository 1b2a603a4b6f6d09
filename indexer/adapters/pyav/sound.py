"""Sound placed by its time stamps: gaps stay silent, overlaps are cut, a track may change its layout on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from indexer.adapters.pyav.container import clock_start, open_media, packets_until_damage, sound_stream
from indexer.types import SAMPLE_RATE, Audio

MAX_DRIFT = 0.1  # seconds between time stamps and samples that are nobody's fault (rounding, priming)
MAX_GAP = 12 * 3600.0  # seconds
SILENCE_PIECE = 60 * 48_000  # samples written at a time
SILENT = 0.001  # of full scale (-60 dB): a track that never is louder is nobody's choice
LISTEN_SECONDS = 60.0  # how far into a track that is looked for


@dataclass
class Placement:
    """Packets of one track -> float32 pieces (channels, n), of which the n-th sample is heard at n / `rate` seconds."""

    rate: int
    layout: str  # "mono" or "stereo"
    start: float  # time stamp at which the clock reads 0
    written: int = 0  # samples so far, silence included
    _kind: tuple[Any, ...] = ()
    _resampler: AudioResampler | None = None

    def push(self, packet: Any) -> Iterator[Audio]:
        """The samples of a packet; one that is damaged gives none, and its time stays silent."""
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            return
        for frame in frames:
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if self._resampler is None or kind != self._kind:
                yield from self.flush()
                self._resampler, self._kind = AudioResampler("fltp", self.layout, self.rate), kind
            if frame.time is None:
                yield from self._write(frame, 0)
                continue
            due = round((frame.time - self.start) * self.rate)
            late = due - self.written
            if abs(late) <= MAX_DRIFT * self.rate and self.written:
                late = 0
            if late > MAX_GAP * self.rate:
                continue
            yield from self._rest(max(0, late))
            yield from self._write(frame, max(0, -late))

    def flush(self) -> Iterator[Audio]:
        """What the resampler holds back."""
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                yield self._count(piece, 0)
            self._resampler = None

    def _rest(self, samples: int) -> Iterator[Audio]:
        if samples:
            yield from self.flush()
            self._resampler = AudioResampler("fltp", self.layout, self.rate)
        while samples > 0:
            piece = np.zeros((2 if self.layout == "stereo" else 1, min(samples, SILENCE_PIECE)), np.float32)
            self.written += piece.shape[1]
            samples -= piece.shape[1]
            yield piece

    def _write(self, frame: AudioFrame, skip: int) -> Iterator[Audio]:
        assert self._resampler is not None
        for piece in self._resampler.resample(frame):
            samples = self._count(piece, skip)
            skip = max(0, skip - piece.samples)
            if samples.size:
                yield samples

    def _count(self, piece: AudioFrame, skip: int) -> Audio:
        samples = np.nan_to_num(piece.to_ndarray()[:, skip:]).astype(np.float32)
        self.written += samples.shape[1]
        return samples


def extract_audio(path: Path, out: Path, sound: int, most_seconds: float) -> dict[str, Any]:
    """Track number `sound` as raw float32 mono 16 kHz, placed so that sample n is at n / 16000 s of the player."""
    file = out / "audio.f32"
    with open_media(path) as container, file.open("wb") as sink:
        stream = sound_stream(container, sound)
        placement = Placement(SAMPLE_RATE, "mono", clock_start(container))
        for packet in packets_until_damage(container, stream):
            for samples in placement.push(packet):
                sink.write(samples.tobytes())
            if placement.written > most_seconds * SAMPLE_RATE:
                break
        for samples in placement.flush():
            sink.write(samples.tobytes())
    return {"path": str(file)}


def is_silent(path: Path, sound: int) -> bool:
    """Whether nothing is heard in the first minute of a track."""
    with open_media(path) as container:
        placement = Placement(SAMPLE_RATE, "mono", clock_start(container))
        for packet in packets_until_damage(container, sound_stream(container, sound)):
            if any(float(np.abs(samples).max(initial=0)) > SILENT for samples in placement.push(packet)):
                return False
            if placement.written > LISTEN_SECONDS * SAMPLE_RATE:
                return True
    return True
