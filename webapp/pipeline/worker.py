"""Running steps: the same code for Celery, `manage.py worker`, `serve` and `ingest --wait`."""

import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import OperationalError, close_old_connections, connection
from django.db.models.functions import Now

from indexer import child
from indexer.errors import DiskFull, IndexerError, ModelMissing, OutOfMemory, translatable
from qa.errors import QaError
from webapp.instruments import start_tracing, trace_step
from webapp.models import Step, Video, Worker
from webapp.pipeline import ledger, memory, outputs, plan, stages
from webapp.storage.ports import StorageAway

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
SWEEP_SECONDS = 30.0
LOOK_SECONDS = 2.0  # between two looks whether somebody waits for the next sweep
SILENCE_SECONDS = 20.0  # a Celery worker that gets no message for this long looks into the table itself
GIVE_WAY_SECONDS = 1.0  # at most so often a step looks for work that is more urgent
GRACE_SECONDS = 3.0  # after SIGTERM, for the step to notice, before it is handed on and the process ends


class DatabaseAway(IndexerError):
    """The database did not answer while a step ran."""

    permanent = False
    code = "database"


class StorageSilent(IndexerError):
    """The server that keeps the files did not answer while a step ran."""

    permanent = False
    code = "storage"


class FileMissing(IndexerError):
    """A file that is used in place was moved or deleted."""

    permanent = False
    code = "missing"


class Unexpected(IndexerError):
    """Anything that nobody thought of."""

    permanent = False
    code = "unexpected"


MISSING = translatable(
    "The file “%(name)s” is not where it was. Put it back, or import it from its new place; the step goes on by itself."
)
Housekeeping = Callable[[], None]  # called now and then beside the work; decides itself what is due


@dataclass
class Running:
    """A step in work, and the seconds for which it has given way to others."""

    step: Step
    begun: float = field(default_factory=time.monotonic)
    paused: float = 0.0

    @property
    def seconds(self) -> float:
        """That were its own."""
        return time.monotonic() - self.begun - self.paused


def process_name() -> str:
    """Whose lease it is: of this process, on whatever machine."""
    return f"{socket.gethostname()}:{os.getpid()}"


