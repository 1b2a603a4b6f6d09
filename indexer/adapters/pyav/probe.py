"""What a file is, and whether it may be opened at all: codecs, sizes, and a scan of its packets."""

import math
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from indexer import media
from indexer.adapters.pyav.container import (
    check_picture_codec,
    clock_start,
    codec_name,
    may_decode,
    open_media,
    packets_until_damage,
    picture_stream,
)
from indexer.adapters.pyav.sound import is_silent
from indexer.adapters.pyav.view import find_view
from indexer.errors import UnreadableMedia, translatable
from indexer.types import MediaInfo, to_record

MAX_TAG = 2000  # characters
MAX_CHAPTERS = 500
TAGS = ("title", "artist", "album", "comment", "description", "synopsis", "creation_time", "date", "location")
APPLE = "com.apple.quicktime."  # before the names that its phones and cameras use
_SAME = {"creationdate": "creation_time", "location.iso6709": "location"}
# ISO 639-2 (both of its forms) of the languages that Whisper writes most, as ISO 639-1.
LANGUAGES = """
    eng=en ger=de deu=de fre=fr fra=fr spa=es ita=it por=pt dut=nl nld=nl rus=ru ukr=uk pol=pl cze=cs ces=cs slo=sk
    slk=sk hun=hu rum=ro ron=ro bul=bg gre=el ell=el tur=tr ara=ar heb=he per=fa fas=fa hin=hi ben=bn tam=ta tel=te
    urd=ur chi=zh zho=zh jpn=ja kor=ko tha=th vie=vi ind=id may=ms msa=ms swe=sv nor=no nob=nb dan=da fin=fi est=et
    lav=lv lit=lt hrv=hr srp=sr slv=sl cat=ca baq=eu eus=eu glg=gl ice=is isl=is lat=la
"""
_SHORT = dict(pair.split("=") for pair in LANGUAGES.split())


def probe(path: Path, language: str) -> dict[str, Any]:
    """Container, codecs, size and rotation; duration from a scan of the packets, which also finds truncation.

    `language` (ISO 639-1): the track preferred where several are as good.
    """
    with open_media(path) as container:
        video, tracks = choose_picture(container), list_sounds(container)
        duration, picture_packets = scan_packets(container, video)
        warning, warning_values = compare_with_promise(container, video, duration, picture_packets)
        if video is not None and picture_packets == 0:
            video = None
        if video is None and not any(track["readable"] for track in tracks):
            raise explain_nothing(tracks)
        check_extent(duration, picture_packets if video is not None else 0)
        first_tracks = video is None or video.index == container.streams.video[0].index
        known: dict[str, Any] = {
            "container": "webm" if path_is_webm(path) else container.format.name.split(",")[0],
            "start": clock_start(container),
            "seekable": claimed_seconds(container) > 0 and has_index(path, container.format.name),
            "tags": read_tags(container),
            "chapters": read_chapters(container, duration),
            "subtitles": list_subtitles(container),
        }
        if video is not None:
            known["fps"] = float(video.average_rate or 0)
            known["video_codec"], known["pixel_format"] = codec_name(video), video.codec_context.pix_fmt or ""
            known["width"], known["height"] = video.width, video.height
    if video is not None:
        view = find_view(path)
        known["width"], known["height"] = view.size(known["width"], known["height"])
        known |= {"rotation": 90 * view.turns, "pixel_aspect": view.pixel_aspect, "interlaced": view.interlaced}
    sound = choose_sound(path, tracks, language)
    unread = [track["codec"] for track in tracks if not track["readable"]]
    if unread and not warning:
        warning = translatable("One sound track can't be read (%(codec)s). Convert it to AAC and upload it again.")
        warning_values = {"codec": ", ".join(dict.fromkeys(unread))}
    info = MediaInfo(
        duration=duration,
        audio_codec=next((track["codec"] for track in tracks if track["index"] == sound), ""),
        sound=sound,
        sounds=tracks,
        first_tracks=first_tracks and sound == (tracks[0]["index"] if tracks else -1),
        warning=warning,
        warning_values=warning_values,
        **known,
    )
    return to_record(info)


def choose_picture(container: InputContainer) -> VideoStream | None:
    """The film, which may be None; raises `UnreadableMedia` for what may not be decoded."""
    counted = [s for s in container.streams if s.type in ("video", "audio", "subtitle")]
    if len(counted) > media.MAX_STREAMS:
        raise UnreadableMedia(
            "The file has more than %(count)s streams. Keep one picture and one sound track.",
            count=media.MAX_STREAMS,
        )
    video = picture_stream(container)
    if video is None and not container.streams.audio:
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
    return video


def describe_track(stream: Any) -> dict[str, Any]:
    """What a person needs to know to choose it."""
    return {
        "index": stream.index,
        "codec": codec_name(stream),
        "language": short_language(stream.language or ""),
        "title": clean(stream.metadata.get("title", "")),
        "default": bool(stream.disposition & Disposition.default),
    }


def list_sounds(container: InputContainer) -> list[dict[str, Any]]:
    """Every sound track of the file, in its order."""
    return [{**describe_track(stream), "readable": may_decode(stream)} for stream in container.streams.audio]


