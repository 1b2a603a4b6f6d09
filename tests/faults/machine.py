"""Machines of their own: a network namespace with one wire each, and relays to services behind it, which are cut."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.bucket import S3Server
from tests.faults.browser import Browser
from tests.faults.conftest import Installation
from tests.site import free_port

able = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL") and os.geteuid() == 0 and shutil.which("ip")
REASON = "SKIPPED LOUDLY: needs root, `ip`, DATABASE_URL and REDIS_URL for machines of their own"


class Relay:
    """A port of this machine's side of the wire that leads to a service it can reach, until it is cut."""

    def __init__(self, address: str, target: int, host: str = "127.0.0.1") -> None:
        self.target, self.links, self.is_cut = (host, target), set[socket.socket](), False
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = None if self.is_cut else socket.create_connection(self.target, 5)
                except OSError:
                    far = None
                if far is None:
                    near.close()
                    continue
                self.links |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for link in (source, sink):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
            self.links.discard(link)

    def cut(self) -> None:
        self.is_cut = True
        for link in list(self.links):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.is_cut = False


class Machine:
    """A network namespace with one wire, and an installation with a home of its own in it."""

    def __init__(self, number: int, folder: Path, site: Installation, server: S3Server) -> None:
        self.name, self.here, self.there = f"kino{number}", f"10.77.{number}.2", f"10.77.{number}.1"
        self.wire = f"kino{number}w"
        ip("netns", "add", self.name)
        ip("link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{self.there}/24", "dev", self.wire)
        ip("link", "set", self.wire, "up")
        for words in (("addr", "add", f"{self.here}/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                      ("link", "set", "lo", "up")):  # fmt: skip
            ip("-n", self.name, *words)
        database, redis = urlsplit(site.database), urlsplit(os.environ["REDIS_URL"])
        self.database = Relay(self.there, database.port or 5432)
        self.redis = Relay(self.there, redis.port or 6379)
        self.bucket = Relay(self.there, server.ports["s3"])
        self.home, self.processes = folder / self.name, list[subprocess.Popen[bytes]]()
        self.home.mkdir()
        (self.home / "models").symlink_to((site.home / "models").resolve())
        self.port = free_port()
        self.env = {
            **site.env, **server.env,
            "KINOSCOPE_HOME": str(self.home),
            "KINOSCOPE_SECRET_KEY": "one secret for all machines of this library, long enough",
            "KINOSCOPE_HOSTS": self.here,
            "DATABASE_URL": f"postgres://{database.username}@{self.there}:{self.database.port}{database.path}",
            "REDIS_URL": f"redis://{self.there}:{self.redis.port}/13",
            "AWS_ENDPOINT_URL": f"http://{self.there}:{self.bucket.port}",
        }  # fmt: skip
        self.browser = Browser(self.port)
        self.browser.base = f"http://{self.here}:{self.port}"

    def run(self, *command: str) -> "subprocess.Popen[bytes]":
        log = (self.home / "log").open("ab")
        inside = ["ip", "netns", "exec", self.name, sys.executable, "manage.py", *command]
        process = subprocess.Popen(inside, env=self.env, stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process)
        return process

    def serve(self) -> "subprocess.Popen[bytes]":
        site = self.run("serve", "--no-worker", "--host", self.here, "--port", str(self.port), "--processes", "1")
        self.wait(lambda: self.state() in ("ready", "degraded"))
        return site

    def state(self) -> str:
        try:
            return str(json.loads(self.browser.get("/health/ready")[1])["status"])
        except (OSError, ValueError):
            return "silent"

    def wait(self, until, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, (self.home / "log").read_text()[-3000:]
            time.sleep(0.3)

    def search(self, text: str) -> tuple[int, str, str]:
        """Status, the page, and which index answered (recipe/generation/sequence)."""
        with self.browser.open(f"{self.browser.base}/search?q={text}", timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers["X-Index"] or ""

    def stop(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        ip("netns", "del", self.name)
        with suppress(subprocess.CalledProcessError):
            ip("link", "del", self.wire)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
