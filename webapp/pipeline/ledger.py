"""The ledger of steps: the row is the queue, every message only a wake-up.

A worker claims a step by one conditional UPDATE on database time, extends its lease while it works and commits
`WHERE fence = mine`, so a worker that was thought dead can't overwrite. Attempts are counted before the work; the
third failure ends as `failed` with a sentence a person can act on. What is nobody's fault (a full disk, a missing
model) ends as `waiting`, costs no attempt and is tried again by itself.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, close_old_connections, connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from indexer.errors import IndexerError, translatable
from qa.errors import QaError
from webapp.models import Step, Video
from webapp.pipeline import plan, wakeup
from webapp.pipeline.plan import BESIDE, OPTIONAL, PLAN
from webapp.pipeline.turns import find_turn, shorter_than

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 5
LONGEST_BACKOFF_SECONDS = 600
HURRIED = 2  # priority of a step that somebody waits for
LONGEST_DELTA = timedelta(minutes=5)  # for which searches may go without a new generation while there is other work
WAIT_INTERVAL = timedelta(seconds=30)  # until something that was missing is looked for again


class Stopped(Exception):
    """The step was cancelled, or its lease was lost: stop and discard."""


def due(now: Now) -> Q:
    """Steps that may be claimed: queued or waiting and due, or left behind by a worker whose lease ran out."""
    return queued(now) | left_behind(now)


def queued(now: Now) -> Q:
    return Q(status=Step.Status.READY, ready_at__lte=now, attempt__lt=MAX_ATTEMPTS)


def left_behind(now: Now) -> Q:
    waiting, running = Step.Status.WAITING, Step.Status.RUNNING
    return Q(status=waiting, ready_at__lte=now) | Q(status=running, lease_until__lt=now, attempt__lt=MAX_ATTEMPTS)


def claim(
    owner: str, names: Iterable[str] | None = None, before: Step | None = None, quick_only: bool = False
) -> Step | None:
    """Take the most urgent due step (of these names), or None: early steps of every video first, then turn by turn
    between people. `before`: only what a running step should give way to, `quick_only`: of that only what
    takes no time.
    """
    steps = Step.objects.all() if names is None else Step.objects.filter(name__in=names)
    if before is not None:
        steps = steps.filter(shorter_than(before, quick_only)).exclude(video=before.video_id)
    skip = connection.features.has_select_for_update_skip_locked
    if not skip and not steps.filter(due(Now())).exists():
        return None  # SQLite has one write lock: idle workers must not take it
    with transaction.atomic():
        lockable = steps.order_by("priority", "turn", "pk")
        if skip:
            lockable = lockable.select_for_update(skip_locked=True)
        # Two questions that an index answers at once; asked as one, every step would be read and sorted.
        found = [s for condition in (queued, left_behind) if (s := lockable.filter(condition(Now())).first())]
        step = min(found, key=lambda s: (s.priority, s.turn, s.pk), default=None)
        if step is None or not Step.objects.filter(due(Now()), pk=step.pk).update(
            status=Step.Status.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            lease_owner=owner,
            lease_until=Now() + LEASE,
            heartbeat_at=Now(),
            started_at=Now(),
            progress=0,
            error_code="",
            error_text="",
            error_values={},
        ):
            return None
    step.status, step.attempt, step.fence = Step.Status.RUNNING, step.attempt + 1, step.fence + 1
    return step


def mine(step: Step) -> QuerySet[Step]:
    """The row, as long as it is still this worker's."""
    return Step.objects.filter(pk=step.pk, fence=step.fence, status=Step.Status.RUNNING)


