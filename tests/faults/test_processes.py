"""Several processes of the site behind one port: one is killed, all are abandoned, all are asked for too much."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.site import served


def children(pid: int) -> list[psutil.Process]:
    """The processes of the site that answer."""
    living = [p for p in psutil.Process(pid).children() if p.status() != psutil.STATUS_ZOMBIE]
    return [p for p in living if "spawn_main" in " ".join(p.cmdline())]


def ask(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait(until, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_one_is_killed_and_replaced_and_none_outlives_the_first(tmp_path: Path) -> None:
    with served(tmp_path, "--no-worker", "--processes", "2") as site:
        first, second = children(site.pid)
        first.kill()
        wait(lambda: len(children(site.pid)) == 2 and second in children(site.pid))
        wait(lambda: ask(f"{site.address}/health") == 200)
        counted = urllib.request.urlopen(f"{site.address}/metrics").read().decode()
        assert re.search(r'kinoscope_requests_total\{page="health",status="200"\} [1-9]', counted)
        mine = children(site.pid)
        os.kill(site.pid, signal.SIGKILL)
        wait(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in mine), 20)


def test_a_crowd_is_answered_in_order_and_nobody_hangs(tmp_path: Path) -> None:
    with served(tmp_path, "--no-worker", "--processes", "2") as site, ThreadPoolExecutor(64) as crowd:
        begun = time.monotonic()
        answers = [crowd.submit(ask, f"{site.address}/sign-in") for _ in range(400)]
        while not all(answer.done() for answer in answers):
            asked = time.monotonic()
            assert ask(f"{site.address}/health") == 200
            assert time.monotonic() - asked < 5  # who looks after it does not stand in the line
            time.sleep(0.2)
        assert {answer.result() for answer in answers} <= {200, 503}
        assert time.monotonic() - begun < 60