class StepWorker:
    """Takes steps in this process, one at a time: models are large."""

    def __init__(self, name: str = "") -> None:
        self.name = name or process_name()
        self.stopping = threading.Event()
        self._one_step = threading.Lock()
        self._running: list[Running] = []  # the last one works, those before it have given way
        self._names: Sequence[str] | None = None  # of the steps that it may take
        self._last_message = time.monotonic()

    def work_one(self, names: Sequence[str] | None = None) -> Step | None:
        """Claim one step (of these names) and run it to its end; None when nothing is due."""
        with self._one_step:
            step = None if self.stopping.is_set() else ledger.claim(self.name, names)
            self._names = names
            if step is not None:
                self.run(step)
            return step

    def work_for(self, pk: int) -> Step | None:
        """What a message asks for: the most urgent due step of the same queue, which may be another than it names.

        There is a message for each step, so that each has its turn; what a person just uploaded has it first.
        """
        self._last_message = time.monotonic()
        name = Step.objects.filter(pk=pk).values_list("name", flat=True).first()
        if name is None:
            return None  # its video was deleted
        return self.work_one(plan.names_of([plan.PLAN[name].queue]))

    def work(self, keep_going: Callable[[], bool], housekeeping: Housekeeping) -> None:
        """Run due steps until told to stop; while the database is away, ask less and less often."""
        self.attend("table", (), housekeeping)
        pause = IDLE_SECONDS
        while keep_going() and not self.stopping.is_set():
            try:
                found = self.work_one()
                pause = IDLE_SECONDS
            except OperationalError as error:
                log.warning("the database does not answer: %s", error)
                found, pause = None, min(60.0, 2 * pause)
                connection.close()
            if found is None:
                self.stopping.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
        Worker.objects.filter(name=self.name).delete()

    def run(self, step: Step) -> None:
        """Compute, store and commit one claimed step, or record why that failed."""
        mine = Running(step)
        self._running.append(mine)
        memory.reset_peak()
        try:
            if not outputs.has_room():
                raise outputs.disk_full()
            with ledger.lease(step), trace_step(step.name, step.video_id):
                store = stages.STAGES[step.name](step.video, self._progress(mine))
            ledger.commit(step, store, mine.seconds, memory.peak_bytes())
        except (ledger.Stopped, Video.DoesNotExist):
            log.info("%s was cancelled, taken over, or its video deleted", step)
            outputs.discard(step)
        except (KeyboardInterrupt, SystemExit):
            ledger.give_back(step)
            if not self.stopping.is_set():
                raise
        except Exception as error:
            record_failure(step, error, mine.seconds)
        finally:
            self._running.pop()

    def _progress(self, mine: Running) -> Callable[[float], None]:
        """The step's progress callback; it also ends the work when the process is told to stop, and gives way."""
        report, looked = ledger.reporter(mine.step), time.monotonic()

        def progress(share: float) -> None:
            nonlocal looked
            self._heed_stop()
            report(share)
            if time.monotonic() - looked >= GIVE_WAY_SECONDS:
                self._give_way(mine)
                self._heed_stop()
                looked = time.monotonic()

        return progress

    def _heed_stop(self) -> None:
        if self.stopping.is_set():
            raise SystemExit(0)

    def _give_way(self, mine: Running) -> None:
        """Run what is more urgent, in the midst of a step. What is only shorter gets half of the time at most, so that
        what is long comes to an end.
        """
        while not self.stopping.is_set():
            urgent = ledger.claim(self.name, self._names, before=mine.step, quick_only=mine.paused > mine.seconds)
            if urgent is None:
                return
            begun = time.monotonic()
            self.run(urgent)
            mine.paused += time.monotonic() - begun

    # -- beside the loop -------------------------------------------------------------------------------------------

    def attend(self, carrier: str, queues: Sequence[str], housekeeping: Housekeeping) -> None:
        """Start what runs beside the steps of this process: housekeeping, and the watch for SIGTERM."""
        start_tracing("kinoscope-worker")
        threading.Thread(target=self._keep_house, args=(carrier, queues, housekeeping), daemon=True).start()
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch_signals, args=(reader, writer), daemon=True).start()

    def _watch_signals(self, reader: socket.socket, _open: socket.socket) -> None:
        """Python's signal handlers wait while a model computes; this thread does not. Ends the process after the
        grace.
        """
        while reader.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            pass
        self.stopping.set()
        time.sleep(GRACE_SECONDS)
        try:
            for running in list(self._running):
                ledger.give_back(running.step)
            if not self._running:
                time.sleep(GRACE_SECONDS)  # the rest of an orderly end, such as Celery's leave of Redis
        finally:
            os._exit(0)  # if the step could not be handed on, its lease runs out

    def _keep_house(self, carrier: str, queues: Sequence[str], housekeeping: Housekeeping) -> None:
        """Every process that works also keeps the ledger in order, and a Celery worker without messages at work."""
        signed_in = looked = -SWEEP_SECONDS
        while not self.stopping.wait(0.5):
            try:
                close_old_connections()
                if time.monotonic() - signed_in > SWEEP_SECONDS:
                    signed_in = time.monotonic()
                    self.sign_in(carrier)
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    housekeeping()
                if queues and time.monotonic() - self._last_message > SILENCE_SECONDS:
                    self._work_unasked(queues)
            except OperationalError as error:
                log.warning("the database does not answer housekeeping: %s", error)
                connection.close()
            except Exception:
                log.exception("housekeeping stumbled and goes on")

    def sign_in(self, carrier: str) -> None:
        """Note that this worker lives; forget those that were not seen for a day."""
        now = {"carrier": carrier, "box": child.find_tier(), "seen_at": Now()}
        Worker.objects.update_or_create(name=self.name, defaults=now, create_defaults={**now, "started_at": Now()})
        Worker.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()

    def _work_unasked(self, queues: Sequence[str]) -> None:
        """No message came for a while: is there really nothing to do?"""
        if self._one_step.locked() or self.work_one(plan.names_of(queues)) is None:
            self._last_message = time.monotonic()
        else:
            log.warning("a step was due but no message came; is Redis up? Taken from the table")


def record_failure(step: Step, error: Exception, seconds: float) -> None:
    """Write down why a step did not end well. Without a database the lease runs out and says so by itself."""
    try:
        if outputs.is_full(error) or isinstance(error, DiskFull):
            ledger.wait(step, outputs.disk_full())
        elif isinstance(error, StorageAway):
            log.warning("%s: storage: %s", step, error)
            ledger.wait(step, StorageSilent("The storage did not answer. The step is tried again by itself."))
        elif isinstance(error, FileNotFoundError) and step.video.is_missing:
            ledger.wait(step, FileMissing(MISSING, name=step.video.file_name))
        elif isinstance(error, ModelMissing | OutOfMemory):
            ledger.wait(step, error)
        elif isinstance(error, MemoryError):
            ledger.wait(step, OutOfMemory("There was not enough memory. The step is tried again by itself."))
        elif isinstance(error, OperationalError):
            log.warning("%s: database: %s", step, error)
            ledger.wait(step, DatabaseAway("The database did not answer. The step is tried again by itself."))
        elif isinstance(error, IndexerError | QaError):
            ledger.fail(step, error, seconds)
        else:
            log.error("%s failed", step, exc_info=error)
            unexpected = Unexpected(
                "Something unexpected went wrong (%(name)s). An admin finds more in the worker's log.",
                name=type(error).__name__,
            )
            ledger.fail(step, unexpected, seconds)
    except OperationalError as lost:
        log.warning("%s could not be recorded: %s", step, lost)
