"""Renditions that browsers play: a picture that they know is taken over as it is, the rest is encoded."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import VideoFrame

from indexer.adapters.pyav.container import (
    clock_start,
    open_media,
    packets_until_damage,
    picture_stream,
    sound_stream,
)
from indexer.adapters.pyav.filters import Deinterlacer
from indexer.adapters.pyav.sound import Placement
from indexer.adapters.pyav.view import View, open_view
from indexer.types import Audio

PROXY_LINES = 720
TICKS = 90_000  # a second, of the picture's time stamps
SOUND_RATE = 48_000
LEAST_RATE, MOST_RATE = 1.0, 60.0  # pictures a second


class Damaged(Exception):
    """The picture can't be taken over as it is: a browser would stop where FFmpeg goes on."""


def render_proxy(path: Path, out: Path, sound: int, copied: str, progress: Callable[[float], None]) -> dict[str, Any]:
    """An MP4 (H.264 yuv420p of at most `PROXY_LINES` lines, AAC, its index at the front), or, where `copied` names a
    container, the picture as it is in that one. `sound`: the track's number, -1 for none.
    """
    try:
        return {"path": str(write(path, out, sound, copied, progress))}
    except Damaged:
        (out / f"proxy.{copied}").unlink(missing_ok=True)  # a muxer writes nothing before its first packet
        return {"path": str(write(path, out, sound, "", progress))}


def write(path: Path, out: Path, sound: int, copied: str, progress: Callable[[float], None]) -> Path:
    kind = copied or "mp4"
    file = out / f"proxy.{kind}"
    options = {"movflags": "faststart"} if kind == "mp4" else {"cues_to_front": "1"}
    with (
        contextlib.ExitStack() as views,
        open_media(path) as source,
        av.open(str(file), "w", format=kind, options=options) as sink,
    ):
        picture, heard, start = picture_stream(source), sound_stream(source, sound), clock_start(source)
        duration, reached = max(float(source.duration or 0) / 1e6, 0.1), 0.0
        writers: dict[int, CopiedPicture | EncodedPicture | EncodedSound] = {}
        if picture is not None:
            picture.thread_type, picture.codec_context.thread_count = "AUTO", 2
        if picture is not None and copied:
            writers[picture.index] = CopiedPicture(sink, picture, start)
        elif picture is not None:
            writers[picture.index] = EncodedPicture(sink, picture, start, views.enter_context(open_view(path, out)))
        if heard is not None:
            writers[heard.index] = EncodedSound(sink, kind, start)
        for packet in packets_until_damage(source, *[s for s in (picture, heard) if s is not None]):
            for made in writers[packet.stream.index].push(packet):
                sink.mux(made)
            if packet.dts is not None and packet.time_base:
                reached = max(reached, (float(packet.dts * packet.time_base) - start) / duration)
                progress(reached)
        for writer in writers.values():
            for made in writer.flush():
                sink.mux(made)
    return file


class CopiedPicture:
    """Packets as they are, on the clock that starts at 0; each is decoded, too, to be sure that it can be."""

    def __init__(self, sink: OutputContainer, stream: Any, start: float) -> None:
        self._stream = sink.add_stream_from_template(stream, opaque=True)  # no encoder of that codec is needed
        self._start, self._last = start, -(1 << 62)
        self._rate = float(stream.average_rate or 25)
        self._untimed: list[Any] = []  # the first packets of Matroska, which keeps no decoding times

    def push(self, packet: Any) -> Iterator[Any]:
        try:
            if any(frame.is_corrupt for frame in packet.decode()):
                raise Damaged
        except (av.FFmpegError, ValueError):
            raise Damaged from None
        if packet.size == 0:
            return
        if packet.dts is None:
            self._untimed.append(packet)
            return
        step = packet.duration or max(1, round(1 / (self._rate * packet.time_base)))
        for number, early in enumerate(self._untimed):
            early.dts = packet.dts - step * (len(self._untimed) - number)
            yield self._place(early)
        self._untimed.clear()
        yield self._place(packet)

    def flush(self) -> Iterator[Any]:
        for packet in self._untimed:
            packet.dts = packet.pts if packet.pts is not None else self._last + 1
            yield self._place(packet)

    def _place(self, packet: Any) -> Any:
        """On the clock that starts at 0, in the order in which a muxer takes packets."""
        offset = round(self._start / packet.time_base)
        packet.dts = self._last = max(packet.dts - offset, self._last + 1)
        packet.pts = max(packet.pts - offset, packet.dts) if packet.pts is not None else packet.dts
        packet.stream = self._stream
        return packet


