"""How many readers a copy of an installation bears: `python -m tests.load HOME [FOLDER]` prints answers a second and
how long they took, for 1, 8 and 32 connections, by wrk; with FOLDER also while workers understand the videos in it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from tests.figures import QUERIES
from tests.screenshots import signed_in_cookie
from tests.site import ROOT, served, surroundings

CONNECTIONS = (1, 8, 32)
SECONDS = 5
# Another query each time, so that none is answered from memory.
FRESH = """local said, number = {%s}, 0
request = function()
  number = number + 1
  return wrk.format("GET", "/search?q=" .. said[number %% #said + 1] .. "+" .. number)
end"""


def main() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "home"
        shutil.copytree(sys.argv[1], copy)
        os.environ.update({"KINOSCOPE_HOME": str(copy), "DJANGO_SETTINGS_MODULE": "webapp.settings"})
        os.environ["KINOSCOPE_SEARCH_LIMIT"] = "1000000/minute"
        django.setup()
        from django.core.management import call_command

        from webapp.models import Video

        call_command("migrate", verbosity=0)
        longest = Video.objects.filter(status="ready").order_by("-duration").first()
        assert longest is not None, "no video is ready"
        cookie, script = signed_in_cookie(), Path(scratch) / "fresh.lua"
        script.write_text(FRESH % ", ".join(f'"{text.replace(" ", "+")}"' for text in QUERIES))
        pages = {
            "search": ["-s", str(script), "/"],
            "watch": [f"/videos/{longest.key}"],
            "home": ["/"],
            "1 MiB range": ["-H", "Range: bytes=0-1048575", f"/media/{longest.key}/video"],
        }
        cores = str(os.cpu_count() or 1)
        with served(copy, "--no-worker", "--processes", cores) as site:
            print(f"{'page':12} {'connections':>11} {'a second':>9} {'p50':>9} {'p90':>9} {'p99':>9}   quiet")
            ask_all(site.address, pages, cookie)
            if len(sys.argv) > 2:
                with busy(copy, Path(sys.argv[2])):
                    print("while videos are understood")
                    ask_all(site.address, pages, cookie)


def ask_all(address: str, pages: dict[str, list[str]], cookie: str) -> None:
    for name, (*options, path) in pages.items():
        for connections in CONNECTIONS:
            told = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "60s", "--latency",
                 "-H", f"Cookie: sessionid={cookie}", *options, address + path],
                capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip
            rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
            spread = dict(re.findall(r"(50|90|99)%\s+(\S+)", told))
            wrong = re.search(r"Non-2xx.*", told)
            row = f"{spread.get('50', ''):>9} {spread.get('90', ''):>9} {spread.get('99', ''):>9}"
            print(f"{name:12} {connections:11} {rate[1] if rate else '':>9} {row} {wrong[0] if wrong else ''}")


@contextmanager
def busy(home: Path, folder: Path) -> Iterator[None]:
    """Two workers, niced as `serve` starts them, with enough to do."""
    manage = [sys.executable, "manage.py"]
    env = surroundings(home)
    subprocess.run([*manage, "ingest", str(folder)], cwd=ROOT, env=env, capture_output=True)
    workers = [subprocess.Popen(["nice", "-n", "5", *manage, "worker"], cwd=ROOT, env=env) for _ in range(2)]
    time.sleep(10)
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


if __name__ == "__main__":
    main()
