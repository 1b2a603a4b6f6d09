"""The site as README starts it: `manage.py serve` on a free port."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Site:
    """Where it answers; `welcome`, the link of the first run, is "" when the home was not new; the server's `pid`."""

    address: str
    welcome: str
    pid: int


def free_port() -> int:
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])


def surroundings(home: Path) -> dict[str, str]:
    """Environment of a process that works on this home folder, on SQLite and without Redis."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**kept, "KINOSCOPE_HOME": str(home), "PYTHONUNBUFFERED": "1"}


@contextmanager
def served(home: Path, *arguments: str) -> Iterator[Site]:
    """The site over this home folder, on SQLite, with its embedded worker."""
    port = free_port()
    log = home / "serve.log"
    with log.open("w") as lines:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port), "--processes", "1", *arguments],
            cwd=ROOT,
            env=surroundings(home),
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise RuntimeError(log.read_text())
        welcome = re.search(r"http\S+/welcome\S+", log.read_text())
        yield Site(address, welcome[0] if welcome else "", server.pid)
    finally:
        server.terminate()
        assert server.wait(20) in (0, -15, -9), log.read_text()
