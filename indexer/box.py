"""The decoder's box: what is asked of it, each operation in a child process, and its answers checked."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_origin

import numpy as np
import numpy.typing as npt
from PIL import Image

from indexer.child import run
from indexer.errors import BoxFailed
from indexer.look import cut_windows, join
from indexer.media import copied_container
from indexer.ports import Progress, narrow
from indexer.types import SAMPLE_RATE, Keyframe, Look, LookPart, MediaInfo, Span

PICTURE_BYTES = 4 << 20  # largest JPEG a child may hand over
PICTURE_SIDE = 4000  # pixels: keyframes have 960, storyboards 1600 × 900, pictures with small text 3840
PROXY_BYTES_PER_SECOND = 2 << 20  # 720 lines at the quality of `render_proxy` stay far below
MAX_FULLS = 2000  # pictures of a film at full size: some gigabytes until the text on them is read
MAX_END = 1e9  # seconds: JSON has no infinity
SLOWEST_READING = 5 << 20  # bytes a second: a network folder or a worn disk; what reads slower is taken for a hang

Frames = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]
_Record = TypeVar("_Record", MediaInfo, Keyframe)


def probe(path: Path, language: str = "en") -> MediaInfo:
    """Check container, codecs and packets of `path`; raise `UnreadableMedia` with the reason when it is refused.

    `language` (ISO 639-1) is preferred where several sound tracks are as good.
    """
    wall = 25.0 + path.stat().st_size / SLOWEST_READING
    with tempfile.TemporaryDirectory() as out:
        return _read(MediaInfo, run("probe", path, Path(out), wall, 1 << 20, language=language))


def glance(path: Path, out: Path) -> list[Keyframe]:
    """Decode key frames only into JPEG files under `out`: tens of times cheaper than `look`."""
    wall = 120.0 + path.stat().st_size / SLOWEST_READING
    return _keyframes(run("glance", path, out, wall, PICTURE_BYTES), out)


def read_picture(path: Path, out: Path) -> Path:
    """Decode one still picture (JPEG, PNG, WebP) into a JPEG under `out`; raise `UnreadableMedia` for anything else."""
    return Path(_check_picture(run("picture", path, out, 20.0, PICTURE_BYTES)["path"], out))


def read_cover(path: Path, out: Path) -> Path | None:
    """The cover picture that a file carries, as a JPEG under `out`; None without one."""
    name = run("cover", path, out, 20.0, PICTURE_BYTES)["path"]
    return Path(_check_picture(name, out)) if name else None


def look(path: Path, out: Path, info: MediaInfo, progress: Progress) -> Look:
    """The one decode pass: shots, samples (1 per 2 s of shot, 1 a second at most) and a storyboard under `out`."""
    return join(list(look_on(path, out, info, [], progress)), info.duration, out)


def look_on(path: Path, out: Path, info: MediaInfo, seen: Sequence[LookPart], progress: Progress) -> Iterator[LookPart]:
    """The same window by window, behind those that were `seen` already; each one's files are under `out`."""
    windows, fulls = cut_windows(info.duration), MAX_FULLS - sum(part.fulls for part in seen)
    for number in range(len(seen), len(windows)):
        part = look_at(path, out, info, windows[number], fulls, narrow(progress, number, len(windows)))
        fulls -= part.fulls
        yield part
        progress((number + 1) / len(windows))


