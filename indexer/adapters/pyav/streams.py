"""The same film in several qualities, cut at the same places, for players that choose as they go (HLS, RFC 8216)."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from indexer.adapters.pyav.container import clock_start, open_media, packets_until_damage, picture_stream, sound_stream
from indexer.adapters.pyav.filters import Deinterlacer
from indexer.adapters.pyav.rendition import EncodedPicture, EncodedSound
from indexer.adapters.pyav.view import View, open_view
from indexer.errors import UnreadableMedia

LINES = (1080, 720, 360)
NEARLY = 0.8  # of the next: two qualities nearer than this are one
CUT_SECONDS = 4.0  # between two places at which a player may change
# Key frames where we say, and so in all qualities alike; no B-frames, which would delay the picture against the sound.
OUR_CUTS = {"forced-idr": "1", "sc_threshold": "0", "bf": "0"}
AAC = "mp4a.40.2"  # AAC-LC, RFC 6381


@dataclass
class Track:
    """One quality, or one sound, in a file of its own."""

    name: str
    sink: OutputContainer
    writer: Any

    def mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            self.sink.mux(packet)


class Ladder:
    """All qualities of the picture: decoded once, key frames at the same times."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks, self._fields, self._next_cut = tracks, Deinterlacer(), 0.0

    def push(self, packet: Any) -> None:
        for whole in self._fields.decode(packet):
            self._encode(whole)

    def flush(self) -> None:
        for whole in self._fields.flush():
            self._encode(whole)
        for track in self._tracks:
            track.mux(track.writer.finish())

    def _encode(self, frame: Any) -> None:
        is_cut = float(frame.time or 0) - self._tracks[0].writer.start >= self._next_cut
        if is_cut:
            self._next_cut += CUT_SECONDS
        for track in self._tracks:
            track.mux(track.writer.encode(frame, is_cut))


def render_streams(path: Path, out: Path, sounds: list[int], progress: Callable[[float], None]) -> dict[str, Any]:
    """`picture-LINES.mp4` for each quality and `sound-NUMBER.mp4` for each sound track under `out`, and where each may
    be cut: under `pictures` and `sounds` name, codec, size, bits a second, `init` and `segments` as (seconds, first
    byte, bytes).
    """
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_media(path))
        view = stack.enter_context(open_view(path, out))
        picture, start = picture_stream(source), clock_start(source)
        assert picture is not None
        picture.thread_type, picture.codec_context.thread_count = "AUTO", 2
        qualities = []
        for lines in choose_lines(view, picture):
            sink = stack.enter_context(open_sink(out, f"picture-{lines}"))
            qualities.append(
                Track(f"picture-{lines}", sink, EncodedPicture(sink, picture, start, view, lines, OUR_CUTS))
            )
        heard = {}
        for number in sounds:
            sink = stack.enter_context(open_sink(out, f"sound-{number}"))
            heard[number] = Track(f"sound-{number}", sink, EncodedSound(sink, "mp4", start))
        ladder, duration = Ladder(qualities), max(float(source.duration or 0) / 1e6, 0.1)
        for packet in packets_until_damage(source, picture, *[sound_stream(source, n) for n in heard]):
            if packet.stream.index == picture.index:
                ladder.push(packet)
            else:
                heard[packet.stream.index].mux(list(heard[packet.stream.index].writer.push(packet)))
            if packet.dts is not None and packet.time_base:
                progress((float(packet.dts * packet.time_base) - start) / duration)
        ladder.flush()
        for track in heard.values():
            track.mux(list(track.writer.flush()))
        pictures = [{"name": q.name, **q.writer.describe()} for q in qualities]
    if not all((out / f"{picture['name']}.m3u8").exists() for picture in pictures):
        raise UnreadableMedia("No picture of this file could be decoded. It is damaged: convert it to MP4 (H.264).")
    sounds_heard = [track for track in heard.items() if (out / f"{track[1].name}.m3u8").exists()]
    return {
        "pictures": [p | read_list(out, p["name"]) for p in pictures],
        "sounds": [{"name": t.name, "track": n, "codec": AAC} | read_list(out, t.name) for n, t in sounds_heard],
    }


def choose_lines(view: View, picture: Any) -> list[int]:
    """The best that the picture has, and what is clearly less."""
    best = min(*view.size(picture.width, picture.height), LINES[0])
    return [best, *(lines for lines in LINES if lines < NEARLY * best)]


def open_sink(out: Path, name: str) -> OutputContainer:
    """FFmpeg's HLS muxer: one file of fragments, and a list of where they are."""
    options = {"hls_time": str(0.9 * CUT_SECONDS), "hls_playlist_type": "vod", "hls_segment_type": "fmp4"}
    options |= {"hls_flags": "single_file", "hls_segment_filename": str(out / f"{name}.mp4")}
    sink: OutputContainer = av.open(str(out / f"{name}.m3u8"), "w", format="hls", options=options)
    return sink


def read_list(out: Path, name: str) -> dict[str, Any]:
    """What the muxer wrote down, which is then removed."""
    init, segments, seconds, place = [0, 0], [], 0.0, (0, 0)
    file = out / f"{name}.m3u8"
    for line in file.read_text().splitlines():
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MAP":
            init = list(reversed([int(n) for n in value.split('BYTERANGE="')[1].rstrip('"').split("@")]))
        elif tag == "#EXTINF":
            seconds = float(value.rstrip(","))
        elif tag == "#EXT-X-BYTERANGE":
            length, offset = value.split("@")
            place = int(offset), int(length)
        elif line and not line.startswith("#"):
            segments.append([round(seconds, 3), *place])
    file.unlink()
    peak = max((8 * length / max(seconds, 0.1) for seconds, _, length in segments), default=0)
    return {"bits": round(peak), "init": init, "segments": segments}
