"""Asking one video or the whole library."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from qa.types import Turn
from webapp import answering
from webapp.access import signed_in, visible_video
from webapp.models import Question, User, Video

TURNS = 3  # earlier exchanges a decoder is told


@login_required
def ask_library(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    text = request.POST.get("q", request.GET.get("q", "")).strip()
    fresh = answer(user, text, None) if text and request.method == "POST" else None
    earlier = user.questions.filter(video=None).exclude(pk=fresh.pk if fresh else None)[:10]
    template = "fragments/answer.html" if "fragment" in request.GET else "ask.html"
    return render(request, template, {"question": fresh, "earlier": earlier, **cited_videos(user, [fresh, *earlier])})


@require_POST
@login_required
def ask_video(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    video, user = visible_video(request, key), signed_in(request)
    text = request.POST.get("q", "").strip()
    fresh = answer(user, text, video) if text else None
    return render(request, "fragments/answer.html", {"question": fresh, "video": video, **cited_videos(user, [fresh])})


def answer(user: User, text: str, video: Video | None) -> Question:
    """Ask, keep question and answer, return the row."""
    earlier = reversed(user.questions.filter(video=video)[:TURNS])
    turns = [Turn(q.text, q.answer.get("answer", "")) for q in earlier]
    reply = answering.ask(user, text, [video.pk] if video else None, turns)
    record = reply.record()
    question = Question.objects.create(asker=user, video=video, text=reply.question, answer=record)
    question.cited.set({c["video"] for s in record["sentences"] for c in s["citations"]})
    return question


def cited_videos(user: User, questions: list[Question | None]) -> dict[str, dict[int, Video]]:
    """Videos that the citations name, as far as the person may (still) see them."""
    ids = {c["video"] for q in questions if q for s in q.answer.get("sentences", []) for c in s.get("citations", [])}
    return {"cited": Video.objects.visible_to(user).in_bulk(ids)}
