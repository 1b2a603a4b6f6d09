"""The decoder's box, parent side: every byte of uploaded media is read in a child process with limits.

The child (`indexer.boxed`) gets one file and one output folder, no environment, no standard input beyond its
request, resource limits and a wall clock that ends its whole process group. Why PyAV and not the ffmpeg program:
the wheel carries its own FFmpeg, so nothing needs apt, and one pass can feed shots, samples and storyboard.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from indexer.errors import BoxFailed, DiskFull, UnreadableMedia
from indexer.ports import Progress
from indexer.types import Keyframe, Look, MediaInfo, Span

TIERS = {
    "A": "namespaces of its own, no network, one file to read",
    "B": "another user, no network, resource limits",
    "C": "resource limits and allow-lists only",
}
TIER = "C"

_ROOT = Path(__file__).resolve().parent.parent


def probe(path: Path) -> MediaInfo:
    """Check container, codecs and packets of `path`; raise `UnreadableMedia` with the reason when it is refused."""
    with tempfile.TemporaryDirectory() as out:
        return MediaInfo(**_run("probe", path, Path(out), wall=25.0))


def glance(path: Path, out: Path) -> list[Keyframe]:
    """Decode key frames only into JPEG files under `out`: tens of times cheaper than `look`."""
    return [Keyframe(**k) for k in _run("glance", path, out, wall=120.0)["keyframes"]]


def look(path: Path, out: Path, info: MediaInfo, progress: Progress) -> Look:
    """The one decode pass: shots, samples (1 per 4 s of shot, 1 a second at most) and a storyboard under `out`."""
    found = _run("look", path, out, wall=120.0 + 4 * info.duration, progress=progress)
    return Look(
        shots=[Span(**s) for s in found["shots"]],
        keyframes=[Keyframe(**k) for k in found["keyframes"]],
        storyboard=found["storyboard"],
        storyboard_step=found["storyboard_step"],
        storyboard_tiles=found["storyboard_tiles"],
        decode_errors=found["decode_errors"],
    )


def extract_audio(path: Path, out: Path, info: MediaInfo) -> Path:
    """Write the first audio track as raw float32 mono 16 kHz; return the file (read it with `np.fromfile`)."""
    return Path(_run("audio", path, out, wall=60.0 + info.duration)["path"])


def render_proxy(path: Path, out: Path, info: MediaInfo, progress: Progress) -> Path:
    """Write a rendition that every browser plays (H.264 + AAC in MP4, 720 lines at most)."""
    return Path(_run("proxy", path, out, wall=300.0 + 20 * info.duration, progress=progress)["path"])


def _run(operation: str, path: Path, out: Path, wall: float, progress: Progress | None = None) -> dict[str, Any]:
    """Run one operation in a child; its answer is the last line of its standard output, `%` lines are progress."""
    request = json.dumps({"path": str(path), "out": str(out)})
    child = subprocess.Popen(
        [sys.executable, "-m", "indexer.boxed", operation],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        text=True,
    )
    answer: dict[str, Any] = {}
    timer = _Deadline(child, wall)
    try:
        assert child.stdin
        assert child.stdout
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(request)
        for line in child.stdout:
            if line.startswith("%"):
                if progress:
                    progress(float(line[1:]))
            else:
                answer = json.loads(line)
        child.wait()
    finally:
        timer.cancel()
        _end(child)
    return _judge(answer, child.returncode, operation, timer)


def _judge(answer: dict[str, Any], code: int, operation: str, timer: "_Deadline") -> dict[str, Any]:
    if timer.fired:
        raise BoxFailed(
            f"Reading this file took longer than {timer.wall:.0f} s and was stopped (step {operation}).",
            "Convert it to MP4 (H.264) and upload it again.",
        )
    if "full" in answer:
        raise DiskFull("The disk is full.", "Make room and try again.")
    if "error" in answer:
        raise UnreadableMedia(answer["error"], answer.get("remedy", ""))
    if code != 0 or "ok" not in answer:
        raise BoxFailed(
            f"The decoder stopped while reading this file (step {operation}, {_exit_reason(code)}).",
            "The file is probably damaged: convert it to MP4 (H.264) and upload it again.",
        )
    ok: dict[str, Any] = answer["ok"]
    return ok


def _exit_reason(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return "out of memory or crashed" if code else "no answer"


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
