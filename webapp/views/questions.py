"""Asking one video or the whole library: a page, or a stream of sentences as they are found (server-sent events)."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_POST

from qa.types import Sentence, Turn
from webapp import answering
from webapp.access import signed_in, visible_video
from webapp.models import Question, User, Video

TURNS = 3  # earlier exchanges a decoder is told
EVENTS = "text/event-stream"
EARLIER = 10  # shown


@login_required
def ask_library(request: HttpRequest) -> HttpResponseBase:
    user = signed_in(request)
    text = request.POST.get("q", request.GET.get("q", "")).strip()
    fresh = None
    if text and request.method == "POST":
        if wants_events(request):
            return stream(request, user, text, None)
        fresh = answer(user, text, None, request.POST.get("instead", ""))
    earlier = user.questions.filter(video=None).exclude(pk=fresh.pk if fresh else None)[:EARLIER]
    return render(request, "ask.html", {"question": fresh, "earlier": earlier, **cited_videos(user, [fresh, *earlier])})


@require_POST
@login_required
def ask_video(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video, user = visible_video(request, key), signed_in(request)
    text = request.POST.get("q", "").strip()
    if text and wants_events(request):
        return stream(request, user, text, video)
    if text:
        answer(user, text, video, request.POST.get("instead", ""))
    return redirect(f"{reverse('watch', args=[video.key])}#answers")


@require_POST
@login_required
def drop_question(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a question of one's own and its answer."""
    question = get_object_or_404(Question, pk=pk, asker=signed_in(request))
    video = question.video
    question.delete()
    return redirect("watch", video.key) if video else redirect("ask")


def wants_events(request: HttpRequest) -> bool:
    return EVENTS in request.headers.get("Accept", "")


def answer(user: User, text: str, video: Video | None, instead: str = "") -> Question:
    """Ask, keep question and answer (in the place of an earlier one that is asked again), return the row."""
    reply = answering.ask(user, text, [video.pk] if video else None, earlier_turns(user, video))
    return keep(user, video, reply, instead)


def earlier_turns(user: User, video: Video | None) -> list[Turn]:
    return [Turn(q.text, q.answer.get("answer", "")) for q in reversed(user.questions.filter(video=video)[:TURNS])]


def keep(user: User, video: Video | None, reply: answering.Reply, instead: str) -> Question:
    record = reply.record()
    if instead.isascii() and instead.isdigit() and len(instead) < 19:
        user.questions.filter(pk=int(instead), video=video).delete()
    question = Question.objects.create(asker=user, video=video, text=reply.question, answer=record)
    question.cited.set({c["video"] for s in record["sentences"] for c in s["citations"]})
    return question


def stream(request: HttpRequest, user: User, text: str, video: Video | None) -> StreamingHttpResponse:
    """`sentence` events with plain text, then one `done` event with the finished answer as HTML."""
    response = StreamingHttpResponse(
        pull(write_events(request, user, text, video, translation.get_language())), content_type=EVENTS
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold sentences back
    return response


def write_events(request: HttpRequest, user: User, text: str, video: Video | None, language: str) -> Iterator[str]:
    for item in answering.stream(user, text, [video.pk] if video else None, earlier_turns(user, video)):
        if isinstance(item, Sentence):
            yield event("sentence", {"text": item.text})
        else:
            question = keep(user, video, item, request.POST.get("instead", ""))
            context = {"question": question, "video": video, **cited_videos(user, [question])}
            with translation.override(language):  # another thread than that of the view
                html = render_to_string("fragments/answer.html", context, request)
            yield event("done", {"html": html})


def event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def pull(events: Iterator[str]) -> AsyncIterator[str]:
    """One at a time, so that each leaves at once, on a thread of their own: the one of the view is gone by now."""
    loop, worker = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    try:
        while part := await loop.run_in_executor(worker, next, events, ""):
            yield part
    finally:
        worker.submit(connections.close_all)
        worker.shutdown(wait=False)


def cited_videos(user: User, questions: list[Question | None]) -> dict[str, dict[int, Video]]:
    """Videos that the citations name, as far as the person may (still) see them."""
    ids = {c["video"] for q in questions if q for s in q.answer.get("sentences", []) for c in s.get("citations", [])}
    return {"cited": Video.objects.visible_to(user).in_bulk(ids)}
