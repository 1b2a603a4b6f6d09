"""A real Milvus for the tests: the server from PyPI, in a network of its own (it opens ports on all addresses), killed
and started again at will.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

able = os.geteuid() == 0 and shutil.which("ip") is not None and find_spec("milvus") is not None
REASON = "SKIPPED LOUDLY: needs root, `ip` and the extra `bench` for a Milvus server in a network of its own"
HERE, THERE = "10.78.1.2", "10.78.1.1"
# Rows that are new would be searched by an index of its own rules, which finds nothing where few may be seen.
# Its ports stay the same after a kill.
RUN = """
import socket, sys
import milvus
def bind(_config, port):
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held
milvus.MilvusServerConfig.try_bind_port = bind
config = milvus.MilvusServerConfig(data_dir=sys.argv[1])
config.template_text = config.template_text.replace("enableIndex: true", "enableIndex: false")
server = milvus.MilvusServer(config)
server.start()
server.wait()
"""


class MilvusServer:
    def __init__(self, folder: Path) -> None:
        self.folder, self.name, self.wire = folder, "kinomilvus", "kinomilvusw"
        folder.mkdir(parents=True, exist_ok=True)
        self.address = f"milvus://{HERE}:19530"
        self.process: subprocess.Popen[bytes] | None = None
        self.clear()
        for words in (
            ("netns", "add", self.name),
            ("link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self.name),
            ("addr", "add", f"{THERE}/24", "dev", self.wire),
            ("link", "set", self.wire, "up"),
            ("-n", self.name, "addr", "add", f"{HERE}/24", "dev", "eth0"),
            ("-n", self.name, "link", "set", "eth0", "up"),
            ("-n", self.name, "link", "set", "lo", "up"),
        ):
            subprocess.run(["ip", *words], check=True, capture_output=True)

    def start(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, sys.executable, "-c", RUN, str(self.folder / "data")],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 180
        while not self.answers():
            assert time.monotonic() < end, (self.folder / "log").read_text()[-3000:]
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.5)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HERE}:9091/healthz", timeout=2) as answer:
                return b"OK" in answer.read()
        except OSError:
            return False

    def kill(self) -> None:
        """At once: SIGTERM takes it longer than six seconds."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.kill()
        self.clear()

    def clear(self) -> None:
        for words in (("netns", "del", self.name), ("link", "del", self.wire)):
            subprocess.run(["ip", *words], check=False, capture_output=True)
