"""Entry point of the ASGI server: few answers are computed at once, the rest wait in line."""

import asyncio
import multiprocessing
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# Only WhiteNoise's static files (some kilobytes each) are read synchronously; media are not, see `views.media`.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
django.setup()

from django.db import close_old_connections, connections  # noqa: E402
from django.http import HttpRequest, HttpResponseBase  # noqa: E402
from django.utils.translation import get_language_from_request, override  # noqa: E402

from webapp.instruments import start_tracing  # noqa: E402
from webapp.problems import say_busy  # noqa: E402
from webapp.search.moments import warm_up  # noqa: E402
from webapp.uploads.body import Handler  # noqa: E402

MAX_AT_ONCE = 3  # pages in this process: Python computes one of them, the others wait for the database or a model
MAX_WAIT_SECONDS = 10.0  # in the line; who would wait for longer is told to return
QUEUE = 2048  # connections that wait to be accepted
MAX_SENDERS = 512  # who send something at once: most of them wait for their own network
AT_ONCE = ("/health",)  # what a supervisor asks must not wait behind pages


class Line(Handler):
    """Reads are answered in the order in which they came, however many come at once, by threads that keep their
    connection to the database: opening one costs as much as a small page. What is sent by POST takes as long as its
    sender does and is limited per person; the bytes of a file or of an answer are streamed outside the line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)  # every view is synchronous: one change of threads a request
        self._readers = ThreadPoolExecutor(MAX_AT_ONCE, "reader")
        self._senders = ThreadPoolExecutor(MAX_SENDERS, "sender")

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        run = copy_context().run
        if request.method not in ("GET", "HEAD") or request.path_info.startswith(AT_ONCE):
            return await asyncio.wrap_future(self._senders.submit(run, self._answer_once, request))
        asked = self._readers.submit(run, self._answer, request)
        answered = asyncio.wrap_future(asked)
        await asyncio.wait({answered}, timeout=MAX_WAIT_SECONDS)
        if not answered.done() and asked.cancel():
            with override(get_language_from_request(request)):
                return say_busy(request)
        return await answered

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()

    def _answer_once(self, request: HttpRequest) -> HttpResponseBase:
        """There may be many of these threads, and a database has few connections."""
        try:
            return self.get_response(request)
        finally:
            connections.close_all()


class EvenLoop(asyncio.SelectorEventLoop):
    """Of several processes at one port none takes more than one new connection before the others had their chance:
    asyncio accepts all that wait, so that whoever woke first had all the work.
    """

    async def create_server(self, *given: Any, backlog: int = QUEUE, **options: Any) -> asyncio.Server:
        """`backlog` is also how many asyncio accepts at once; the kernel's queue is set behind its back."""
        server = await super().create_server(*given, backlog=1, **options)
        options["sock"].listen(backlog)
        return server


def leave_with_parent() -> None:
    """One of several processes of a site must not keep the port when the first of them was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


start_tracing("kinoscope-web")
application = Line()
threading.Thread(target=leave_with_parent, daemon=True).start()
threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
