"""The decoder's box, parent side: every byte of uploaded media is read in a child process with limits.

The child (`indexer.boxed`) gets one file and one output folder, no environment, no standard input beyond its
request, resource limits and a wall clock that ends its whole process group; what it answers and writes is checked
again here. Why PyAV and not the ffmpeg program: the wheel carries its own FFmpeg, so nothing needs apt, and one pass
can feed shots, samples and storyboard.
"""

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_origin

from PIL import Image

from indexer.confinement import needed_files
from indexer.errors import BoxFailed, DiskFull, UnreadableMedia, translatable
from indexer.media import copied_container
from indexer.ports import Progress
from indexer.types import SAMPLE_RATE, Keyframe, Look, MediaInfo, Span

TIERS = {
    "A": translatable("a file system of its own with one file in it, no network, no new process, resource limits"),
    "B": translatable("no other file, no network, no new process, resource limits"),
    "C": translatable(
        "resource limits and allow-lists only: install bubblewrap, or run Linux 5.13 or newer with libseccomp2"
    ),
}
PICTURE_BYTES = 4 << 20  # largest JPEG a child may hand over
PICTURE_SIDE = 2000  # pixels: keyframes have 960, storyboards 1600 × 900
ANSWER_BYTES = 64 << 20
PROXY_BYTES_PER_SECOND = 2 << 20  # 720 lines at the quality of `render_proxy` stay far below
SLOWEST_READING = 5 << 20  # bytes a second: a network folder or a worn disk; what reads slower is taken for a hang

_ROOT = Path(__file__).resolve().parent.parent
_Record = TypeVar("_Record", MediaInfo, Keyframe, Span)


def probe(path: Path, language: str = "en") -> MediaInfo:
    """Check container, codecs and packets of `path`; raise `UnreadableMedia` with the reason when it is refused.

    `language` (ISO 639-1) is preferred where several sound tracks are as good.
    """
    wall = 25.0 + path.stat().st_size / SLOWEST_READING
    with tempfile.TemporaryDirectory() as out:
        return _read(MediaInfo, _run("probe", path, Path(out), wall, 1 << 20, language=language))


def glance(path: Path, out: Path) -> list[Keyframe]:
    """Decode key frames only into JPEG files under `out`: tens of times cheaper than `look`."""
    wall = 120.0 + path.stat().st_size / SLOWEST_READING
    return _keyframes(_run("glance", path, out, wall, PICTURE_BYTES), out)


def read_picture(path: Path, out: Path) -> Path:
    """Decode one still picture (JPEG, PNG, WebP) into a JPEG under `out`; raise `UnreadableMedia` for anything else."""
    return Path(_check_picture(_run("picture", path, out, 20.0, PICTURE_BYTES)["path"], out))


def read_cover(path: Path, out: Path) -> Path | None:
    """The cover picture that a file carries, as a JPEG under `out`; None without one."""
    name = _run("cover", path, out, 20.0, PICTURE_BYTES)["path"]
    return Path(_check_picture(name, out)) if name else None


def look(path: Path, out: Path, info: MediaInfo, progress: Progress) -> Look:
    """The one decode pass: shots, samples (1 per 4 s of shot, 1 a second at most) and a storyboard under `out`."""
    wall = 120.0 + 4 * info.duration + path.stat().st_size / SLOWEST_READING
    found = _run("look", path, out, wall, PICTURE_BYTES, progress, duration=info.duration)
    return Look(
        shots=[_read(Span, s) for s in found["shots"]],
        keyframes=_keyframes(found, out),
        storyboard=_check_picture(found["storyboard"], out) if found["storyboard"] else "",
        storyboard_step=float(found["storyboard_step"]),
        storyboard_tiles=int(found["storyboard_tiles"]),
        frames=int(found["frames"]),
        decode_errors=int(found["decode_errors"]),
    )


def extract_audio(path: Path, out: Path, info: MediaInfo) -> Path:
    """Write the chosen sound track as raw float32 mono 16 kHz; return the file (read it with `np.fromfile`)."""
    seconds = info.duration + 60
    wall = 60.0 + info.duration + path.stat().st_size / SLOWEST_READING
    most = round((seconds + 60) * SAMPLE_RATE * 4)
    answer = _run("audio", path, out, wall, most, sound=info.sound, most_seconds=seconds)
    return _check_file(answer["path"], out)


def read_subtitles(path: Path, index: int) -> list[tuple[float, float, str]]:
    """(start, end, text) of each cue of the subtitle track of that number, in order; the text may hold markup."""
    wall = 60.0 + path.stat().st_size / SLOWEST_READING
    with tempfile.TemporaryDirectory() as out:
        answer = _run("subtitles", path, Path(out), wall, 1 << 20, index=index)
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
    answer = _run("proxy", path, out, wall, most, progress, sound=info.sound, copied=copied)
    return _check_file(answer["path"], out)


@cache
def find_tier() -> str:
    """Key of `TIERS`: what this machine lets the box have, found by trying it once."""
    return "A" if _wraps() else "B" if _confines([]) else "C"


@cache
def _wraps() -> bool:
    """Whether bubblewrap is here and may make namespaces (containers often forbid it)."""
    return shutil.which("bwrap") is not None and _confines(["calls"], wrapped=True)


