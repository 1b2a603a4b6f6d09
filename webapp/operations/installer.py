"""What a worker does for the models page: fetches what was asked for in a process of its own, and removes models."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from webapp import engine
from webapp.catalogue import download
from webapp.catalogue.entry import Entry
from webapp.catalogue.table import ENTRIES
from webapp.models import Installation
from webapp.pipeline.worker import process_name

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)  # after which another worker goes on with what one left
LOOK_SECONDS = 1.0
Status = Installation.Status

_one_fetch = threading.Lock()  # of this process


def sweep() -> None:
    """Remove what is to go; begin the next fetch, unless this process is at one already."""
    for row in Installation.objects.filter(status=Status.REMOVING):
        if row.name in ENTRIES:
            download.discard(engine.catalogue_folder(), ENTRIES[row.name])
        row.delete()
    wanted = claim() or find_missing()
    if wanted is not None and _one_fetch.acquire(blocking=False):
        threading.Thread(target=_fetch, args=(wanted,), daemon=True).start()


def claim() -> Installation | None:
    """The next one that is asked for, or that another worker left; it is ours until the lease runs out."""
    if _one_fetch.locked():
        return None
    due = Installation.objects.filter(Q(status=Status.QUEUED) | Q(status=Status.FETCHING, lease_until__lt=Now()))
    for row in due:
        if due.filter(pk=row.pk).update(status=Status.FETCHING, owner=process_name(), lease_until=Now() + LEASE):
            return row
    return None


def find_missing() -> Installation | None:
    """One that another machine has and this one lacks: workers share the database, not the disk."""
    for row in Installation.objects.filter(status=Status.HERE):
        entry = ENTRIES.get(row.name)
        if entry is not None and not download.is_here(engine.catalogue_folder(), entry) and not _one_fetch.locked():
            return row
    return None


def _fetch(row: Installation) -> None:
    """One model, from where it stands to its end, or to what stops it."""
    shared = row.status == Status.HERE  # then nobody waits for news of this machine
    entry, process = ENTRIES[row.name], None
    try:
        if settings.KINOSCOPE_HUB_FORBIDDEN:
            finish(row, json.dumps({"error": download.FORBIDDEN, "values": {}}))
            return
        process = start(entry)
        while process.poll() is None:
            if not shared and not _report(row, entry):
                process.terminate()
            time.sleep(LOOK_SECONDS)
        if not shared:
            finish(row, process.communicate()[0])
    except Exception:
        log.exception("fetching %s stumbled; it is tried again", row)
        time.sleep(LEASE.total_seconds())
    finally:
        if process is not None:
            process.kill()
        connection.close()
        _one_fetch.release()


def start(entry: Entry) -> "subprocess.Popen[str]":
    """A process that fetches it. It ends with this one: it asks the kernel for that."""
    command = [sys.executable, "manage.py", "models", "fetch", entry.name, "--json"]
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env={**download.child_environment(), "KINOSCOPE_PARENT": str(os.getpid())},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _report(row: Installation, entry: Entry) -> bool:
    """Note how much has come; whether it is still wanted."""
    done, total = download.count_bytes(engine.catalogue_folder(), entry)
    mine = Installation.objects.filter(pk=row.pk, status=Status.FETCHING, owner=process_name())
    news: dict[str, Any] = {"lease_until": Now() + LEASE}
    return bool(mine.update(**news, **({"done_bytes": done, "total_bytes": total} if total else {})))


def finish(row: Installation, told: str) -> None:
    """Note what the process said at its end; what was paused or removed meanwhile stays so."""
    lines = told.strip().splitlines()
    try:
        record = json.loads(lines[-1])
    except (IndexError, ValueError):
        record = {"error": "The process that fetched it died. Try again: what came is kept.", "values": {}}
    mine = Installation.objects.filter(pk=row.pk, status=Status.FETCHING, owner=process_name())
    if "error" in record:
        mine.update(status=Status.FAILED, error_text=record["error"], error_values=record["values"])
    else:
        size = record["bytes"]
        mine.update(status=Status.HERE, done_bytes=size, total_bytes=size, speed=record["speed"], error_text="")
