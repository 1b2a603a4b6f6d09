"""The ledger of steps: the row is the queue, every message only a wake-up.

A worker claims a step by one conditional UPDATE on database time, extends its lease while it works and commits
`WHERE fence = mine`, so a worker that was thought dead can't overwrite. Attempts are counted before the work; the
third failure ends as `failed` with a sentence a person can act on.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp.models import Step, Video

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15
MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 5


class Stopped(Exception):
    """The step was cancelled, or its lease was lost: stop and discard."""


def due(now: Now) -> Q:
    """Steps that may be claimed: ready and due, or left behind by a worker whose lease ran out."""
    return Q(attempt__lt=MAX_ATTEMPTS) & (
        Q(status=Step.Status.READY, ready_at__lte=now) | Q(status=Step.Status.RUNNING, lease_until__lt=now)
    )


def claim(owner: str, pk: int | None = None) -> Step | None:
    """Take the next due step (or the one named), or None. Early steps of every video come first."""
    waiting = Step.objects.filter(due(Now()))
    if pk is not None:
        waiting = waiting.filter(pk=pk)
    for candidate in waiting.order_by("priority", "pk").values_list("pk", flat=True)[:5]:
        taken = Step.objects.filter(due(Now()), pk=candidate).update(
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
        )
        if taken:
            return Step.objects.select_related("video").get(pk=candidate)
    return None


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
                close_old_connections()
                if not mine(step).update(lease_until=Now() + LEASE, heartbeat_at=Now()):
                    return
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


def commit(step: Step, store: Callable[[], None], seconds: float, peak_bytes: int, following: Iterable[str]) -> None:
    """Store the result, mark the step done and add what follows: one transaction, under the fence."""
    with transaction.atomic():
        done = mine(step).update(
            status=Step.Status.DONE, progress=1, seconds=seconds, peak_memory_bytes=peak_bytes, lease_until=None
        )
        if not done:
            raise Stopped
        store()
        for name in following:
            add(step.video, name)
        settle(step.video)


def add(video: Video, name: str) -> Step:
    """Queue a step (again, when the video already has one of this name)."""
    from webapp import stages

    step, _ = Step.objects.update_or_create(
        video=video,
        name=name,
        defaults={
            "status": Step.Status.READY,
            "attempt": 0,
            "ready_at": Now(),
            "progress": 0,
            "priority": stages.STAGES[name].priority,
            "error_code": "",
            "error_text": "",
        },
    )
    transaction.on_commit(lambda: wake(step.pk, name), robust=True)
    return step


def wake(pk: int, name: str) -> None:
    """Tell a Celery worker, where there is one. Losing this message does no harm: the sweeper sends again."""
    from django.conf import settings

    if settings.REDIS_URL:
        from webapp import stages, tasks

        tasks.run_step.apply_async((pk,), queue=stages.STAGES[name].queue, retry=False)


def give_back(step: Step) -> None:
    """A worker that is told to stop hands its step on at once; no attempt is consumed."""
    mine(step).update(status=Step.Status.READY, attempt=F("attempt") - 1, ready_at=Now(), lease_until=None)


def fail(step: Step, code: str, reason: str, permanent: bool) -> None:
    """Try again later, or give up with a reason when that can't help or was tried often enough."""
    over = permanent or step.attempt >= MAX_ATTEMPTS
    wait = timedelta(seconds=BACKOFF_SECONDS * 2**step.attempt)
    spent = (timezone.now() - step.started_at).total_seconds() if step.started_at else None
    with transaction.atomic():
        mine(step).update(
            status=Step.Status.FAILED if over else Step.Status.READY,
            ready_at=Now() + wait,
            lease_until=None,
            seconds=spent,
            error_code=code,
            error_text=reason[:500],
        )
        settle(step.video)


def sweep() -> list[int]:
    """Fail what died three times; wake what is due. Returns the woken steps."""
    dead = Step.objects.filter(status=Step.Status.RUNNING, lease_until__lt=Now(), attempt__gte=MAX_ATTEMPTS)
    for step in dead.select_related("video"):
        changed = Step.objects.filter(pk=step.pk, fence=step.fence, status=Step.Status.RUNNING).update(
            status=Step.Status.FAILED,
            error_code="killed",
            error_text="The worker was killed three times on this step; probably there was not enough memory.",
        )
        if changed:
            settle(step.video)
    woken = list(Step.objects.filter(due(Now())).values_list("pk", "name")[:200])
    for pk, name in woken:
        wake(pk, name)
    return [pk for pk, _ in woken]


def cancel(video: Video) -> int:
    """Stop everything that is not finished; a running worker notices at its next report."""
    open_steps = video.steps.filter(status__in=[Step.Status.READY, Step.Status.RUNNING])
    count = open_steps.update(status=Step.Status.CANCELLED, lease_until=None)
    settle(video)
    return count


def retry(video: Video) -> int:
    """Queue failed and cancelled steps again, with fresh attempts; finished ones are kept."""
    names = list(
        video.steps.filter(status__in=[Step.Status.FAILED, Step.Status.CANCELLED]).values_list("name", flat=True)
    )
    for name in names:
        add(video, name)
    settle(video)
    return len(names)


def settle(video: Video) -> None:
    """Bring the video's status in line with its steps."""
    states = dict(video.steps.values_list("name", "status"))
    if Step.Status.FAILED in states.values() or Step.Status.CANCELLED in states.values():
        status = Video.Status.FAILED
    elif states.get("describe") == Step.Status.DONE and set(states.values()) == {Step.Status.DONE}:
        status = Video.Status.READY
    elif video.segments.exists():
        status = Video.Status.SEARCHABLE
    else:
        status = Video.Status.PROCESSING
    Video.objects.filter(pk=video.pk).update(status=status)
    video.status = status
