"""Running steps: the same code for Celery, `manage.py worker`, `serve` and `ingest --wait`."""

import logging
import os
import random
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from django.db import OperationalError, close_old_connections, connection
from django.db.models import Q
from django.db.models.functions import Now

from indexer import box
from indexer.errors import DiskFull, IndexerError, ModelMissing, OutOfMemory
from qa.errors import QaError
from webapp.index import generations
from webapp.models import IndexState, Step, Video, Worker
from webapp.people import audit
from webapp.pipeline import ledger, outputs, stages
from webapp.search import pictures
from webapp.uploads import removal, resumable

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
SWEEP_SECONDS = 30.0
DEAF_SECONDS = 20.0  # a Celery worker that hears nothing for this long looks into the table itself
GRACE_SECONDS = 3.0  # after SIGTERM, for the step to notice, before it is handed on and the process ends

stopping = threading.Event()
_one_step = threading.Lock()  # a process runs one step at a time: models are large
_held: Step | None = None
_heard = time.monotonic()


def name_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def work_one(owner: str, names: Sequence[str] | None = None) -> Step | None:
    """Claim one step (of these names) and run it to its end; None when nothing is due."""
    with _one_step:
        step = None if stopping.is_set() else ledger.claim(owner, names)
        if step is not None:
            run(step)
        return step


def work_for(pk: int) -> Step | None:
    """What a message asks for: the most urgent due step of the same queue, which may be another than the one it names.

    There is a message for each step, so that each has its turn; what a person just uploaded has it first.
    """
    global _heard
    _heard = time.monotonic()
    name = Step.objects.filter(pk=pk).values_list("name", flat=True).first()
    if name is None:
        return None  # its video was deleted
    return work_one(name_worker(), stages.names_of([stages.STAGES[name].queue]))


def run(step: Step) -> None:
    """Compute, store and commit one claimed step, or record why that failed."""
    global _held
    begun, _held = time.monotonic(), step
    reset_peak_memory()
    try:
        if not outputs.has_room():
            raise DiskFull("The disk is full.", "Make room; the step goes on by itself.")
        with ledger.lease(step):
            store = stages.STAGES[step.name].compute(step.video, reporter(step))
        seconds = time.monotonic() - begun
        ledger.commit(step, store, seconds, peak_memory_bytes(), stages.following(step.video, step.name))
    except (ledger.Stopped, Video.DoesNotExist):
        log.info("%s was cancelled, taken over, or its video deleted", step)
        outputs.discard(step)
    except (KeyboardInterrupt, SystemExit):
        ledger.give_back(step)
        if not stopping.is_set():
            raise
    except Exception as error:
        record(step, error, time.monotonic() - begun)
    finally:
        _held = None


def reporter(step: Step) -> Callable[[float], None]:
    """The step's progress callback; it also ends the work when the process is told to stop."""
    report = ledger.reporter(step)

    def progress(share: float) -> None:
        if stopping.is_set():
            raise SystemExit(0)
        report(share)

    return progress


def record(step: Step, error: Exception, seconds: float) -> None:
    """Write down why a step did not end well. Without a database the lease runs out and says so by itself."""
    try:
        if outputs.is_full(error) or isinstance(error, DiskFull):
            ledger.wait(step, DiskFull.code, "The disk is full. Make room; the step goes on by itself.")
        elif isinstance(error, ModelMissing | OutOfMemory):
            ledger.wait(step, error.code, str(error))
        elif isinstance(error, MemoryError):
            ledger.wait(step, OutOfMemory.code, "There was not enough memory. The step is tried again by itself.")
        elif isinstance(error, OperationalError):
            log.warning("%s: database: %s", step, error)
            ledger.wait(step, "database", "The database did not answer. The step is tried again by itself.")
        elif isinstance(error, IndexerError | QaError):
            ledger.fail(step, error.code, str(error), getattr(error, "permanent", False), seconds)
        else:
            log.error("%s failed", step, exc_info=error)
            told = f"Something unexpected went wrong ({type(error).__name__}). An admin finds more in the worker's log."
            ledger.fail(step, "unexpected", told, False, seconds)
    except OperationalError as lost:
        log.warning("%s could not be recorded: %s", step, lost)


def work(owner: str, keep_going: Callable[[], bool]) -> None:
    """Run due steps until told to stop; while the database is away, ask less and less often."""
    keep(owner, "table", ())
    pause = IDLE_SECONDS
    while keep_going() and not stopping.is_set():
        try:
            found = work_one(owner)
            pause = IDLE_SECONDS
        except OperationalError as error:
            log.warning("the database does not answer: %s", error)
            found, pause = None, min(60.0, 2 * pause)
            connection.close()
        if found is None:
            stopping.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
    Worker.objects.filter(name=owner).delete()


# -- beside the loop -----------------------------------------------------------------------------------------------


def keep(owner: str, carrier: str, queues: Sequence[str]) -> None:
    """Start the sweeper and the watch for SIGTERM in this process."""
    threading.Thread(target=_sweep_forever, args=(owner, carrier, queues), daemon=True).start()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch_signals, args=(reader, writer), daemon=True).start()


def _watch_signals(reader: socket.socket, _open: socket.socket) -> None:
    """Python's signal handlers wait while a model computes; this thread does not. Ends the process after the grace."""
    while reader.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        pass
    stopping.set()
    time.sleep(GRACE_SECONDS)
    try:
        step = _held
        if step is not None:
            ledger.give_back(step)
        else:
            time.sleep(GRACE_SECONDS)  # the rest of an orderly end, such as Celery's leave of Redis
    finally:
        os._exit(0)  # if the step could not be handed on, its lease runs out


def _sweep_forever(owner: str, carrier: str, queues: Sequence[str]) -> None:
    """Every process that works also keeps the ledger in order, and a deaf Celery worker at work."""
    swept = hourly = 0.0
    while not stopping.wait(0.5):
        try:
            close_old_connections()
            if time.monotonic() - swept > SWEEP_SECONDS or not swept:
                swept = time.monotonic()
                see(owner, carrier)
                sweep()
            if time.monotonic() - hourly > 3600:
                hourly = time.monotonic()
                outputs.sweep()
                audit.sweep()
            if queues and time.monotonic() - _heard > DEAF_SECONDS:
                work_unheard(owner, queues)
        except OperationalError as error:
            log.warning("the database does not answer the sweeper: %s", error)
            connection.close()
        except Exception:
            log.exception("the sweeper stumbled and goes on")


def see(owner: str, carrier: str) -> None:
    """Note that this worker lives; forget those that were not seen for a day."""
    now = {"carrier": carrier, "box": box.find_tier(), "seen_at": Now()}
    Worker.objects.update_or_create(name=owner, defaults=now, create_defaults={**now, "started_at": Now()})
    Worker.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()


def sweep() -> None:
    """What one worker does for all, at most once a sweep's time whatever their number."""
    IndexState.objects.get_or_create(pk=1)
    recently = Now() - timedelta(seconds=SWEEP_SECONDS / 2)
    if IndexState.objects.filter(Q(swept_at=None) | Q(swept_at__lt=recently), pk=1).update(swept_at=Now()):
        ledger.sweep()
        generations.repair()
        resumable.sweep()
        pictures.sweep()
        removal.purge()


def work_unheard(owner: str, queues: Sequence[str]) -> None:
    """No message came for a while: is there really nothing to do?"""
    global _heard
    if _one_step.locked() or work_one(owner, stages.names_of(queues)) is None:
        _heard = time.monotonic()
    else:
        log.warning("a step was due but no message came; is Redis up? Taken from the table")


# -- memory --------------------------------------------------------------------------------------------------------


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
