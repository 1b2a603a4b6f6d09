"""What a file is, and whether it may be opened at all: codecs, sizes, and a scan of its packets."""

import math
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from indexer import media
from indexer.adapters.pyav.container import check_picture_codec, codec_name, first_rotation, open_media, picture_stream
from indexer.errors import UnreadableMedia, translatable
from indexer.types import MediaInfo, to_record


def probe(path: Path) -> dict[str, Any]:
    """Container, codecs, size and rotation; duration from a scan of the packets, which also finds truncation."""
    with open_media(path) as container:
        video, audio = choose_tracks(container)
        claimed = float(container.duration or 0) / 1e6
        duration, picture_packets = scan_packets(container, video)
        if video is not None and picture_packets == 0:
            video = None
            if audio is None:
                raise UnreadableMedia("The file holds no picture data. The upload may be incomplete.")
        if duration <= 0:
            raise UnreadableMedia("The file holds no media data. The upload may be incomplete.")
        if duration > media.MAX_DURATION:
            raise UnreadableMedia(
                "The file holds %(hours)s hours; at most 12 are accepted. Cut it into parts.",
                hours=f"{duration / 3600:.1f}",
            )
        if video is not None and picture_packets > media.MAX_FRAME_RATE * duration + media.MAX_FRAME_RATE:
            raise UnreadableMedia(
                "The file has too many pictures: %(count)s in %(seconds)s s. Convert it to 30 a second.",
                count=picture_packets,
                seconds=f"{duration:.0f}",
            )
        promised = video.frames if video is not None else 0
        warning, warning_values = compare_with_promise(duration, claimed, picture_packets, promised)
        rotation = first_rotation(path) if video is not None else 0
        width, height = (video.width, video.height) if video is not None else (0, 0)
        if rotation % 180:
            width, height = height, width
        info = MediaInfo(
            container="webm" if path_is_webm(path) else container.format.name.split(",")[0],
            duration=duration,
            width=width,
            height=height,
            fps=float(video.average_rate or 0) if video is not None else 0.0,
            rotation=rotation,
            video_codec=codec_name(video) if video is not None else "",
            audio_codec=codec_name(audio) if audio is not None else "",
            pixel_format=(video.codec_context.pix_fmt or "") if video is not None else "",
            warning=warning,
            warning_values=warning_values,
        )
    return to_record(info)


def choose_tracks(container: InputContainer) -> tuple[VideoStream | None, Any]:
    """The picture and the sound to use, either may be None; raises `UnreadableMedia` for what may not be decoded."""
    if len(container.streams) > media.MAX_STREAMS:
        raise UnreadableMedia(
            "The file has more than %(count)s streams. Keep one picture and one sound track.",
            count=media.MAX_STREAMS,
        )
    video, audio = picture_stream(container), next(iter(container.streams.audio), None)
    if video is None and audio is None:
        raise UnreadableMedia("The file has neither a picture nor a sound track. Upload a video file.")
    if video is not None:
        check_picture_codec(codec_name(video))
        if not 0 < video.width * video.height <= media.MAX_PIXELS:
            raise UnreadableMedia(
                "The picture is %(width)s × %(height)s, outside what is accepted (8192 × 4320). Scale it "
                "down and upload it again.",
                width=video.width,
                height=video.height,
            )
    if audio is not None and codec_name(audio) not in media.AUDIO_CODECS:
        audio = None
    if video is None and audio is None:
        raise UnreadableMedia("The sound codec is not accepted. Convert it to AAC or MP3.")
    return video, audio


def compare_with_promise(duration: float, claimed: float, pictures: int, promised: int) -> tuple[str, dict[str, Any]]:
    """What to tell (a template and its values) when the file holds less than its header promises, in pictures where the
    header counts them.
    """
    if promised and pictures < 0.98 * promised and pictures < promised - 1:
        text = translatable("The file is incomplete: it holds %(pictures)s of %(promised)s pictures (%(seconds)s s).")
        return text, {"pictures": pictures, "promised": promised, "seconds": f"{duration:.1f}"}
    if claimed > duration + max(1.0, 0.05 * claimed):
        text = translatable("The file is incomplete: it promises %(claimed)s s and holds %(seconds)s s.")
        return text, {"claimed": f"{claimed:.0f}", "seconds": f"{duration:.1f}"}
    return "", {}


def path_is_webm(path: Path) -> bool:
    """Matroska and WebM share a demuxer; the EBML DocType tells them apart."""
    with path.open("rb") as file:
        return b"webm" in file.read(64)


def scan_packets(container: InputContainer, video: VideoStream | None) -> tuple[float, int]:
    """Seconds spanned by real packets (decoding nothing), and how many of them carry picture data."""
    first, last, picture_packets = math.inf, 0.0, 0
    try:
        for number, packet in enumerate(container.demux()):
            if number > media.MAX_PACKETS:
                raise UnreadableMedia("The file has too many packets. Convert it to MP4 (H.264).")
            if packet.size == 0 or (packet.pts is None and packet.dts is None):
                continue
            if packet.stream.type not in ("video", "audio"):
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            time = float((stamp or 0) * packet.time_base)
            first = min(first, time)
            last = max(last, time + float((packet.duration or 0) * packet.time_base))
            picture_packets += video is not None and packet.stream.index == video.index
    except av.FFmpegError:
        pass  # a damaged tail: what was read so far counts
    return (last - max(first, 0.0) if first < math.inf else 0.0), picture_packets
