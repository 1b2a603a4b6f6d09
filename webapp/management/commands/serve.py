"""`manage.py serve`: migrate, make the first admin, start the site and embedded workers."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import psutil
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from webapp.management.base import greet_first_admin, usage
from webapp.models import User
from webapp.operations.metrics import MANY_PROCESSES

log = logging.getLogger(__name__)


WORKER_BYTES = 3 << 30  # with every model of `compact` in memory, and room for its pictures
PROCESS_BYTES = 2 << 30  # of the site: the encoders of queries, and what it keeps of the index
MAX_CHILDREN = 4  # of either kind; who needs more starts them by themselves
HUNG_SECONDS = 30  # without a sign of life, after which another process takes the place of one of the site


def count_children(cores: int, memory: int, each: int) -> int:
    """As many as the machine bears: of workers two where it can, as one step of a video need not wait for another."""
    return max(1, min(cores, memory // each, MAX_CHILDREN))


def listen(host: str, port: int) -> socket.socket:
    """A listening place. uvicorn's own names no protocol, and then asyncio leaves Nagle's algorithm on, which holds
    each answer back for 40 ms.
    """
    try:
        (family, kind, protocol, _name, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        place = socket.socket(family, kind, protocol)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
    except OSError as error:
        raise usage(f"{host}:{port} can't be listened on ({error.strerror}). Choose another --port.") from None
    place.set_inheritable(True)
    return place


class Command(BaseCommand):
    help = "Start Kinoscope: the site, and as many workers as this machine bears, in one command."

    workers: "dict[int, subprocess.Popen[bytes]]" = {}
    stopping = threading.Event()
    surroundings = dict(os.environ)  # as it was given; the site's own processes share the cores otherwise

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--demo", action="store_true", help="add a small video made by Kinoscope itself")
        parser.add_argument("--processes", type=int, metavar="N", help="of the site; default: by its cores")
        parser.add_argument("--no-worker", action="store_true", help="the site only; workers run elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        place = listen(options["host"], options["port"])
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        greet_first_admin(self.stdout, f"http://{options['host']}:{options['port']}")
        if options["demo"]:
            threading.Thread(target=self.add_demo, daemon=True).start()
        cores, memory = os.cpu_count() or 1, psutil.virtual_memory().total
        processes = options["processes"] or count_children(cores, memory, PROCESS_BYTES)
        counts = tempfile.mkdtemp(prefix="kinoscope-counts-")
        if processes > 1:
            os.environ[MANY_PROCESSES] = counts  # metrics are those of all
            share = str(max(1, cores // processes))  # of the cores: processes would take each other's time
            for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
                os.environ.setdefault(library, share)
        # uvicorn raises SIGTERM again once it has stopped: this turns it into an orderly end, `finally` included.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        if not options["no_worker"]:
            for number in range(count_children(cores, memory, WORKER_BYTES)):
                threading.Thread(target=self.keep_worker, args=(number,), daemon=True).start()
        self.stdout.write(f"Kinoscope: http://{options['host']}:{options['port']}/   (Ctrl-C stops it)")
        self.stdout.flush()
        try:
            config = uvicorn.Config(
                "webapp.asgi:application",
                loop="webapp.asgi:EvenLoop",
                workers=processes,
                log_level="warning",
                lifespan="off",
                server_header=False,
                forwarded_allow_ips=settings.KINOSCOPE_PROXIES,
                timeout_graceful_shutdown=5,
                timeout_worker_healthcheck=HUNG_SECONDS,
            )
            if processes > 1:
                Multiprocess(config, sockets=[place]).run()
            else:
                uvicorn.Server(config).run(sockets=[place])
        finally:
            self.stopping.set()
            self.stop_workers()
            shutil.rmtree(counts, ignore_errors=True)

    def stop_workers(self) -> None:
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            try:
                worker.wait(timeout=10)
            except subprocess.TimeoutExpired:
                worker.kill()

    def keep_worker(self, number: int) -> None:
        """Start a worker, and another when it dies: later and later while it dies at once."""
        pause = 1.0
        while not self.stopping.is_set():
            begun = time.monotonic()
            self.workers[number] = self.start_worker()
            code = self.workers[number].wait()
            if self.stopping.is_set():
                return
            pause = 1.0 if time.monotonic() - begun > 60 else min(60.0, 2 * pause)
            log.error("the worker ended with %s; starting another in %.0f s", code, pause)
            self.stopping.wait(pause)

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """A child process, so that a decoder's crash can't take the site down."""
        return subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--parent", str(os.getpid())],
            env={"OMP_NUM_THREADS": "2", **self.surroundings},
            start_new_session=True,
        )

    def add_demo(self) -> None:
        from webapp.operations import demo

        owner = User.objects.filter(is_superuser=True).order_by("pk").first()
        assert owner is not None
        demo.add_all(owner)
