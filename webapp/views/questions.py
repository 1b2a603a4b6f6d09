"""Asking one video or the whole library: a page, or a stream of sentences as they are found (server-sent events)."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_list_or_404, get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.answers import events, threads
from webapp.answers.suggestions import suggest_first, suggest_next
from webapp.models import Question, SharedThread, User, Video
from webapp.parsing import parse_key, parse_number
from webapp.people.access import signed_in, visible_video


@login_required
def ask_library(request: HttpRequest) -> HttpResponseBase:
    user = signed_in(request)
    text = request.POST.get("q", "").strip()
    if text:
        if events.wants_events(request):
            return stream(request, user, text, None)
        thread, instead = read_thread(request)
        threads.ask(user, text, None, thread, instead)
        return redirect(f"{reverse('ask')}?thread={thread}")
    return render(request, "ask.html", open_thread(user, None, request.GET.get("thread", "")))


@require_POST
@login_required
def ask_video(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video, user = visible_video(request, key), signed_in(request)
    text = request.POST.get("q", "").strip()
    if text and events.wants_events(request):
        return stream(request, user, text, video)
    if not text:
        return redirect("watch", video.key)
    thread, instead = read_thread(request)
    threads.ask(user, text, video, thread, instead)
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
def judge_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whether an answer to a question of one's own was right; the same again takes it back."""
    question = get_object_or_404(Question, pk=pk, asker=signed_in(request))
    good = request.POST.get("good") == "1"
    question.good = None if question.good == good else good
    question.save(update_fields=["good"])
    return redirect(threads.address(question))


@require_POST
@login_required
def drop_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    """Forget a whole conversation of one's own."""
    questions = Question.objects.filter(asker=signed_in(request), thread=thread)
    question = get_list_or_404(questions)[0]
    questions.delete()
    SharedThread.objects.filter(thread=thread).delete()
    return leave(question)


@require_POST
@login_required
def rename_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    """Call a conversation of one's own something; nothing calls it by its first question again."""
    questions = Question.objects.filter(asker=signed_in(request), thread=thread)
    question = get_list_or_404(questions)[0]
    questions.update(thread_name=request.POST.get("name", "").strip()[:100])
    return redirect(threads.address(question))


@require_safe
@login_required
def export_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    """A conversation of one's own as Markdown, each sentence with the addresses of its moments."""
    user = signed_in(request)
    rows = user.questions.filter(thread=thread).order_by("pk")
    questions = get_list_or_404(rows)
    text = threads.write_markdown(questions, threads.cited_videos(user, questions), request.build_absolute_uri)
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="conversation.md"'
    return response


def leave(question: Question) -> HttpResponseRedirect:
    return redirect("watch", question.video.key) if question.video else redirect("ask")


def open_thread(user: User, video: Video | None, wanted: str) -> dict[str, Any]:
    """For the page: the conversation that is named, `new` for an empty one, else the latest; and what else there is.

    Raises `Http404` for one that is not theirs.
    """
    listed = threads.list_threads(user, video)
    thread = wanted or str(listed[0].thread if listed else "new")
    if thread == "new":
        first = {} if video else {"suggestions": suggest_first(user)}
        return {"thread": uuid.uuid4(), "asked": [], "threads": listed, "cited": {}, **first}
    mine = user.questions.filter(video=video, thread=parse_key(thread) or uuid.uuid4())
    questions = list(mine.select_related("video").order_by("pk"))
    if not questions:
        raise Http404
    cited = threads.cited_videos(user, questions)
    return {
        "thread": questions[0].thread,
        "asked": questions,
        "threads": listed,
        "cited": cited,
        "next": suggest_next(questions, cited),
        "shared_thread": SharedThread.objects.filter(thread=questions[0].thread).first(),
    }


def read_thread(request: HttpRequest) -> tuple[uuid.UUID, int | None]:
    """The conversation that a form names, a new one when that is none; and the question that is asked again."""
    thread = parse_key(request.POST.get("thread", "")) or uuid.uuid4()
    return thread, parse_number(request.POST.get("instead", ""))


def stream(request: HttpRequest, user: User, text: str, video: Video | None) -> StreamingHttpResponse:
    """The finished answer comes as HTML."""

    def finish(question: Question) -> dict[str, Any]:
        exchanges = list(user.questions.filter(video=video, thread=question.thread).order_by("pk"))
        cited = threads.cited_videos(user, [question])
        context = {"question": question, "video": video, "cited": cited, "next": suggest_next(exchanges, cited)}
        return {"html": render_to_string("fragments/answer.html", context, request)}

    thread, instead = read_thread(request)
    return events.send(events.write_events(user, text, video, thread, finish, instead))
