"""Every hostile file gets a verdict in time, reads nothing else and calls nobody, whatever the box's tier."""

import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import box
from indexer.boxed import MEMORY_BYTES
from indexer.errors import IndexerError
from tests.conftest import movie_maker
from tests.hostile.corpus import VERDICTS, build

VERDICT_SECONDS = 30


class Canary:
    """A server that nobody may call; `calls` are those who did."""

    def __init__(self, server: socket.socket) -> None:
        self.calls: list[bytes] = []
        self.port = server.getsockname()[1]
        threading.Thread(target=self.listen, args=(server,), daemon=True).start()

    def listen(self, server: socket.socket) -> None:
        while True:
            link, _ = server.accept()
            self.calls.append(link.recv(200))
            link.close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Canary(server)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, canary) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("corpus")
    return build(folder, movie_maker(tmp_path_factory.mktemp("movies")), f"http://127.0.0.1:{canary.port}")


def judge(path: Path, out: Path) -> str:
    """What the box says of a file: the refusal, "!" and the warning, or ""."""
    try:
        info = box.probe(path)
        damaged = 0
        if info.has_video:
            box.glance(path, out)
            damaged = box.look(path, out, info, lambda _: None).decode_errors
        if info.has_audio:
            box.extract_audio(path, out, info)
    except IndexerError as error:
        return str(error)
    return "!" if info.warning or damaged else ""


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict_in_time(name, corpus, canary, tmp_path) -> None:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    verdict = judge(corpus[name], tmp_path)
    assert time.monotonic() - begun < VERDICT_SECONDS
    expected = VERDICTS[name]
    assert verdict == expected if expected in ("", "!") else re.search(expected, verdict), verdict
    assert not canary.calls
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # ever: children of earlier tests count, too
    assert largest == before or largest * 1024 < MEMORY_BYTES
    assert {p.suffix for p in tmp_path.iterdir()} <= {".jpg", ".f32"}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="SKIPPED LOUDLY: strace is not installed")
@pytest.mark.parametrize("name", [n for n in VERDICTS if n.startswith(("hls", "concat", "dash", "sdp"))])
@pytest.mark.parametrize("tier", ["A", "B", "C"])
def test_nothing_else_is_opened(name, tier, corpus, canary, tmp_path) -> None:
    """The kernel's own record of what the decoder's child opened and whom it called."""
    code = (
        "import sys; from pathlib import Path; from indexer import box, boxed, child\n"
        f"box._wraps = lambda: {tier == 'A'}\n"
        "try: box.probe(Path(sys.argv[1]))\n"
        "except Exception as error: print(error)\n"
    )
    log = tmp_path / "calls"
    command = ["strace", "-f", "-qq", "-e", "trace=openat,open,connect", "-o", str(log), sys.executable, "-c", code]
    path = corpus[name]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert "opened" in done.stdout
    lines = log.read_text().splitlines()
    opened = next(n for n, line in enumerate(lines) if str(path) in line and " = -1" not in line)
    after = [line for line in lines[opened:] if " = -1" not in line and str(path) not in line]
    for other in ("good.mp4", "/etc/passwd", "/etc/hostname", str(canary.port), "18998"):
        assert not [line for line in after if other in line]
    assert not canary.calls
