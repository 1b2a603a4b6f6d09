"""A program that tries everything, run where the decoder runs: each attempt fails, in tier A and in tier B."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from indexer import box, child

PROBE = """
import ctypes, json, os, resource, socket, subprocess, sys
from pathlib import Path
from indexer import boxed
request = json.loads(sys.stdin.read())
path, out = Path(request["path"]), Path(request["out"])
boxed.limit_resources(1 << 20, 60)
taken = boxed.confine(path, out)
found = {}
def attempt(name, deed):
    try:
        deed()
        found[name] = "done"
    except (OSError, ValueError) as error:
        found[name] = type(error).__name__
def write(size):
    with open(out / "big", "wb") as file:
        for _ in range(size >> 16):
            file.write(bytes(1 << 16))
attempt("read the file given", lambda: path.read_bytes())
attempt("write a little", lambda: write(1 << 18))
attempt("write 1 GB", lambda: write(1 << 30))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", request["port"]), 2))
attempt("read another video", lambda: Path(request["other"]).read_bytes())
attempt("read the database", lambda: Path(request["database"]).read_bytes())
attempt("read the secret", lambda: Path(request["secret"]).read_bytes())
attempt("read an environment", lambda: Path(f"/proc/{request['parent']}/environ").read_bytes())
attempt("read init's environment", lambda: Path("/proc/1/environ").read_bytes())
attempt("list the home", lambda: os.listdir(Path(request["secret"]).parent))
attempt("fork", os.fork)
attempt("run a program", lambda: subprocess.run(["/usr/bin/true"]))
attempt("replace itself", lambda: os.execv("/usr/bin/true", ["true"]))
attempt("lay a link", lambda: os.symlink("/etc/passwd", out / "link"))
attempt("raise a limit", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40)))
attempt("write elsewhere", lambda: Path(request["other"]).with_name("new").write_bytes(b"x"))
attempt("kill its parent", lambda: os.kill(request["parent"], 0))
import threading
thread = threading.Thread(target=lambda: None)
attempt("start a thread", lambda: (thread.start(), thread.join()))
print(json.dumps({"found": found, "taken": taken, "environment": sorted(os.environ)}))
"""
ALLOWED = {"read the file given", "write a little", "start a thread"}


@pytest.mark.parametrize("tier", ["A", "B"])
def test_every_attempt_is_denied(tier, tmp_path, monkeypatch) -> None:
    if tier == "A" and child.find_tier() != "A":
        pytest.skip("SKIPPED LOUDLY: bubblewrap is not installed or may not make namespaces here")
    if child.find_tier() == "C":
        pytest.skip("SKIPPED LOUDLY: this kernel has no Landlock, or libseccomp2 is not installed")
    monkeypatch.setenv("KINOSCOPE_SECRET_KEY", "y" * 60)
    mine, other, out = tmp_path / "mine.bin", tmp_path / "other.bin", tmp_path / "out"
    mine.write_bytes(b"mine")
    other.write_bytes(b"another person's")
    out.mkdir()
    database = Path(settings.KINOSCOPE_HOME) / "secret_key"
    with socket.create_server(("127.0.0.1", 0)) as server:
        request = {
            "path": str(mine), "out": str(out), "other": str(other), "database": str(database),
            "secret": str(database), "parent": os.getpid(), "port": server.getsockname()[1],
        }  # fmt: skip
        wrap = child._wrap(mine, out) if tier == "A" else []
        done = subprocess.run(
            [*wrap, sys.executable, "-c", PROBE], input=json.dumps(request), capture_output=True, text=True,
            cwd=child._ROOT, env=child._ENVIRONMENT, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {name for name, result in answer["found"].items() if result == "done"} == ALLOWED
    assert "calls" in answer["taken"]
    assert "files" in answer["taken"] or tier == "A"
    assert "KINOSCOPE_SECRET_KEY" not in answer["environment"]
    assert (out / "big").stat().st_size <= 1 << 20


def test_the_same_program_succeeds_without_a_box(tmp_path) -> None:
    """The probe can tell: unconfined, what must fail in the box goes through."""
    mine, other = tmp_path / "mine.bin", tmp_path / "other.bin"
    mine.write_bytes(b"mine")
    other.write_bytes(b"another person's")
    free = PROBE.replace("taken = boxed.confine(path, out)", "taken = []").replace(
        'attempt("replace', '0 and attempt("replace'
    )
    free = free.replace(
        'attempt("fork", os.fork)', 'attempt("fork", lambda: os._exit(0) if os.fork() == 0 else os.wait())'
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        request = {
            "path": str(mine), "out": str(tmp_path), "other": str(other), "database": str(mine), "secret": str(mine),
            "parent": os.getpid(), "port": server.getsockname()[1],
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", free], input=json.dumps(request), capture_output=True, text=True, cwd=child._ROOT,
            env=child._ENVIRONMENT, timeout=60, check=False,
        )  # fmt: skip
    found = json.loads(done.stdout)["found"]
    assert {"connect", "read another video", "fork", "run a program", "lay a link"} <= {
        name for name, result in found.items() if result == "done"
    }


def test_answers_of_the_child_are_not_believed(tmp_path, make_movie) -> None:
    from indexer.errors import BoxFailed
    from indexer.types import Keyframe, Span

    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "link.jpg").symlink_to("/etc/passwd")
    for name in ("text.jpg", "link.jpg", "missing.jpg", "../../etc/passwd"):
        with pytest.raises(BoxFailed):
            box._check_picture(name, tmp_path)
    for record in ({"start": 0.0}, {"start": float("nan"), "end": 1.0}, {"start": "0", "end": 1.0}):
        with pytest.raises(BoxFailed):
            box._read(Span, record)
    with pytest.raises(BoxFailed):
        box._read(Keyframe, {"time": 0.0, "path": 5})