class EncodedPicture:
    """H.264, upright and square."""

    def __init__(
        self,
        sink: OutputContainer,
        picture: Any,
        start: float,
        view: View,
        lines: int = PROXY_LINES,
        options: Mapping[str, str] = {},
    ) -> None:
        self.start, self._view, self._last, self._fields = start, view, -1, Deinterlacer()
        rate = min(max(float(picture.average_rate or 25), LEAST_RATE), MOST_RATE)
        self._stream: Any = sink.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "veryfast", "crf": "25", "threads": "2", **options}
        context = self._stream.codec_context
        context.time_base = Fraction(1, TICKS)
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709, and said so
        width, height = view.size(picture.width, picture.height)
        scale = min(1.0, lines / min(width, height))
        self._stream.width, self._stream.height = even(width * scale), even(height * scale)

    def push(self, packet: Any) -> Iterator[Any]:
        for whole in self._fields.decode(packet):
            yield from self.encode(whole)

    def flush(self) -> Iterator[Any]:
        for whole in self._fields.flush():
            yield from self.encode(whole)
        yield from self.finish()

    def encode(self, frame: VideoFrame, is_key: bool = False) -> list[Any]:
        """Packets of a whole frame; elsewhere than at key frames the encoder chooses its own."""
        drawn = self._view.draw(frame, self._stream.width, self._stream.height, "yuv420p")
        drawn.time_base, drawn.pict_type = Fraction(1, TICKS), int(is_key)
        drawn.pts = self._last = max(self._last + 1, round((float(frame.time or 0) - self.start) * TICKS))
        return list(self._stream.encode(drawn))

    def finish(self) -> list[Any]:
        """What the encoder still holds."""
        return list(self._stream.encode(None))

    def describe(self) -> dict[str, Any]:
        """Size in pixels, and the codec as RFC 6381 names it: profile and level stand in its header."""
        profile = bytes(self._stream.codec_context.extradata or b"")
        at = profile.find(b"\x67") + 1 if profile[:1] != b"\x01" else 1
        return {
            "width": self._stream.width,
            "height": self._stream.height,
            "codec": f"avc1.{profile[at : at + 3].hex()}",
        }


class EncodedSound:
    """AAC in an MP4, Opus in a WebM; stereo, placed by its time stamps."""

    def __init__(self, sink: OutputContainer, kind: str, start: float) -> None:
        codec = "aac" if kind == "mp4" else "libopus"
        self._stream: Any = sink.add_stream(codec, rate=SOUND_RATE, layout="stereo")
        self._placement = Placement(SOUND_RATE, "stereo", start)
        self._format = "fltp" if kind == "mp4" else "flt"

    def push(self, packet: Any) -> Iterator[Any]:
        for samples in self._placement.push(packet):
            yield from self._encode(samples)

    def flush(self) -> Iterator[Any]:
        for samples in self._placement.flush():
            yield from self._encode(samples)
        yield from self._stream.encode(None)

    def _encode(self, samples: Audio) -> list[Any]:
        laid = samples if self._format == "fltp" else samples.T.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(laid), format=self._format, layout="stereo")
        frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
        frame.pts = self._placement.written - samples.shape[1]  # it has counted these samples already
        return list(self._stream.encode(frame))


def even(length: float) -> int:
    """H.264 takes even sides only."""
    return max(2, round(length / 2) * 2)
