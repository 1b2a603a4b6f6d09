"""How long steps take: measured on this machine, from what the ledger recorded."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from webapp.models import Step, Video

MAX_RECENT_STEPS = 200  # finished steps that the rates are taken from


@dataclass(frozen=True)
class Watched:
    """A step as a person sees it: seconds `spent` so far, and `left` by estimate (None when nothing is known)."""

    step: Step
    spent: float | None
    left: float | None


def watch(steps: QuerySet[Step]) -> list[Watched]:
    """Each step with its time so far and to come; the database's clock decides."""
    known = rates()
    running = ExpressionWrapper(Now() - F("started_at"), output_field=DurationField())
    return [look_at(step, step.elapsed, known) for step in steps.select_related("video").annotate(elapsed=running)]


def look_at(step: Step, elapsed: timedelta | None, known: dict[str, float]) -> Watched:
    rate = known.get(step.name)
    expected = None if rate is None else rate * max(step.video.duration, 1.0)
    if step.status == Step.Status.RUNNING and elapsed is not None:
        spent = elapsed.total_seconds()
        if step.progress > 0.1:
            return Watched(step, spent, spent / step.progress - spent)
        return Watched(step, spent, None if expected is None else max(0.0, expected - spent))
    if step.status in (Step.Status.READY, Step.Status.WAITING):
        return Watched(step, None, expected)
    return Watched(step, step.seconds, None)


def rates() -> dict[str, float]:
    """Seconds of work per second of video, by step: the median of the last ones."""
    done = Step.objects.filter(status=Step.Status.DONE, seconds__isnull=False).order_by("-started_at")
    found: dict[str, list[float]] = {}
    for name, seconds, duration in done.values_list("name", "seconds", "video__duration")[:MAX_RECENT_STEPS]:
        found.setdefault(name, []).append((seconds or 0.0) / max(duration, 1.0))
    return {name: statistics.median(values) for name, values in found.items()}


def total(watched: Iterable[Watched]) -> float:
    """Seconds of one worker's time that these steps still need, as far as that is known."""
    return sum(w.left or 0.0 for w in watched)


def count_ahead(video: Video) -> int:
    """Queued steps that come before this video's next one."""
    mine = video.steps.filter(status=Step.Status.READY).order_by("priority", "turn", "pk").first()
    if mine is None:
        return 0
    as_urgent = Q(turn__lt=mine.turn) | Q(turn=mine.turn, pk__lt=mine.pk)
    before = Q(priority__lt=mine.priority) | Q(as_urgent, priority=mine.priority)
    return Step.objects.filter(before, status=Step.Status.READY).exclude(video=video).count()
