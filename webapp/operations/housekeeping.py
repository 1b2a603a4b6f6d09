"""What one worker does for all, now and then: dead workers' steps, damaged generations, what expired or was deleted."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError
from django.db.models import Q
from django.db.models.functions import Now

from webapp.answers import curves, study
from webapp.index import generations
from webapp.models import IndexState
from webapp.operations import deliveries, installer, montages
from webapp.people import audit
from webapp.pipeline import classifiers, ledger, outputs, succession, worker
from webapp.search import alerts, comparison, completion, feedback, pictures
from webapp.uploads import removal, resumable

log = logging.getLogger(__name__)

SWEEPS: tuple[Callable[[], object], ...] = (
    ledger.sweep,
    generations.repair,
    generations.fill,
    installer.sweep,
    curves.sweep,
    succession.prepare,
    succession.succeed,
    comparison.sweep,
    classifiers.sweep,
    alerts.sweep,
    deliveries.sweep,
    montages.sweep,
    resumable.sweep,
    pictures.sweep,
    feedback.sweep,
    completion.sweep,
    study.sweep,
    removal.purge,
)
HOURLY_SWEEPS: tuple[Callable[[], object], ...] = (outputs.sweep, audit.sweep)


class Housekeeper:
    """Knows when this process last did what is done every hour."""

    def __init__(self) -> None:
        self._hourly = 0.0

    def keep(self) -> None:
        """At most once a sweep's time for all workers together, whatever their number."""
        IndexState.objects.get_or_create(pk=1)
        recently = Now() - timedelta(seconds=worker.SWEEP_SECONDS / 2)
        due = IndexState.objects.filter(Q(swept_at=None) | Q(swept_at__lt=recently), pk=1)
        if due.exists() and due.update(swept_at=Now()):
            for sweep in SWEEPS:
                run(sweep)
        if time.monotonic() - self._hourly > 3600:
            self._hourly = time.monotonic()
            for sweep in HOURLY_SWEEPS:
                run(sweep)


def run(sweep: Callable[[], object]) -> None:
    """One that stumbles over what it finds does not keep the others from their work."""
    try:
        sweep()
    except OperationalError:
        raise  # the database is away: nothing can be done
    except Exception:
        log.exception("%s stumbled", sweep.__module__)
