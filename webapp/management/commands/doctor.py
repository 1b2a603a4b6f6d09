"""`manage.py doctor`: is everything in order? Each line says what to do."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from indexer.errors import ModelMissing
from indexer.weights import COMPACT, HEADS
from webapp.commands import JsonCommand
from webapp.models import Step, Video

Finding = tuple[str, str, str]  # level, what, remedy


class Command(JsonCommand):
    help = "Check database, models, files, queue and disk. Exit code 1 when something is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = False
        for level, what, remedy in examine():
            broken |= level == "error"
            text = f"{level:7} {what}" + (f" → {remedy}" if remedy else "")
            self.emit({"level": level, "what": what, "remedy": remedy}, text, options["json"])
        if broken:
            raise SystemExit(1)


def examine() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield "error", "The database is not migrated.", "Run `manage.py migrate` (serve does it by itself)."
        return
    yield "ok", f"Database: {connection.vendor}, migrated.", ""
    yield from examine_models()
    yield from examine_files()
    yield from examine_queue()
    free = shutil.disk_usage(settings.KINOSCOPE_HOME).free
    level = "ok" if free > 5 << 30 else "warning"
    yield level, f"{free >> 30} GB free in {settings.KINOSCOPE_HOME}.", "" if level == "ok" else "Make room."


def examine_models() -> Iterator[Finding]:
    for weights in (*COMPACT, *HEADS):
        try:
            weights.verify()
        except (ModelMissing, OSError) as error:
            yield "error", f"{weights.name}: {error}", f"Reinstall {weights.package}."
    yield "ok", f"Profile {settings.KINOSCOPE_PROFILE}; weights are the pinned ones.", ""


def examine_files() -> Iterator[Finding]:
    known = set()
    for video in Video.objects.all():
        known.add(video.path.name)
        if not video.path.exists():
            yield (
                "error",
                f"The file of video {video.pk} ({video.title}) is gone.",
                "Delete the video, upload it again.",
            )
    media = settings.KINOSCOPE_HOME / "media"
    for path in media.iterdir():
        if path.name not in known:
            yield "warning", f"{path} belongs to no video.", "Delete it if no upload is under way."


def examine_queue() -> Iterator[Finding]:
    stuck = Step.objects.filter(status=Step.Status.RUNNING, lease_until__lt=Now()).count()
    if stuck:
        yield "warning", f"{stuck} steps were left by a worker that died.", "Start a worker: it takes them over."
    late = Step.objects.filter(status=Step.Status.READY, ready_at__lt=Now() - timedelta(minutes=10)).count()
    if late:
        yield "warning", f"{late} steps have waited for over ten minutes.", "Start a worker: `manage.py worker`."
    failed = Step.objects.filter(status=Step.Status.FAILED).count()
    if failed:
        yield "warning", f"{failed} steps failed.", "See their videos' pages; the admin can retry a selection."
    yield "ok", f"{Step.objects.filter(status=Step.Status.READY).count()} steps waiting.", ""
