"""PyAV (FFmpeg): probe, decode, extract. Runs only inside the box (`indexer.boxed`)."""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image as Pillow

from indexer import media, shots
from indexer.errors import UnreadableMedia
from indexer.types import SAMPLE_RATE, Image, Keyframe, MediaInfo, to_record

av.logging.set_level(av.logging.PANIC)
warnings.simplefilter("ignore")

THUMB = (64, 36)  # pixels: what shot detection looks at
SAMPLE_SIDE = 960  # longer side of a saved keyframe: enough for screen text
SAMPLE_GAP = 1.0  # seconds: at most one candidate a second
SAMPLE_EVERY = 2.0  # seconds of shot per kept keyframe
SAME_PICTURE = 2.0  # grey levels: keyframes of one shot nearer than this are one
TILE = (160, 90)  # storyboard
MAX_TILES = 100
GLANCE_FRAMES = 40
MAX_AUDIO_SECONDS = 12 * 3600
PROXY_LINES = 720


def open_media(path: Path) -> InputContainer:
    """Open by path with demuxer and protocol allow-lists; raise `UnreadableMedia` when FFmpeg refuses."""
    if path.stat().st_size == 0:
        raise UnreadableMedia("The file is empty (0 bytes).", "Check the original and upload it again.")
    try:
        container: InputContainer = av.open(
            str(path),
            options={
                "protocol_whitelist": "file",
                "format_whitelist": media.DEMUXERS,
                "max_streams": str(media.MAX_STREAMS),
                "probesize": "20000000",
                "analyzeduration": "10000000",
            },
            metadata_errors="ignore",
        )
        return container
    except (av.FFmpegError, ValueError, OSError) as error:
        raise UnreadableMedia(
            f"This is not a video or audio file that can be opened ({getattr(error, 'strerror', None) or error}).",
            "Supported: MP4, MOV, MKV, WebM, AVI, MPEG-TS. If it plays elsewhere, the copy may be incomplete.",
        ) from error


def probe(path: Path) -> dict[str, Any]:
    """Container, codecs, size and rotation; duration from a scan of the packets, which also finds truncation."""
    with open_media(path) as container:
        video, audio = picture_stream(container), next(iter(container.streams.audio), None)
        if video is None and audio is None:
            raise UnreadableMedia("The file has neither a picture nor a sound track.", "Upload a video file.")
        if video is not None:
            check_codec(codec_name(video), media.VIDEO_CODECS, "picture")
            if not 0 < video.width * video.height <= media.MAX_PIXELS:
                raise UnreadableMedia(
                    f"The picture is {video.width} × {video.height}, outside what is accepted (8192 × 4320).",
                    "Scale it down and upload it again.",
                )
        if audio is not None and codec_name(audio) not in media.AUDIO_CODECS:
            audio = None
        if video is None and audio is None:
            raise UnreadableMedia("The sound codec is not accepted.", "Convert it to AAC or MP3.")
        claimed = float(container.duration or 0) / 1e6
        duration, picture_packets = scan_packets(container, video)
        if video is not None and picture_packets == 0:
            video = None
            if audio is None:
                raise UnreadableMedia("The file holds no picture data.", "The upload may be incomplete.")
        if duration <= 0:
            raise UnreadableMedia("The file holds no media data.", "The upload may be incomplete.")
        if duration > media.MAX_DURATION:
            raise UnreadableMedia(
                f"The file holds {duration / 3600:.1f} hours; at most 12 are accepted.", "Cut it into parts."
            )
        warning = ""
        if claimed > duration + max(1.0, 0.05 * claimed):
            warning = f"The file is incomplete: it promises {claimed:.0f} s and holds {duration:.1f} s."
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
        )
    return to_record(info)


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream that is no cover art."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def codec_name(stream: Any) -> str:
    """The codec's own name, not that of the decoder that happens to be built in ("av1", not "libdav1d")."""
    return str(stream.codec_context.codec.canonical_name)


def check_codec(name: str, allowed: frozenset[str], kind: str) -> None:
    if name not in allowed:
        raise UnreadableMedia(f"The {kind} codec '{name}' is not accepted.", "Convert it to H.264 or VP9.")


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
                raise UnreadableMedia("The file has too many packets.", "Convert it to MP4 (H.264).")
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


def glance(path: Path, out: Path) -> dict[str, Any]:
    """Key frames only, evenly thinned to at most `GLANCE_FRAMES`."""
    with open_media(path) as container:
        gap = float(container.duration or 0) / 1e6 / GLANCE_FRAMES
        kept: list[Keyframe] = []
        for time, frame in Decoder(container, "NONKEY"):
            if kept and (time - kept[-1].time < max(gap, SAMPLE_EVERY) or len(kept) >= GLANCE_FRAMES):
                continue
            file = out / f"g{round(time * 1000):09d}.jpg"
            save_picture(to_picture(frame, SAMPLE_SIDE), file)
            kept.append(Keyframe(time, str(file)))
    return {"keyframes": [to_record(k) for k in kept]}


