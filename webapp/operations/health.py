"""May requests be sent here? For a proxy, a container's health check or Kubernetes; `doctor` looks deeper."""

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from webapp.index.snapshot import current_snapshot
from webapp.models import IndexState, Worker
from webapp.pipeline import outputs
from webapp.storage.store import store

log = logging.getLogger(__name__)


class State(StrEnum):
    """`DEGRADED`: requests are answered, and something is missing beside them."""

    READY = "ready"
    DEGRADED = "degraded"
    UNREADY = "unready"


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    detail: str = ""


def check_all() -> list[Check]:
    """Each within milliseconds once the index is in memory."""
    database = _check("database", _find_unmigrated)
    checks = [database, _check("storage", _find_unwritable)]
    if database.state is State.READY:
        checks += [_check("index", _find_index_fault), _check("workers", _find_no_worker, State.DEGRADED)]
    return checks


def sum_up(checks: list[Check]) -> State:
    """The worst. Without a worker videos wait, but who searches is answered: a site must not be taken out for it."""
    return max((check.state for check in checks), key=list(State).index)


def _check(name: str, find_fault: Callable[[], str], otherwise: State = State.UNREADY) -> Check:
    try:
        fault = find_fault()
    except Exception as error:
        log.warning("the check of %s failed", name, exc_info=True)
        fault = f"{type(error).__name__}: {error}"
    return Check(name, otherwise if fault else State.READY, fault)


def _find_unmigrated() -> str:
    executor = MigrationExecutor(connection)
    lacking = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "Run `manage.py migrate`." if lacking else ""


def _find_unwritable() -> str:
    with tempfile.TemporaryFile(dir=settings.KINOSCOPE_HOME / "incoming") as file:
        file.write(b"room")
        os.fsync(file.fileno())
    store().look_up("health")  # raises where a bucket does not answer
    return "" if outputs.has_room() else "The disk is full: make room."


def _find_index_fault() -> str:
    state = IndexState.objects.read()
    if state is not None and state.active is not None:
        current_snapshot(state.active)  # raises where neither a generation nor the database can be searched
    return ""


def _find_no_worker() -> str:
    alive = Worker.objects.alive().exists()
    return "" if alive else "No worker was seen for two minutes: start one."
