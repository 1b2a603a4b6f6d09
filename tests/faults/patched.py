"""The real worker, with death at a chosen place: `python -m tests.faults.patched` or `celery -A tests.faults.patched`.

FAULT_KILL=step:point,…   SIGKILL itself once per entry; points: before, mid, written (outputs on disk, not
                          committed), committed (message lost, nothing done after it)
FAULT_POISON=name         SIGKILL itself whenever it looks at a file of this name
FAULT_MARKS=folder        where it notes which deaths have happened
FAULT_LEASE=seconds       a shorter lease (and heartbeat, backoff, sweep), so that a test need not wait a minute
FAULT_SLOW=step:seconds   make a step last at least this long, with progress
FAULT_BLOCK=step:seconds  the same without: like a model that computes
"""

import os
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from webapp.celery import app  # noqa: F401 - what `celery -A` looks for
from webapp.pipeline import ledger, stages, worker

MARKS = Path(os.environ.get("FAULT_MARKS", "/tmp"))


def die(entry: str) -> None:
    """SIGKILL, once per entry."""
    mark = MARKS / entry.replace(":", "-")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def wrap_compute(name: str, points: set[str], slow: float, block: float, poison: str) -> None:
    stage = stages.STAGES[name]

    def compute(video, progress):
        if poison and video.file_name == poison:
            os.kill(os.getpid(), signal.SIGKILL)
        if "before" in points:
            die(f"{name}:before")
        begun = time.monotonic()

        def report(share: float) -> None:
            if "mid" in points and share > 0:
                die(f"{name}:mid")
            progress(share)

        timer = threading.Timer(0.3, die, [f"{name}:mid"]) if "mid" in points else None
        if timer:
            timer.start()
        store = stage(video, report)
        if timer:
            timer.cancel()
            die(f"{name}:mid")
        time.sleep(block)
        while time.monotonic() - begun < slow:
            time.sleep(0.1)
            progress(0.5)
        if "written" in points:
            die(f"{name}:written")
        return store

    stages.STAGES[name] = compute


def wrap_commit(names: set[str]) -> None:
    commit, wake = ledger.commit, ledger.wake

    def commit_and_die(step, *rest):
        if step.name in names and not (MARKS / f"{step.name}-committed").exists():
            ledger.wake = lambda _: None  # the message is lost with the process
            commit(step, *rest)
            die(f"{step.name}:committed")
            ledger.wake = wake
        commit(step, *rest)

    ledger.commit = commit_and_die


def patch() -> None:
    wanted = [entry.split(":") for entry in os.environ.get("FAULT_KILL", "").split(",") if entry]
    slow, block = (
        dict(entry.split(":") for entry in os.environ.get(name, "").split(",") if entry)
        for name in ("FAULT_SLOW", "FAULT_BLOCK")
    )
    poison = os.environ.get("FAULT_POISON", "")
    for name in list(stages.STAGES):
        points = {point for step, point in wanted if step == name}
        if points or name in slow or name in block or poison:
            wrap_compute(name, points, float(slow.get(name, 0)), float(block.get(name, 0)), poison)
    wrap_commit({step for step, point in wanted if point == "committed"})
    if "FAULT_LEASE" in os.environ:
        seconds = float(os.environ["FAULT_LEASE"])
        ledger.LEASE = timedelta(seconds=seconds)
        ledger.HEARTBEAT_SECONDS = seconds / 4
        ledger.BACKOFF_SECONDS = 0.5
        ledger.WAIT_INTERVAL = timedelta(seconds=seconds)
        worker.SWEEP_SECONDS = seconds / 2
        worker.SILENCE_SECONDS = max(seconds, 3.0)


patch()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *sys.argv[1:]])
