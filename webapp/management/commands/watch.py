"""`manage.py watch FOLDER…`: whatever comes into these folders comes into the library."""

import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexer.media import is_media
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.models import Video
from webapp.operations import folders

SETTLED_SECONDS = 5.0  # without a change, before a file is taken for whole
POLL_MS = 2000  # between two looks at a network folder


class Command(DatabaseCommand, JsonCommand):
    help = "Watch folders, and use the media files in them where they lie (or take in copies of them)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folders", nargs="+", type=Path)
        parser.add_argument("--copy", action="store_true", help="take in copies instead of using the files in place")
        parser.add_argument("--poll", action="store_true", help="look again and again: for network folders")
        parser.add_argument("--user", help="who owns them (default: the first admin)")
        parser.add_argument("--visibility", choices=Video.Visibility.values, default=Video.Visibility.PRIVATE)

    def handle(self, *args: Any, **options: Any) -> None:
        from watchfiles import Change, watch

        for folder in options["folders"]:
            if not folder.is_dir():
                raise usage(f"{folder} is no folder.")
        self.owner = find_user(options["user"])
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        # What is there may still be written to: it has to settle like what comes.
        unsettled = {path: time.monotonic() for folder in options["folders"] for path in folder.rglob("*")}
        changes = watch(
            *options["folders"],
            stop_event=stopping,
            rust_timeout=round(SETTLED_SECONDS * 1000 / 2),
            yield_on_timeout=True,
            force_polling=options["poll"] or None,
            poll_delay_ms=POLL_MS,
            raise_interrupt=False,
        )
        for found in changes:
            unsettled |= {Path(path): time.monotonic() for change, path in found if change != Change.deleted}
            whole = [path for path, changed in unsettled.items() if time.monotonic() - changed >= SETTLED_SECONDS]
            self.take_all(sorted(whole), options)
            for path in whole:
                del unsettled[path]

    def take_all(self, files: Iterable[Path], options: dict[str, Any]) -> None:
        for file in files:
            if file.is_file() and is_media(file):
                outcome = folders.take(self.owner, file, options["visibility"], in_place=not options["copy"])
                if outcome.status != "duplicate":  # it was here at the last start, too
                    record = {"video": outcome.video.pk if outcome.video else None, "file": str(file)}
                    record |= {"status": outcome.status, "error": outcome.reason or outcome.warning or None}
                    self.emit(record, f"{file}: {outcome.status} {record['error'] or ''}".rstrip(), options["json"])