def look_at(path: Path, out: Path, info: MediaInfo, window: Span, fulls: int, progress: Progress) -> LookPart:
    """The same of one window of `look.cut_windows`; at most `fulls` pictures are kept at full size."""
    wall = 120.0 + 4 * min(window.length, info.duration) + path.stat().st_size / SLOWEST_READING
    wanted = {"duration": info.duration, "start": window.start, "end": min(window.end, MAX_END), "fulls": fulls}
    found = run("look", path, out, wall, PICTURE_BYTES, progress, **wanted)
    try:
        cuts, end = [float(cut) for cut in found["cuts"]], float(found["end"])
        if not window.start <= end < min(window.end, MAX_END):
            raise ValueError(end)
        return LookPart(
            start=window.start,
            end=end,
            cuts=[cut for cut in cuts if window.start <= cut < window.end],
            keyframes=_keyframes(found, out),
            tiles=[_check_picture(tile, out) for tile in found["tiles"]],
            fulls=int(found["fulls"]),
            frames=int(found["frames"]),
            decode_errors=int(found["decode_errors"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BoxFailed(
            "The decoder's answer makes no sense (%(what)s). The file is probably damaged.", what="look"
        ) from None


def extract_audio(path: Path, out: Path, info: MediaInfo) -> Path:
    """Write the chosen sound track as raw float32 mono 16 kHz; return the file (read it with `np.fromfile`)."""
    seconds = info.duration + 60
    wall = 60.0 + info.duration + path.stat().st_size / SLOWEST_READING
    most = round((seconds + 60) * SAMPLE_RATE * 4)
    answer = run("audio", path, out, wall, most, sound=info.sound, most_seconds=seconds)
    return _check_file(answer["path"], out)


def read_excerpt(
    path: Path, out: Path, info: MediaInfo, span: Span, size: tuple[int, int], rate: int, sound_rate: int
) -> tuple[Frames, Samples]:
    """The pictures (n, h, w, 3) of a stretch, `rate` a second, mapped from a file under `out` and of `size` (width,
    height), black around what has another shape; and its sound (m,), mono int16. Either is empty where there is none.
    """
    frames = round(span.length * rate)
    wall = 60.0 + 20 * span.length + path.stat().st_size / SLOWEST_READING
    wanted: dict[str, Any] = {"span": (span.start, span.end), "size": size, "rate": rate}
    wanted |= {"sound": info.sound, "sound_rate": sound_rate}
    bytes_of = size[0] * size[1] * 3
    most = max(frames * bytes_of, round(span.length * sound_rate) * 2) + (1 << 20)
    answer = run("excerpt", path, out, wall, most, **wanted)
    pictures, sound = (_check_file(answer[name], out) for name in ("pictures", "sound"))
    count = min(frames, pictures.stat().st_size // bytes_of)
    shape = (count, size[1], size[0], 3)
    mapped = np.memmap(pictures, np.uint8, "r", shape=shape) if count else np.zeros(shape, np.uint8)
    return mapped, np.fromfile(sound, "<i2")[: round(span.length * sound_rate)]


def read_subtitles(path: Path, index: int) -> list[tuple[float, float, str]]:
    """(start, end, text) of each cue of the subtitle track of that number, in order; the text may hold markup."""
    wall = 60.0 + path.stat().st_size / SLOWEST_READING
    with tempfile.TemporaryDirectory() as out:
        answer = run("subtitles", path, Path(out), wall, 1 << 20, index=index)
    try:
        cues = [(float(start), float(end), str(text)) for start, end, text in answer["cues"]]
    except (KeyError, TypeError, ValueError):
        raise BoxFailed(
            "The decoder's answer makes no sense (%(what)s). The file is probably damaged.", what="cues"
        ) from None
    return [cue for cue in cues if math.isfinite(cue[0]) and math.isfinite(cue[1])]


def render_proxy(path: Path, out: Path, info: MediaInfo, progress: Progress) -> Path:
    """Write a rendition that every browser plays: MP4 (H.264, AAC; 720 lines at most), or the picture as it is, in MP4
    or WebM, where its codec is one that they know.
    """
    size, copied = path.stat().st_size, copied_container(info)
    most = round((info.duration + 60) * PROXY_BYTES_PER_SECOND) + (2 * size if copied else 0)
    wall = 300.0 + 20 * info.duration + size / SLOWEST_READING
    answer = run("proxy", path, out, wall, most, progress, sound=info.sound, copied=copied)
    return _check_file(answer["path"], out)


def render_streams(path: Path, out: Path, info: MediaInfo, progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Write the film in several qualities, and every sound track that can be read, as fragmented MP4 under `out`.

    Under `pictures` and `sounds`, for each: `name` of its file without `.mp4`, `codec` (RFC 6381), `bits` a second at
    most, `init` (first byte, bytes) and `segments` (seconds, first byte, bytes); `width` and `height` of a picture,
    `track` of a sound.
    """
    size = path.stat().st_size
    most = round((info.duration + 60) * PROXY_BYTES_PER_SECOND)
    wall = 300.0 + 40 * info.duration + size / SLOWEST_READING
    sounds = [track["index"] for track in info.sounds if track["readable"]]
    answer = run("streams", path, out, wall, most, progress, sounds=sounds)
    return {kind: [_check_stream(record, out) for record in answer[kind]] for kind in ("pictures", "sounds")}


def _check_stream(record: dict[str, Any], out: Path) -> dict[str, Any]:
    """Plain numbers, and places that lie inside the file."""
    try:
        end = _check_file(f"{record['name']}.mp4", out).stat().st_size
        places = [[0.0, *record["init"]], *record["segments"]]
        segments = [[float(seconds), int(first), int(length)] for seconds, first, length in places]
        if all(0 <= first <= first + length <= end and 0 <= seconds < math.inf for seconds, first, length in segments):
            numbers: dict[str, Any] = {
                name: int(record[name]) for name in ("bits", "width", "height", "track") if name in record
            }
            names = {name: str(record[name])[:40] for name in ("name", "codec")}
            return {**names, **numbers, "init": segments[0][1:], "segments": segments[1:]}
    except (KeyError, TypeError, ValueError):
        pass
    raise BoxFailed("The decoder's answer makes no sense (%(what)s). The file is probably damaged.", what="streams")


def _read(kind: type[_Record], record: Any) -> _Record:
    """A record of the child's answer, its fields of their own type and its numbers finite."""
    values = {f.name: record.get(f.name) for f in fields(kind)}
    for field in fields(kind):
        value, wanted = (
            values[field.name],
            (int, float) if field.type is float else get_origin(field.type) or field.type,
        )
        if not isinstance(value, wanted) or (isinstance(value, float) and not math.isfinite(value)):  # type: ignore[arg-type]
            raise BoxFailed(
                "The decoder's answer makes no sense (%(what)s). The file is probably damaged.", what=field.name
            )
    return kind(**values)


def _keyframes(answer: dict[str, Any], out: Path) -> list[Keyframe]:
    read = [_read(Keyframe, k) for k in answer["keyframes"]]
    return [Keyframe(k.time, _check_picture(k.path, out), k.full and _check_picture(k.full, out)) for k in read]


def _check_file(name: str, out: Path) -> Path:
    """The file that the child says it wrote: a plain one, in its own folder."""
    path = out / Path(name).name
    if path.is_symlink() or not path.is_file():
        raise BoxFailed("The decoder did not write what it promised. The file is probably damaged.")
    return path


def _check_picture(name: str, out: Path) -> str:
    """A JPEG of a bounded size, by its header; nobody else opens a picture before."""
    path = _check_file(name, out)
    try:
        with Image.open(path, formats=("JPEG",)) as picture:
            sound = max(picture.size) <= PICTURE_SIDE and path.stat().st_size <= PICTURE_BYTES
    except OSError:
        sound = False
    if not sound:
        raise BoxFailed("The decoder wrote a file that is not a picture. The file is probably damaged.")
    return str(path)
