"""`manage.py worker`: a worker over the ledger; no Redis needed."""

import os
import signal
import socket
import sys
from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand
from webapp.models import Worker
from webapp.operations.housekeeping import Housekeeper
from webapp.pipeline.worker import StepWorker

NICENESS = 5  # beside the site on one machine: pages come first


class Command(DatabaseCommand):
    help = "Run due steps until stopped (Ctrl-C or SIGTERM hands the current step on within seconds)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--alive", action="store_true", help="exit 0 if one lives on this machine, else 1")
        parser.add_argument("--parent", type=int, help="stop when this process is gone (used by serve)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["alive"]:
            here = Worker.objects.alive().filter(name__startswith=f"{socket.gethostname()}:")
            sys.exit(0 if here.exists() else 1)
        parent, worker = options["parent"], StepWorker()
        if parent is not None:
            os.nice(NICENESS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stopping.set())
        worker.work(lambda: parent is None or os.getppid() == parent, Housekeeper().keep)
