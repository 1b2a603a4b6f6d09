"""Asking one video or the whole library: a page, or a stream of sentences as they are found (server-sent events)."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connections
from django.db.models import Max, Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_list_or_404, get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_POST

from qa.types import Sentence, Turn
from webapp.answers import replies
from webapp.models import Question, User, Video
from webapp.people.access import signed_in, visible_video
from webapp.search.filters import parse_key, parse_number

TURNS = 3  # earlier exchanges a decoder is told
EVENTS = "text/event-stream"
THREADS = 20  # listed


@login_required
def ask_library(request: HttpRequest) -> HttpResponseBase:
    user = signed_in(request)
    text = request.POST.get("q", "").strip()
    if text:
        if wants_events(request):
            return stream(request, user, text, None)
        thread = read_thread(request.POST.get("thread", ""))
        answer(user, text, None, thread, request.POST.get("instead", ""))
        return redirect(f"{reverse('ask')}?thread={thread}")
    return render(request, "ask.html", open_thread(user, None, request.GET.get("thread", "")))


@require_POST
@login_required
def ask_video(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video, user = visible_video(request, key), signed_in(request)
    text = request.POST.get("q", "").strip()
    if text and wants_events(request):
        return stream(request, user, text, video)
    thread = read_thread(request.POST.get("thread", ""))
    if not text:
        return redirect("watch", video.key)
    answer(user, text, video, thread, request.POST.get("instead", ""))
    return redirect(f"{reverse('watch', args=[video.key])}?thread={thread}#ask")


@require_POST
@login_required
def drop_question(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a question of one's own and its answer."""
    question = get_object_or_404(Question, pk=pk, asker=signed_in(request))
    question.delete()
    return leave(question)


@require_POST
@login_required
def drop_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    """Forget a whole conversation of one's own."""
    questions = Question.objects.filter(asker=signed_in(request), thread=thread)
    question = get_list_or_404(questions)[0]
    questions.delete()
    return leave(question)


def leave(question: Question) -> HttpResponse:
    return redirect("watch", question.video.key) if question.video else redirect("ask")


def open_thread(user: User, video: Video | None, wanted: str) -> dict[str, Any]:
    """For the page: the conversation that is named, `new` for an empty one, else the latest; and what else there is.

    Raises `Http404` for one that is not theirs.
    """
    mine = user.questions.filter(video=video)
    begun = mine.values("thread").annotate(first=Min("pk"), last=Max("pk")).order_by("-last")[:THREADS]
    threads = mine.select_related("video").in_bulk([row["first"] for row in begun])
    listed = [threads[row["first"]] for row in begun]
    thread = wanted or str(listed[0].thread if listed else "new")
    if thread == "new":
        return {"thread": uuid.uuid4(), "asked": [], "threads": listed, "cited": {}}
    asked = list(mine.filter(thread=read_thread(thread)).select_related("video").order_by("pk"))
    if not asked:
        raise Http404
    return {"thread": asked[0].thread, "asked": asked, "threads": listed, "cited": cited_videos(user, asked)}


def read_thread(text: str) -> uuid.UUID:
    """What a form or an address names; a new thread when that is none."""
    return parse_key(text) or uuid.uuid4()


def wants_events(request: HttpRequest) -> bool:
    return EVENTS in request.headers.get("Accept", "")


def answer(user: User, text: str, video: Video | None, thread: uuid.UUID, instead: str = "") -> Question:
    """Ask, keep question and answer (in the place of an earlier one that is asked again), return the row."""
    reply = replies.ask(user, text, [video.pk] if video else None, earlier_turns(user, video, thread))
    return keep(user, video, thread, reply, instead)


def earlier_turns(user: User, video: Video | None, thread: uuid.UUID) -> list[Turn]:
    last = user.questions.filter(video=video, thread=thread)[:TURNS]
    return [Turn(q.text, q.answer.get("answer", "")) for q in reversed(last)]


def keep(user: User, video: Video | None, thread: uuid.UUID, reply: replies.Reply, instead: str) -> Question:
    record = reply.record()
    question = Question(asker=user, video=video, thread=thread, text=reply.question, answer=record)
    number = parse_number(instead)
    if number is not None:
        former = user.questions.filter(pk=number, video=video, thread=thread).first()
        if former is not None:  # the same row, so that it keeps its place in the conversation
            question.pk, question.asked_at = former.pk, former.asked_at
    question.save()
    question.cited.set({c["video"] for s in record["sentences"] for c in s["citations"]})
    return question


def stream(request: HttpRequest, user: User, text: str, video: Video | None) -> StreamingHttpResponse:
    """The finished answer comes as HTML."""
    language = translation.get_language()

    def finish(question: Question) -> dict[str, Any]:
        context = {"question": question, "video": video, "cited": cited_videos(user, [question])}
        with translation.override(language):  # another thread than that of the view
            return {"html": render_to_string("fragments/answer.html", context, request)}

    thread, instead = read_thread(request.POST.get("thread", "")), request.POST.get("instead", "")
    return send(write_events(user, text, video, thread, finish, instead))


def send(events: Iterator[str], status: int = 200) -> StreamingHttpResponse:
    """Server-sent events, each as soon as there is one."""
    response = StreamingHttpResponse(pull(events), status=status, content_type=EVENTS)
    response["X-Accel-Buffering"] = "no"  # nginx would hold sentences back
    return response


def write_events(
    user: User,
    text: str,
    video: Video | None,
    thread: uuid.UUID,
    finish: Callable[[Question], dict[str, Any]],
    instead: str = "",
) -> Iterator[str]:
    """`sentence` events with plain text, then one `done` event: what `finish` makes of the question that was kept."""
    for item in replies.stream(user, text, [video.pk] if video else None, earlier_turns(user, video, thread)):
        if isinstance(item, Sentence):
            yield event("sentence", {"text": item.text})
        else:
            yield event("done", finish(keep(user, video, thread, item, instead)))


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


def cited_videos(user: User, questions: Sequence[Question]) -> dict[int, Video]:
    """Videos that the citations name, as far as the person may (still) see them."""
    ids = {c["video"] for q in questions for s in q.answer.get("sentences", []) for c in s.get("citations", [])}
    return Video.objects.visible_to(user).in_bulk(ids)