@dataclass
class Pass:
    """What one decode pass collects."""

    times: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)
    candidates: list[tuple[float, Image, Path]] = field(default_factory=list)
    tiles: list[Image] = field(default_factory=list)


def look(path: Path, out: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """Decode once: differences for shots, at most one candidate a second (and one after each jump), tiles."""
    with open_media(path) as container:
        duration = max(float(container.duration or 0) / 1e6, 0.1)
        step = max(1.0, duration / MAX_TILES)
        decoder = Decoder(container, "NONREF")
        seen = walk(decoder, out, step, lambda time: progress(0.95 * time / duration))
    if not seen.times:
        raise UnreadableMedia("No picture of this file could be decoded.", "It is damaged: convert it to MP4 (H.264).")
    found = shots.split_shots(shots.find_cuts(seen.times, seen.differences), seen.times[-1] + 0.04)
    keyframes = choose_keyframes(seen, found)
    return {
        "shots": [to_record(shot) for shot in found],
        "keyframes": [to_record(k) for k in keyframes],
        "storyboard": save_storyboard(seen.tiles, out),
        "storyboard_step": step,
        "storyboard_tiles": len(seen.tiles),
        "decode_errors": decoder.errors,
    }


def walk(decoder: Decoder, out: Path, step: float, progress: Callable[[float], None]) -> Pass:
    seen, before = Pass(), None
    settle = -1  # frames until the picture after a jump has settled
    for time, frame in decoder:
        if seen.times and time <= seen.times[-1]:
            continue
        thumb = to_rgb(frame, *THUMB)
        difference = shots.measure_difference(before, thumb) if before is not None else 0.0
        seen.times.append(time)
        seen.differences.append(difference)
        settle = 2 if difference > shots.MIN_DIFFERENCE else settle - 1
        due = not seen.candidates or time - seen.candidates[-1][0] >= SAMPLE_GAP
        if due or settle == 0:
            file = out / f"k{round(time * 1000):09d}.jpg"
            save_picture(to_picture(frame, SAMPLE_SIDE), file)
            seen.candidates.append((time, thumb, file))
        if time >= len(seen.tiles) * step and len(seen.tiles) < MAX_TILES:
            seen.tiles.append(to_picture(frame, TILE[0]))
        before = thumb
        if len(seen.times) % 50 == 0:
            progress(time)
    return seen


def choose_keyframes(seen: Pass, found: list[Any]) -> list[Keyframe]:
    """One candidate per `SAMPLE_EVERY` seconds of each shot, near-equal ones dropped; files not chosen are removed."""
    kept: list[Keyframe] = []
    for shot in found:
        inside = [c for c in seen.candidates if shot.start <= c[0] < shot.end]
        parts = max(1, math.ceil(shot.length / SAMPLE_EVERY))
        centres = [shot.start + shot.length * (i + 0.5) / parts for i in range(parts)]
        chosen = {min(inside, key=lambda c: abs(c[0] - centre))[0] for centre in centres if inside}
        last: Image | None = None
        for time, thumb, file in inside:
            if time not in chosen:
                continue
            if last is not None and shots.measure_difference(last, thumb) < SAME_PICTURE:
                continue
            kept.append(Keyframe(time, str(file)))
            last = thumb
    names = {k.path for k in kept}
    for _, _, file in seen.candidates:
        if str(file) not in names:
            file.unlink(missing_ok=True)
    return kept


def save_storyboard(tiles: list[Image], out: Path) -> str:
    """Tiles in rows of ten on one JPEG."""
    if not tiles:
        return ""
    rows = math.ceil(len(tiles) / 10)
    sheet = Pillow.new("RGB", (TILE[0] * min(10, len(tiles)), TILE[1] * rows))
    for number, tile in enumerate(tiles):
        small = Pillow.fromarray(tile)
        small.thumbnail(TILE)
        x = number % 10 * TILE[0] + (TILE[0] - small.width) // 2
        sheet.paste(small, (x, number // 10 * TILE[1] + (TILE[1] - small.height) // 2))
    sheet.save(out / "storyboard.jpg", quality=75)
    return str(out / "storyboard.jpg")


def extract_audio(path: Path, out: Path) -> dict[str, Any]:
    """First audio track as raw float32 mono 16 kHz, placed so that sample n is at n / 16000 s of the player."""
    file, written = out / "audio.f32", 0
    with open_media(path) as container, file.open("wb") as sink:
        stream = container.streams.audio[0]
        check_codec(codec_name(stream), media.AUDIO_CODECS, "sound")
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


def packets_until_damage(container: InputContainer, *streams: Any) -> Iterator[Any]:
    """Packets in order; a damaged tail ends the iteration instead of raising."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError:
        return


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
