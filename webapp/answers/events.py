"""Answers as they are found: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation

from qa.questions import language_of
from qa.types import Sentence
from webapp.answers import replies, threads
from webapp.models import Question, User, Video

CONTENT_TYPE = "text/event-stream"


def wants_events(request: HttpRequest) -> bool:
    return CONTENT_TYPE in request.headers.get("Accept", "")


def send(events: Iterator[str], status: int = 200) -> StreamingHttpResponse:
    """Server-sent events, each as soon as there is one."""
    response = StreamingHttpResponse(_pull(events), status=status, content_type=CONTENT_TYPE)
    response["X-Accel-Buffering"] = "no"  # nginx would hold sentences back
    return response


def write_events(
    user: User,
    text: str,
    video: Video | None,
    thread: uuid.UUID,
    finish: Callable[[Question], dict[str, Any]],
    instead: int | None = None,
) -> Iterator[str]:
    """`sentence` events with plain text, then one `done` event: what `finish` makes of the question that was kept.

    Told in the language of the request, though it is another thread that writes.
    """
    language = translation.get_language()

    def write() -> Iterator[str]:
        scope = [video.pk] if video else None
        for item in replies.stream(user, text, scope, threads.earlier_turns(user, video, thread)):
            with translation.override(language):
                if isinstance(item, Sentence):
                    event = _event("sentence", {"text": replies.tell(asdict(item), language_of(text))})
                else:
                    event = _event("done", finish(threads.store_answer(user, video, thread, item, instead)))
            yield event

    return write()


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _pull(events: Iterator[str]) -> AsyncIterator[str]:
    """One at a time, so that each leaves at once, on a thread of their own: the one of the view is gone by now."""
    loop, worker = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    try:
        while part := await loop.run_in_executor(worker, next, events, ""):
            yield part
    finally:
        worker.submit(connections.close_all)
        worker.shutdown(wait=False)
