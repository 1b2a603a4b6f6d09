"""Sound as samples for the transcriber, and renditions that browsers play."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from indexer import media
from indexer.adapters.pyav.container import (
    codec_name,
    first_rotation,
    open_media,
    packets_until_damage,
    picture_stream,
    to_picture,
)
from indexer.errors import UnreadableMedia
from indexer.types import SAMPLE_RATE

MAX_AUDIO_SECONDS = 12 * 3600
PROXY_LINES = 720


def extract_audio(path: Path, out: Path) -> dict[str, Any]:
    """First audio track as raw float32 mono 16 kHz, placed so that sample n is at n / 16000 s of the player."""
    file, written = out / "audio.f32", 0
    with open_media(path) as container, file.open("wb") as sink:
        stream = container.streams.audio[0]
        if codec_name(stream) not in media.AUDIO_CODECS:
            raise UnreadableMedia("The sound codec is not accepted. Convert it to AAC or MP3.")
        origin = float(container.start_time or 0) / 1e6
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        for packet in packets_until_damage(container, stream):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                continue
            for frame in frames:
                if frame.time is not None and written == 0:
                    lead = min(max(0.0, frame.time - origin), 3600.0)
                    sink.write(np.zeros(round(lead * SAMPLE_RATE), np.float32).tobytes())
                    written += round(lead * SAMPLE_RATE)
                for piece in resampler.resample(frame):
                    samples = piece.to_ndarray().reshape(-1)
                    sink.write(samples.astype(np.float32).tobytes())
                    written += len(samples)
            if written > MAX_AUDIO_SECONDS * SAMPLE_RATE:
                break
    return {"path": str(file)}


def render_proxy(path: Path, out: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """H.264 yuv420p + AAC in a fast-start MP4, upright, at most `PROXY_LINES` lines."""
    file = out / "proxy.mp4"
    with open_media(path) as source, av.open(str(file), "w", format="mp4", options={"movflags": "faststart"}) as sink:
        duration = max(float(source.duration or 0) / 1e6, 0.1)
        picture, sound = picture_stream(source), next(iter(source.streams.audio), None)
        video = _video_sink(sink, picture, first_rotation(path)) if picture is not None else None
        audio = sink.add_stream("aac", rate=48_000, layout="stereo") if sound is not None else None
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000)
        origin = float(source.start_time or 0) / 1e6
        last, heard = -1, -1  # latest time stamps written: 90 kHz ticks of picture, samples of sound
        for packet in packets_until_damage(source, *[s for s in (picture, sound) if s is not None]):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame) and video is not None:
                    turned = _fit(frame, video)
                    turned.time_base = Fraction(1, 90_000)
                    turned.pts = max(last + 1, round((float(frame.time or 0) - origin) * 90_000))
                    last = turned.pts
                    sink.mux(video.encode(turned))
                elif audio is not None and not isinstance(frame, VideoFrame):
                    if heard < 0:
                        heard = max(0, round((float(frame.time or 0) - origin) * 48_000))
                    for piece in resampler.resample(frame):
                        piece.time_base, piece.pts = Fraction(1, 48_000), heard
                        heard += piece.samples
                        sink.mux(audio.encode(piece))
            progress(max(last / 90_000, heard / 48_000) / duration)
        for stream in (video, audio):
            if stream is not None:
                sink.mux(stream.encode(None))
    return {"path": str(file)}


def _video_sink(sink: Any, picture: VideoStream, rotation: int) -> Any:
    rate = min(max(float(picture.average_rate or 25), 1.0), 60.0)
    stream = sink.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, 90_000)
    stream.options = {"preset": "veryfast", "crf": "25", "threads": "2"}
    width, height = (picture.height, picture.width) if rotation % 180 else (picture.width, picture.height)
    scale = min(1.0, PROXY_LINES / min(width, height))
    stream.width, stream.height = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    return stream


def _fit(frame: VideoFrame, stream: Any) -> VideoFrame:
    """Turn upright and scale to the stream's size."""
    picture = to_picture(frame, 4096)
    return VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        width=stream.width, height=stream.height, format="yuv420p"
    )