def choose_sound(path: Path, tracks: list[dict[str, Any]], language: str) -> int:
    """The file's default, then the site's language, then the first that is heard."""
    readable = [t for t in tracks if t["readable"]]
    ranked = sorted(readable, key=lambda t: (not t["default"], t["language"] != language))
    indexes = [int(t["index"]) for t in ranked] or [-1]
    return next((i for i in indexes if len(indexes) == 1 or not is_silent(path, i)), indexes[0])


def list_subtitles(container: InputContainer) -> list[dict[str, Any]]:
    """Subtitles made of words, in the file's order; "forced" ones, which translate signs only, stay out."""
    return [
        describe_track(stream)
        for stream in container.streams.subtitles
        if codec_name(stream) in media.SUBTITLE_CODECS and not stream.disposition & Disposition.forced
    ]


def read_tags(container: InputContainer) -> dict[str, Any]:
    """What the file says of itself, as far as a person would read it."""
    found = {name.lower(): clean(value) for name, value in container.metadata.items()}
    own = {name.removeprefix(APPLE): value for name, value in found.items() if name.startswith(APPLE)}
    found |= {_SAME.get(name, name): value for name, value in own.items()}  # with the zone, and as the person set them
    return {name: found[name] for name in TAGS if found.get(name)}


def read_chapters(container: InputContainer, duration: float) -> list[dict[str, Any]]:
    """As the file names them: start, end (seconds), title."""
    chapters = []
    for chapter in container.chapters()[:MAX_CHAPTERS]:
        unit = float(chapter["time_base"] or 0)
        start, end = max(0.0, chapter["start"] * unit), min(duration, chapter["end"] * unit)
        title = clean(chapter["metadata"].get("title", ""))
        if title and start < end:
            chapters.append({"start": start, "end": end, "title": title[:120]})
    return chapters


def clean(text: str) -> str:
    """One line without control characters, of a bounded length."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_TAG]


def short_language(code: str) -> str:
    """ISO 639-2 as files have it -> ISO 639-1 where there is one ("ger" -> "de"), "" for undetermined."""
    return "" if code in ("und", "zxx", "mul") else _SHORT.get(code, code[:8])


def explain_nothing(tracks: list[dict[str, Any]]) -> UnreadableMedia:
    if tracks:
        return UnreadableMedia("The sound codec is not accepted. Convert it to AAC or MP3.")
    return UnreadableMedia("The file holds no picture data. The upload may be incomplete.")


def check_extent(duration: float, pictures: int) -> None:
    if duration <= 0:
        raise UnreadableMedia("The file holds no media data. The upload may be incomplete.")
    if duration > media.MAX_DURATION:
        raise UnreadableMedia(
            "The file holds %(hours)s hours; at most 12 are accepted. Cut it into parts.",
            hours=f"{duration / 3600:.1f}",
        )
    if pictures > media.MAX_FRAME_RATE * duration + media.MAX_FRAME_RATE:
        raise UnreadableMedia(
            "The file has too many pictures: %(count)s in %(seconds)s s. Convert it to 30 a second.",
            count=pictures,
            seconds=f"{duration:.0f}",
        )


def claimed_seconds(container: InputContainer) -> float:
    """How long the file says it is, 0 where it does not; in Matroska it says when it ends."""
    claimed = float(container.duration or 0) / 1e6
    return claimed - max(0.0, clock_start(container)) if "matroska" in container.format.name else claimed


def compare_with_promise(
    container: InputContainer, video: VideoStream | None, duration: float, pictures: int
) -> tuple[str, dict[str, Any]]:
    """What to tell (a template and its values) when the file holds less than its header promises, in pictures where the
    header counts them.
    """
    claimed, promised = claimed_seconds(container), video.frames if video is not None and pictures else 0
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


def has_index(path: Path, container: str) -> bool:
    """Whether a player finds any second without reading everything: Matroska names its Cues in the SeekHead at the
    front (RFC 9559, section 5.1.1); ADTS and AC-3 have nothing of the kind.
    """
    if "matroska" not in container:
        return container not in ("aac", "ac3", "eac3")
    with path.open("rb") as file:
        return b"\x53\xab\x84\x1c\x53\xbb\x6b" in file.read(1 << 16)  # SeekID of 4 bytes: Cues


def scan_packets(container: InputContainer, video: VideoStream | None) -> tuple[float, int]:
    """Seconds from the clock's start to the end of the last packet (decoding nothing), and how many carry pictures."""
    first, last, picture_packets = math.inf, -math.inf, 0
    for number, packet in enumerate(
        packets_until_damage(container, *container.streams.video, *container.streams.audio)
    ):
        if number > media.MAX_PACKETS:
            raise UnreadableMedia("The file has too many packets. Convert it to MP4 (H.264).")
        if packet.size == 0 or (packet.pts is None and packet.dts is None):
            continue
        if packet.stream.disposition & Disposition.attached_pic:
            continue
        stamp = packet.pts if packet.pts is not None else packet.dts
        time = float((stamp or 0) * packet.time_base)
        first = min(first, time)
        last = max(last, time + float((packet.duration or 0) * packet.time_base))
        picture_packets += video is not None and packet.stream.index == video.index
    start = clock_start(container) if container.start_time is not None else first
    return (max(0.0, last - start) if first < math.inf else 0.0), picture_packets
