"""Running a step: the same code for Celery, `manage.py worker`, `serve` and `ingest --wait`."""

import logging
import os
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

from django.db import OperationalError

from indexer.errors import IndexerError
from qa.errors import QaError
from webapp import ledger, stages
from webapp.models import Step

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
SWEEP_SECONDS = 30


def name_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def work_one(owner: str, pk: int | None = None) -> Step | None:
    """Claim one step and run it to its end; None when nothing is due."""
    step = ledger.claim(owner, pk)
    if step is not None:
        run(step)
    return step


def run(step: Step) -> None:
    """Compute, store and commit one claimed step, or record why that failed."""
    stage = stages.STAGES[step.name]
    begun = time.monotonic()
    reset_peak_memory()
    try:
        with ledger.lease(step):
            store = stage.compute(step.video, ledger.reporter(step))
        seconds = time.monotonic() - begun
        ledger.commit(step, store, seconds, peak_memory_bytes(), stages.following(step.video, step.name))
    except ledger.Stopped:
        log.info("%s was cancelled or taken over", step)
    except (KeyboardInterrupt, SystemExit):
        ledger.give_back(step)
        raise
    except (IndexerError, QaError) as error:
        ledger.fail(step, error.code, str(error), permanent=getattr(error, "permanent", False))
    except OperationalError as error:
        log.warning("%s: database: %s", step, error)
        ledger.fail(step, "database", f"The database did not answer ({error}).", permanent=False)
    except Exception as error:
        log.exception("%s failed", step)
        ledger.fail(step, "unexpected", f"{type(error).__name__}: {error}", permanent=False)


def work(owner: str, keep_going: Callable[[], bool]) -> None:
    """Run due steps while `keep_going`; sweep now and then."""
    swept = 0.0
    while keep_going():
        if time.monotonic() - swept > SWEEP_SECONDS:
            ledger.sweep()
            swept = time.monotonic()
        if work_one(owner) is None:
            time.sleep(IDLE_SECONDS)


def reset_peak_memory() -> None:
    """Start measuring anew (Linux: writing 5 to clear_refs resets VmHWM)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        log.debug("peak memory is counted since the start of the process on this system")


def peak_memory_bytes() -> int:
    """Largest resident size since the last reset, in bytes."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