@contextmanager
def lease(step: Step) -> Iterator[None]:
    """Extend the lease from a thread while the block works."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(HEARTBEAT_SECONDS):
                try:
                    close_old_connections()
                    if not mine(step).update(lease_until=Now() + LEASE, heartbeat_at=Now()):
                        return
                except OperationalError as error:  # the database is away: it may be back before the lease is over
                    log.warning("no heartbeat for %s: %s", step, error)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def reporter(step: Step) -> Callable[[float], None]:
    """A progress callback that writes at most twice a second and raises `Stopped` when the step was taken away."""
    last = 0.0

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last < 0.5:
            return
        last = time.monotonic()
        if not mine(step).update(progress=min(max(share, 0.0), 1.0)):
            raise Stopped

    return report


def commit(step: Step, store: Callable[[], None], seconds: float, peak_bytes: int) -> None:
    """Store the result, mark the step done and add what follows: one transaction, under the fence."""
    with transaction.atomic():
        done = mine(step).update(
            status=Step.Status.DONE,
            progress=1,
            seconds=seconds,
            peak_memory_bytes=peak_bytes,
            lease_until=None,
            checkpoint=[],
        )
        if not done:
            raise Stopped
        # Of two steps that end at once, the later sees that the other is done, and what needs both is begun.
        Video.objects.select_for_update().values_list("pk").get(pk=step.video_id)
        store()
        for name in plan.following(step.video, step.name):
            add(step.video, name)
        settle(step.video)


def add(video: Video, name: str, goes_on: bool = False) -> Step:
    """Queue a step (again, when the video already has one of this name); one that `goes_on` keeps its checkpoint."""
    begun: dict[str, Any] = {} if goes_on else {"checkpoint": []}
    step, _ = Step.objects.update_or_create(
        video=video,
        name=name,
        defaults=begun
        | {
            "status": Step.Status.READY,
            "attempt": 0,
            "ready_at": Now(),
            "progress": 0,
            "priority": PLAN[name].priority,
            "turn": find_turn(video),
            "error_code": "",
            "error_text": "",
            "error_values": {},
        },
    )
    transaction.on_commit(lambda: wake(step), robust=True)
    return step


def hurry(video: Video, name: str) -> None:
    """Somebody waits for this step: it goes before everything but the first steps of new videos."""
    Step.objects.filter(video=video, name=name, status=Step.Status.READY).update(priority=HURRIED)


def wake(step: Step) -> None:
    """Tell a Celery worker, where there is one. Losing this message does no harm: workers look by themselves too."""
    wakeup.send(step.pk, PLAN[step.name].queue)


def give_back(step: Step) -> None:
    """A worker that is told to stop hands its step on at once; no attempt is consumed."""
    if mine(step).update(status=Step.Status.READY, attempt=F("attempt") - 1, ready_at=Now(), lease_until=None):
        wake(step)


def wait(step: Step, error: IndexerError | QaError) -> None:
    """Put a step aside for something that is not its fault; it is tried again by itself, and no attempt is consumed."""
    mine(step).update(
        status=Step.Status.WAITING,
        attempt=F("attempt") - 1,
        ready_at=Now() + WAIT_INTERVAL,
        lease_until=None,
        error_code=error.code,
        error_text=error.text,
        error_values=error.values,
    )


def count_waiting() -> list[dict[str, Any]]:
    """What steps wait for (`error_text`, `error_values`), and how many do (`n`)."""
    waiting = Step.objects.filter(status=Step.Status.WAITING)
    return [{**row} for row in waiting.values("error_text", "error_values").annotate(n=Count("pk"))]


def fail(step: Step, error: IndexerError | QaError, seconds: float | None = None) -> None:
    """Try again later, or give up with the reason when that can't help or was tried often enough."""
    over = error.permanent or step.attempt >= MAX_ATTEMPTS
    pause = min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**step.attempt) * random.uniform(0.5, 1.5)  # noqa: S311
    with transaction.atomic():
        mine(step).update(
            status=Step.Status.FAILED if over else Step.Status.READY,
            ready_at=Now() + timedelta(seconds=pause),
            lease_until=None,
            seconds=seconds,
            error_code=error.code,
            error_text=error.text,
            error_values=error.values,
        )
        settle(step.video)


def sweep() -> None:
    """Fail what died three times, hurry an index step that waits long; send for what is due and has no message."""
    dead = Step.objects.filter(status=Step.Status.RUNNING, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS)
    for step in dead.select_related("video"):
        changed = mine(step).update(
            status=Step.Status.FAILED,
            error_code="killed",
            error_text=translatable(
                "The worker was killed three times on this step; probably there was not enough memory."
            ),
        )
        if changed:
            settle(step.video)
    late = Step.objects.filter(name="index", status=Step.Status.READY, ready_at__lt=Now() - LONGEST_DELTA)
    late.update(priority=HURRIED)
    if settings.REDIS_URL:
        by_queue: dict[str, list[int]] = {}
        for pk, name in Step.objects.filter(due(Now())).order_by("priority", "turn", "pk").values_list("pk", "name"):
            by_queue.setdefault(PLAN[name].queue, []).append(pk)
        for queue, steps in by_queue.items():
            wakeup.top_up(queue, steps)


def cancel(video: Video) -> int:
    """Stop everything that is not finished; a running worker notices at its next report."""
    open_states = [Step.Status.READY, Step.Status.WAITING, Step.Status.RUNNING]
    count = video.steps.filter(status__in=open_states).update(status=Step.Status.CANCELLED, lease_until=None)
    settle(video)
    return count


def retry(video: Video, name: str | None = None) -> int:
    """Queue failed, cancelled and waiting steps (or the one named) again, with fresh attempts; the rest is kept."""
    again = [Step.Status.FAILED, Step.Status.CANCELLED, Step.Status.WAITING]
    steps = video.steps.filter(status__in=again)
    names = list((steps if name is None else steps.filter(name=name)).values_list("name", flat=True))
    with transaction.atomic():
        for each in names:
            add(video, each, goes_on=True)
        settle(video)
    return len(names)


def settle(video: Video) -> None:
    """Bring the video's status in line with its steps."""
    states = dict(video.steps.exclude(name__in=BESIDE).values_list("name", "status"))
    over = (Step.Status.FAILED, Step.Status.CANCELLED)
    if any(status in over for name, status in states.items() if name not in OPTIONAL):
        status = Video.Status.FAILED
    elif states.get("describe") == Step.Status.DONE and set(states.values()) <= {Step.Status.DONE, *over}:
        status = Video.Status.READY
    elif video.segments.exists():
        status = Video.Status.SEARCHABLE
    else:
        status = Video.Status.PROCESSING
    Video.objects.filter(pk=video.pk).update(status=status)
    if status == Video.Status.READY:
        Video.objects.filter(pk=video.pk, ready_at=None).update(ready_at=Now())
    video.status = status
