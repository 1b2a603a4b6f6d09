"""Bytes of a request as they arrive. Django's ASGI handler stores a whole body before any view may refuse it; here the
view, and the upload handler of a form, read it from the network piece by piece.
"""

import asyncio
import contextvars
import io
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.core.handlers.asgi import ASGIHandler

from webapp.search import pictures
from webapp.uploads import intake

REFUSED = "refused_upload"  # what a request carries whose form was cut off
IDLE_SECONDS = 30.0  # without a byte, after which a connection is given up

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Body(io.RawIOBase):
    """A request's body as a file to read from the view's thread; awaited as `receive` it waits for the client to go."""

    def __init__(self, receive: Receive, is_empty: bool) -> None:
        self._receive, self._loop = receive, asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._left = b""
        self._over = is_empty
        self._broken: OSError | None = None
        self._listening = asyncio.Event()  # to what comes after the body: only the client's going
        if is_empty:
            self._listening.set()

    async def __call__(self) -> dict[str, Any]:
        """Django listens here for a disconnect while the view runs; the body's own messages are not for it."""
        await self._listening.wait()
        while (message := await self._receive())["type"] == "http.request":
            pass
        return message

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end. Raises `OSError` when the client went, or says nothing more; what
        came before that is read first.
        """
        if size is None or size < 0:
            raise OSError("a body is read in bounded pieces")
        while len(self._left) < size and not self._over:
            try:
                self._left += self._next()
            except OSError as error:
                self._over, self._broken = True, error
        if self._broken and not self._left:
            raise self._broken
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def _next(self) -> bytes:
        # Reading goes on in the context that asks for it, and so do later requests of the connection. In that of the
        # view's thread they would be sent to the view's executor (asgiref's), which has ended by then.
        future = self._context.run(asyncio.run_coroutine_threadsafe, self._message(), self._loop)
        try:
            message = future.result(IDLE_SECONDS)
        except TimeoutError:
            future.cancel()
            raise OSError("the client sent nothing for too long") from None
        if message["type"] == "http.disconnect":
            raise OSError("the client went away")
        self._over = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def _message(self) -> dict[str, Any]:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._listening.set()
        return message


class Handler(ASGIHandler):
    """Django's, but it reads a body when somebody asks for it."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        is_empty = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers
        await super().handle(scope, Body(receive, is_empty), send)

    async def read_body(self, receive: Any) -> Any:
        return receive


class FormUpload(TemporaryFileUploadHandler):
    """Files of a plain form: nothing is stored for those who may not upload, nor beyond what they may."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        user = getattr(self.request, "user", None)
        match = getattr(self.request, "resolver_match", None)
        asks = match is not None and match.url_name == "search-picture"
        if user is None or not user.is_authenticated or not (user.may_upload or asks):
            raise StopUpload(connection_reset=True)  # the view says why
        self._free = pictures.MAX_BYTES if asks else intake.free_bytes(user)
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            intake.check_size(start + len(raw_data), self.file_name or "")
            intake.check_share(start + len(raw_data), self._free)
        except intake.Refused as refusal:
            setattr(self.request, REFUSED, refusal)
            raise StopUpload(connection_reset=True) from None
        super().receive_data_chunk(raw_data, start)
