"""Search and questions."""

import uuid
from typing import Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from webapp.answers import events, threads
from webapp.api.schemas import AnswerOut, FoundOut, QuestionIn
from webapp.api.service import ERRORS, Page, Window, allowed, throttled, turn_to
from webapp.models import Question
from webapp.people.access import signed_in, visible_video
from webapp.search.moments import find_moments
from webapp.search.queries import Wanted

router = Router(tags=["search and questions"])


@router.get("/search", auth=allowed("read"), response={200: FoundOut, **ERRORS})
@throttled("search")
def search(
    request: HttpRequest,
    q: str = Query(min_length=1, max_length=500),
    limit: int = Query(20, ge=1, le=100),
    by: Literal["moment", "video"] = "moment",
    video: uuid.UUID | None = None,
    literal: bool = False,
) -> Any:
    """Moments that fit a description, best first: what is seen, said or written on screen. `confident` is false when
    nothing fits better than chance. A query may hold `"exact words"`, `-without`, `OR`, `title:`, `speaker:`, `in:`,
    `by:`, `before:`, `after:`, `longer:` and `shorter:`; mistyped words are corrected unless it is `literal`.
    """
    scope = [visible_video(request, video).pk] if video else None
    return FoundOut.of(find_moments(signed_in(request), Wanted(q, literal=literal), limit, by, scope))


@router.post(
    "/answers",
    auth=allowed("ask"),
    response={201: AnswerOut, **ERRORS},
    openapi_extra={
        "responses": {201: {"content": {events.CONTENT_TYPE: {"schema": {"type": "string"}}}}},
    },
)
@throttled("ask")
def ask(request: HttpRequest, wanted: QuestionIn) -> Any:
    """Ask the library or one video. With `Accept: text/event-stream` sentences come as they are found (`sentence`),
    and the whole at the end (`done`).
    """
    user = signed_in(request)
    video = visible_video(request, wanted.video) if wanted.video else None
    thread = wanted.thread or uuid.uuid4()

    def finish(question: Question) -> AnswerOut:
        return AnswerOut.of(question, threads.cited_videos(user, [question]))

    if events.wants_events(request):
        return events.send(
            events.write_events(user, wanted.question, video, thread, lambda q: finish(q).model_dump(mode="json")),
            201,
        )
    return Status(201, finish(threads.ask(user, wanted.question, video, thread)))


@router.get("/answers", auth=allowed("read"), response={200: Page[AnswerOut], **ERRORS})
def list_answers(request: HttpRequest, window: Query[Window]) -> Any:
    """What this person asked and was answered, the newest first."""
    user = signed_in(request)
    page = turn_to(user.questions.select_related("video"), window)
    rows = list(page["items"])
    cited = threads.cited_videos(user, rows)
    return {**page, "items": [AnswerOut.of(question, cited) for question in rows]}


@router.delete("/answers/{int:number}", auth=allowed("ask"), response={204: None, **ERRORS})
def forget_answer(request: HttpRequest, number: int) -> Any:
    get_object_or_404(Question, pk=number, asker=signed_in(request)).delete()
    return Status(204, None)
