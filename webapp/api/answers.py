"""Search and questions."""

import uuid
from collections.abc import Iterator
from typing import Any, Literal

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from qa.types import Sentence
from webapp import answering, searching
from webapp.access import signed_in, visible_video
from webapp.api.schemas import AnswerOut, Asked, FoundOut
from webapp.api.service import ERRORS, Page, Window, allowed, throttled, turn_to
from webapp.models import Question, User, Video
from webapp.views import questions

router = Router(tags=["search and questions"])


@router.get("/search", auth=allowed("read"), response={200: FoundOut, **ERRORS})
@throttled("search")
def search(
    request: HttpRequest,
    q: str = Query(min_length=1, max_length=500),
    limit: int = Query(20, ge=1, le=100),
    by: Literal["moment", "video"] = "moment",
    video: uuid.UUID | None = None,
) -> Any:
    """Moments that fit a description, best first: what is seen, said or written on screen. `confident` is false when
    nothing fits better than chance.
    """
    scope = [visible_video(request, video).pk] if video else None
    return FoundOut.of(searching.find(signed_in(request), q, limit, by, scope))


@router.post(
    "/answers",
    auth=allowed("ask"),
    response={201: AnswerOut, **ERRORS},
    openapi_extra={
        "responses": {201: {"content": {questions.EVENTS: {"schema": {"type": "string"}}}}},
    },
)
@throttled("ask")
def ask(request: HttpRequest, asked: Asked) -> Any:
    """Ask the library or one video. With `Accept: text/event-stream` sentences come as they are found (`sentence`),
    and the whole at the end (`done`).
    """
    user = signed_in(request)
    video = visible_video(request, asked.video) if asked.video else None
    thread = asked.thread or uuid.uuid4()
    if questions.wants_events(request):
        response = StreamingHttpResponse(
            questions.pull(write_events(user, asked.question, video, thread)),
            status=201,
            content_type=questions.EVENTS,
        )
        response["X-Accel-Buffering"] = "no"
        return response
    question = questions.answer(user, asked.question, video, thread)
    return Status(201, AnswerOut.of(question, questions.cited_videos(user, [question])))


def write_events(user: User, text: str, video: Video | None, thread: uuid.UUID) -> Iterator[str]:
    turns = questions.earlier_turns(user, video, thread)
    for item in answering.stream(user, text, [video.pk] if video else None, turns):
        if isinstance(item, Sentence):
            yield questions.event("sentence", {"text": item.text})
        else:
            question = questions.keep(user, video, thread, item, "")
            whole = AnswerOut.of(question, questions.cited_videos(user, [question]))
            yield questions.event("done", whole.model_dump(mode="json"))


@router.get("/answers", auth=allowed("read"), response={200: Page[AnswerOut], **ERRORS})
def list_answers(request: HttpRequest, window: Query[Window]) -> Any:
    """What this person asked and was answered, the newest first."""
    user = signed_in(request)
    page = turn_to(user.questions.select_related("video"), window)
    rows = list(page["items"])
    cited = questions.cited_videos(user, rows)
    return {**page, "items": [AnswerOut.of(question, cited) for question in rows]}


@router.delete("/answers/{int:number}", auth=allowed("ask"), response={204: None, **ERRORS})
def forget_answer(request: HttpRequest, number: int) -> Any:
    get_object_or_404(Question, pk=number, asker=signed_in(request)).delete()
    return Status(204, None)
