"""The child process of the decoder's box: how it is started, limited, heard and ended.

The child (`indexer.boxed`) gets one file and one output folder, no environment, no standard input beyond its request,
resource limits and a wall clock that ends its whole process group; what it answers and writes is checked again in
`indexer.box`. Why PyAV and not the ffmpeg program: the wheel carries its own FFmpeg, so nothing needs apt, and one
pass can feed shots, samples and storyboard.
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
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from indexer.confinement import needed_files
from indexer.errors import BoxFailed, DiskFull, UnreadableMedia, translatable
from indexer.ports import Progress

TIERS = {
    "A": translatable("a file system of its own with one file in it, no network, no new process, resource limits"),
    "B": translatable("no other file, no network, no new process, resource limits"),
    "C": translatable(
        "resource limits and allow-lists only: install bubblewrap, or run Linux 5.13 or newer with libseccomp2"
    ),
}
ANSWER_BYTES = 64 << 20

_ROOT = Path(__file__).resolve().parent.parent


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


def run(
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
        answer = _listen(child, progress, timer)
        assert child.stdout
        child.stdout.close()  # whoever talks on after its answer is not waited for
        child.wait()
    finally:
        timer.cancel()
        _end(child)
    return _judge(answer, child.returncode, operation, timer)


def _listen(child: "subprocess.Popen[str]", progress: Progress | None, timer: "_Deadline") -> dict[str, Any]:
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
                share = float(line[1:])
                with timer.paused():  # the step may give way to another
                    progress(share)
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
    """Kills the child's process group after `wall` seconds, those in which its parent did something else left out."""

    def __init__(self, child: "subprocess.Popen[str]", wall: float) -> None:
        self.wall, self.fired, self._child = wall, False, child
        self._end, self._is_paused, self._over = time.monotonic() + wall, False, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(max(0.05, self._end - time.monotonic())):
            if not self._is_paused and time.monotonic() >= self._end:
                self.fired = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._child.pid, signal.SIGKILL)
                return

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        begun, self._is_paused = time.monotonic(), True
        try:
            yield
        finally:
            self._end += time.monotonic() - begun
            self._is_paused = False

    def cancel(self) -> None:
        self._over.set()