def _confines(enough: list[str], wrapped: bool = False) -> bool:
    with tempfile.TemporaryDirectory() as out:
        place = Path(out)
        child = subprocess.run(
            [*(_wrap(place, place) if wrapped else []), *_program("confine")],
            input=json.dumps({"path": out, "out": out, "most_bytes": 0, "seconds": 60}),
            capture_output=True, cwd=_ROOT, env=_ENVIRONMENT, text=True, timeout=60, check=False,
        )  # fmt: skip
    try:
        return set(enough or ["calls", "files"]) <= set(json.loads(child.stdout)["ok"]["taken"])
    except (ValueError, KeyError):
        return False


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}


def _program(operation: str) -> list[str]:
    return [sys.executable, "-s", "-B", "-m", "indexer.boxed", operation]


def _wrap(path: Path, out: Path) -> list[str]:
    """Arguments of bubblewrap: new namespaces; interpreter and package read-only, one file, one folder to write."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        command += ["--setenv", name, value]
    command += ["--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - a new one, inside
    for place in needed_files():
        command += ["--ro-bind-try", str(place), str(place)]
    return [*command, "--ro-bind", str(path), str(path), "--bind", str(out), str(out), "--chdir", str(_ROOT)]


def _run(
    operation: str,
    path: Path,
    out: Path,
    wall: float,
    most_bytes: int,
    progress: Progress | None = None,
    **wanted: object,
) -> dict[str, Any]:
    """Run one operation in a child; its answer is the last line of its standard output, `%` lines are progress.

    `wall` in seconds; no file that it writes may grow beyond `most_bytes`; `wanted` are arguments of the operation.
    """
    path, out = path.absolute(), out.absolute()  # the child has another working folder
    request = {
        "path": str(path), "out": str(out), "most_bytes": most_bytes, "seconds": math.ceil(4 * wall), "wanted": wanted,
    }  # fmt: skip
    child = subprocess.Popen(
        [*(_wrap(path, out) if _wraps() else []), *_program(operation)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env=_ENVIRONMENT,
        start_new_session=True,
        text=True,
    )
    answer: dict[str, Any] = {}
    timer = _Deadline(child, wall)
    try:
        assert child.stdin
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(json.dumps(request))
        answer = _listen(child, progress)
        assert child.stdout
        child.stdout.close()  # whoever talks on after its answer is not waited for
        child.wait()
    finally:
        timer.cancel()
        _end(child)
    return _judge(answer, child.returncode, operation, timer)


def _listen(child: "subprocess.Popen[str]", progress: Progress | None) -> dict[str, Any]:
    """Read what the child says, as long as that is a bounded amount of what it may say."""
    answer: dict[str, Any] = {}
    heard = 0
    assert child.stdout
    while line := child.stdout.readline(ANSWER_BYTES):
        heard += len(line)
        try:
            if heard > ANSWER_BYTES:
                break
            if not line.startswith("%"):
                answer = dict(json.loads(line))
            elif progress:
                progress(float(line[1:]))
        except (ValueError, TypeError):
            break
    return answer


def _judge(answer: dict[str, Any], code: int, operation: str, timer: "_Deadline") -> dict[str, Any]:
    if timer.fired:
        raise BoxFailed(
            "Reading this file took longer than %(seconds)s s and was stopped (step %(step)s). "
            "Convert it to MP4 (H.264) and upload it again.",
            seconds=f"{timer.wall:.0f}",
            step=operation,
        )
    if "full" in answer:
        raise DiskFull("The disk is full. Make room and try again.")
    if "error" in answer:
        raise UnreadableMedia(str(answer["error"]), **_values(answer.get("values")))
    if code != 0 or "ok" not in answer:
        raise _explain_exit(code, operation)
    ok: dict[str, Any] = answer["ok"]
    return ok


def _values(record: Any) -> dict[str, object]:
    """What fills the child's sentences; a damaged child may say anything."""
    return {str(name): value for name, value in record.items()} if isinstance(record, dict) else {}


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
    return [Keyframe(k.time, _check_picture(k.path, out)) for k in read]


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


def _explain_exit(code: int, operation: str) -> BoxFailed:
    if code < 0:
        return BoxFailed(
            "The decoder stopped while reading this file (step %(step)s, signal %(signal)s). "
            "The file is probably damaged: convert it to MP4 (H.264) and upload it again.",
            signal=signal.Signals(-code).name,
            step=operation,
        )
    if code:
        return BoxFailed(
            "The decoder stopped while reading this file (step %(step)s, out of memory or crashed). "
            "The file is probably damaged: convert it to MP4 (H.264) and upload it again.",
            step=operation,
        )
    return BoxFailed(
        "The decoder stopped while reading this file (step %(step)s, no answer). "
        "The file is probably damaged: convert it to MP4 (H.264) and upload it again.",
        step=operation,
    )


def _end(child: "subprocess.Popen[str]") -> None:
    """End the child's whole process group; nothing it started may outlive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Deadline:
    """Kills the child's process group after `wall` seconds."""

    def __init__(self, child: "subprocess.Popen[str]", wall: float) -> None:
        self.wall, self.fired, self._child = wall, False, child
        self._timer = threading.Timer(wall, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self) -> None:
        self.fired = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def cancel(self) -> None:
        self._timer.cancel()
