"""What Prometheus scrapes: the state of the library as the database has it, and what the web processes count."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Count, Min, Sum
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webapp.index import generations, snapshot
from webapp.models import IndexState, Recipe, Step, Video, Worker
from webapp.pipeline import ledger, plan
from webapp.storage.store import open_store

CONTENT_TYPE = CONTENT_TYPE_LATEST
RECENT = timedelta(hours=1)  # of which the time from upload to being searchable is told
MANY_PROCESSES = "PROMETHEUS_MULTIPROC_DIR"  # where `serve` lets several of them count together


def write_metrics() -> bytes:
    """All of them in Prometheus' text form. Any process may be asked: the counts of all are added up."""
    registry = CollectorRegistry()
    registry.register(LibraryCollector())
    counted = REGISTRY
    if os.environ.get(MANY_PROCESSES):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(counted)


class LibraryCollector(Collector):
    """Read anew with every scrape, in some fifteen queries that count and do not grow with the library's rows."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from collect_steps()
        yield from collect_times()
        yield from collect_index()
        yield from collect_storage()
        videos = Video.objects.order_by().values_list("status").annotate(n=Count("pk"))
        yield _gauge("videos", "Videos by status", ["status"], [((status,), n) for status, n in videos])
        alive = Worker.objects.alive().count()
        yield _gauge("workers", "Workers seen in the last two minutes", [], [((), alive)])


def _gauge(name: str, text: str, labels: list[str], rows: Iterable[tuple[Sequence[str], Any]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"kinoscope_{name}", text, labels=labels)
    for values, number in rows:
        family.add_metric([str(value) for value in values], float(number))
    return family


def collect_steps() -> Iterator[GaugeMetricFamily]:
    rows = Step.objects.order_by().values_list("name", "status").annotate(n=Count("pk"), attempts=Sum("attempt"))
    counted = list(rows)
    yield _gauge("steps", "Steps by kind and status", ["step", "status"], [((s, t), n) for s, t, n, _ in counted])
    attempts = dict.fromkeys(plan.PLAN, 0)
    for name, _status, _n, tried in counted:
        attempts[name] += tried or 0
    yield _gauge("step_attempts", "Attempts at the steps there are", ["step"], [((s,), n) for s, n in attempts.items()])
    due = Step.objects.filter(ledger.due(Now())).order_by().values_list("name").annotate(first=Min("ready_at"))
    ages = [((name,), _seconds_since(first)) for name, first in due]
    yield _gauge("oldest_due_step_seconds", "For how long the oldest due step has waited", ["step"], ages)


def collect_times() -> Iterator[GaugeMetricFamily]:
    """From upload to being found by picture, of the last hour's videos."""
    done = Step.objects.filter(name="glance", status=Step.Status.DONE, video__created_at__gt=Now() - RECENT)
    seconds = [
        (started - uploaded).total_seconds() + (took or 0)
        for started, took, uploaded in done.values_list("started_at", "seconds", "video__created_at")
        if started is not None
    ]
    rows = [((str(q),), np.quantile(seconds, q)) for q in (0.5, 0.95)] if seconds else []
    yield _gauge("searchable_seconds", "From upload to being searchable, last hour", ["quantile"], rows)


def collect_index() -> Iterator[GaugeMetricFamily]:
    state = IndexState.objects.filter(pk=1).first()
    segments, newer, ages = [], [], []
    for recipe in Recipe.objects.all():
        role = "active" if state is not None and recipe.pk == state.active_id else "other"
        manifest = snapshot.newest_manifest(recipe)
        changed = generations.count_changed(recipe, manifest.sequence if manifest else -1)
        segments.append(((role,), manifest.segments if manifest else 0))
        newer.append(((role,), changed))
        if manifest is not None:
            ages.append(((role,), _seconds_since(snapshot.store().written_at(manifest))))
    yield _gauge("index_segments", "Segments in the newest generation", ["recipe"], segments)
    yield _gauge("index_lag_segments", "Segments that are newer than it, or gone since", ["recipe"], newer)
    yield _gauge("index_age_seconds", "Since it was written", ["recipe"], ages)


def collect_storage() -> Iterator[GaugeMetricFamily]:
    home = settings.KINOSCOPE_HOME
    kept = Video.objects.filter(original="").aggregate(n=Sum("size_bytes"))["n"] or 0
    index = sum(stored.size for stored in open_store(str(home)).list("index"))  # one may vanish while we look
    disk = shutil.disk_usage(home)
    rows = {"originals": kept, "index": index, "disk_free": disk.free, "disk_total": disk.total}
    yield _gauge("storage_bytes", "Bytes by kind", ["kind"], [((kind,), n) for kind, n in rows.items()])


def _seconds_since(moment: datetime) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds())
