"""Opening media with PyAV (FFmpeg) under allow-lists: which streams count, their clock, frames. Boxed child only."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av import FFmpegError as FFmpegError  # for the box, which imports no PyAV itself
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image as Pillow

from indexer import media
from indexer.adapters.pyav.filters import Deinterlacer
from indexer.adapters.pyav.webp import unroll
from indexer.errors import UnreadableMedia
from indexer.types import Image

STILLS = Disposition.attached_pic | Disposition.timed_thumbnails
UNKNOWN = "?"  # name of a codec that FFmpeg has no decoder for
MAX_RESTARTS = 1000  # of reading behind damage

# PyAV's own callback wants the interpreter's lock in FFmpeg's threads: whoever closes a file meanwhile waits forever.
av.logging.restore_default_callback()
av.logging.set_libav_level(av.logging.PANIC)
warnings.simplefilter("ignore")


def open_media(path: Path, demuxers: str = media.DEMUXERS, decoders: str = media.DECODERS) -> InputContainer:
    """Open by path with demuxer and protocol allow-lists; raise `UnreadableMedia` when FFmpeg refuses."""
    if path.stat().st_size == 0:
        raise UnreadableMedia("The file is empty (0 bytes). Check the original and upload it again.")
    source = io.BytesIO(unroll(path)) if demuxers == media.DEMUXERS and media.is_webp(path) else str(path)
    try:
        container: InputContainer = av.open(
            source,
            options={
                "protocol_whitelist": "file",
                "format_whitelist": demuxers,
                "codec_whitelist": decoders,
                "max_streams": str(media.MAX_ENTRIES),
                "probesize": "20000000",
                "analyzeduration": "10000000",
            },
            metadata_errors="ignore",
        )
        return container
    except (av.FFmpegError, ValueError, OSError) as error:
        raise UnreadableMedia(
            "This is not a video or audio file that can be opened (%(why)s). Supported: MP4, MOV, MKV, WebM, AVI, "
            "MPEG, WMV, MXF and many more. If it plays elsewhere, the copy may be incomplete.",
            why=getattr(error, "strerror", None) or error,
        ) from error


def clock_start(container: InputContainer) -> float:
    """Time stamp, seconds, at which the clock of player, words, pictures and citations reads 0."""
    return float(container.start_time or 0) / 1e6


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The film: what the file names as its default, else the largest; never cover art. One that no decoder is known for
    has no size, and is the last choice.
    """

    def rank(stream: VideoStream) -> tuple[bool, bool, int]:
        codec = codec_name(stream)
        area = stream.width * stream.height if codec != UNKNOWN else 0
        return codec in media.VIDEO_CODECS, bool(stream.disposition & Disposition.default), area

    return max((s for s in container.streams.video if not s.disposition & STILLS), key=rank, default=None)


def may_decode(stream: Any) -> bool:
    return codec_name(stream) in media.AUDIO_CODECS


def sound_stream(container: InputContainer, index: int) -> Any:
    """The sound track of that number in the file; for -1, as of videos that were probed before tracks were told apart,
    the first that can be decoded; else None.
    """
    return next((s for s in container.streams.audio if s.index == index or (index < 0 and may_decode(s))), None)


def codec_name(stream: Any) -> str:
    """The codec's own name, not that of the decoder that happens to be built in ("av1", not "libdav1d")."""
    codec = getattr(stream.codec_context, "codec", None)
    return str(codec.canonical_name) if codec is not None else UNKNOWN


def check_picture_codec(name: str) -> None:
    if name not in media.VIDEO_CODECS:
        raise UnreadableMedia("The picture codec “%(name)s” is not accepted. Convert it to H.264 or VP9.", name=name)


@dataclass
class Decoder:
    """Frames of the picture stream with times from 0, surviving damaged packets."""

    container: InputContainer
    skip: Literal["NONKEY", "NONREF", "DEFAULT"]
    errors: int = 0

    def __iter__(self) -> Iterator[tuple[float, VideoFrame]]:
        stream = picture_stream(self.container)
        if stream is None:
            return
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        stream.codec_context.skip_frame = self.skip
        stream.codec_context.options = {"max_pixels": str(media.MAX_PIXELS)}  # a stream may grow after its header
        origin = clock_start(self.container)
        fields = Deinterlacer()
        for packet in packets_until_damage(self.container, stream):
            if self.skip == "NONKEY" and not packet.is_keyframe and packet.size:
                continue
            try:
                for frame in packet.decode():
                    self.errors += frame.is_corrupt
                    for whole in fields.push(frame):
                        if whole.time is not None:
                            yield max(0.0, whole.time - origin), whole
            except (av.FFmpegError, ValueError):
                self.errors += 1
        for whole in fields.flush():
            yield max(0.0, float(whole.time or 0) - origin), whole


def to_thumb(frame: VideoFrame, width: int, height: int) -> Image:
    """RGB uint8 (height, width, 3) of the raw frame, for comparing it with its neighbours: cheap."""
    return np.asarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), np.uint8)


def save_picture(picture: Image, path: Path) -> None:
    Pillow.fromarray(picture).save(path, quality=85)


def packets_until_damage(container: InputContainer, *streams: Any) -> Iterator[Any]:
    """Packets in order, on behind damage as far as FFmpeg finds its way; a damaged tail ends them."""
    for _ in range(MAX_RESTARTS):
        try:
            yield from container.demux(*streams)
        except av.FFmpegError:
            return
        except IndexError:  # damage made the demuxer announce a stream in the middle, which PyAV does not know
            continue
        return
