"""Opening media with PyAV (FFmpeg) under allow-lists, and getting upright pictures out of it. Boxed child only."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image as Pillow

from indexer import media
from indexer.errors import UnreadableMedia
from indexer.types import Image

av.logging.set_level(av.logging.PANIC)
warnings.simplefilter("ignore")


def open_media(path: Path, demuxers: str = media.DEMUXERS, decoders: str = media.DECODERS) -> InputContainer:
    """Open by path with demuxer and protocol allow-lists; raise `UnreadableMedia` when FFmpeg refuses."""
    if path.stat().st_size == 0:
        raise UnreadableMedia("The file is empty (0 bytes). Check the original and upload it again.")
    try:
        container: InputContainer = av.open(
            str(path),
            options={
                "protocol_whitelist": "file",
                "format_whitelist": demuxers,
                "codec_whitelist": decoders,
                "max_streams": str(media.MAX_STREAMS + 1),
                "probesize": "20000000",
                "analyzeduration": "10000000",
            },
            metadata_errors="ignore",
        )
        return container
    except (av.FFmpegError, ValueError, OSError) as error:
        raise UnreadableMedia(
            "This is not a video or audio file that can be opened (%(why)s). Supported: MP4, MOV, "
            "MKV, WebM, AVI, MPEG-TS. If it plays elsewhere, the copy may be incomplete.",
            why=getattr(error, "strerror", None) or error,
        ) from error


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream that is no cover art."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def codec_name(stream: Any) -> str:
    """The codec's own name, not that of the decoder that happens to be built in ("av1", not "libdav1d")."""
    return str(stream.codec_context.codec.canonical_name)


def check_picture_codec(name: str) -> None:
    if name not in media.VIDEO_CODECS:
        raise UnreadableMedia("The picture codec “%(name)s” is not accepted. Convert it to H.264 or VP9.", name=name)


def first_rotation(path: Path) -> int:
    """Degrees counter-clockwise by which decoded frames must be turned, from the display matrix."""
    with open_media(path) as container:
        stream = picture_stream(container)
        assert stream is not None
        try:
            for frame in container.decode(stream):
                return round(getattr(frame, "rotation", 0)) % 360
        except av.FFmpegError:
            pass
    return 0


@dataclass
class Decoder:
    """Frames of the picture stream with times from 0, surviving damaged packets."""

    container: InputContainer
    skip: Literal["NONKEY", "NONREF"]
    errors: int = 0

    def __iter__(self) -> Iterator[tuple[float, VideoFrame]]:
        stream = picture_stream(self.container)
        if stream is None:
            return
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        stream.codec_context.skip_frame = self.skip
        stream.codec_context.options = {"max_pixels": str(media.MAX_PIXELS)}  # a stream may grow after its header
        origin = float(self.container.start_time or 0) / 1e6
        packets = self.container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self.errors += 1
                return
            if self.skip == "NONKEY" and not packet.is_keyframe and packet.size:
                continue
            try:
                for frame in packet.decode():
                    self.errors += frame.is_corrupt
                    if frame.time is not None:
                        yield max(0.0, frame.time - origin), frame
            except (av.FFmpegError, ValueError):
                self.errors += 1


def to_picture(frame: VideoFrame, side: int) -> Image:
    """The frame upright as RGB with its longer side at most `side` pixels."""
    scale = min(1.0, side / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    picture = to_rgb(frame, width, height)
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def to_rgb(frame: VideoFrame, width: int, height: int) -> Image:
    """Scaled by libswscale, which is several times faster than Pillow."""
    return np.asarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), np.uint8)


def save_picture(picture: Image, path: Path) -> None:
    Pillow.fromarray(picture).save(path, quality=85)


def packets_until_damage(container: InputContainer, *streams: Any) -> Iterator[Any]:
    """Packets in order; a damaged tail ends the iteration instead of raising."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError:
        return
