"""Videos: lists, what was understood of one, its steps, changes."""

import uuid
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from webapp.api.schemas import Person, SimilarOut, StepOut, UtteranceOut, VideoChange, VideoDetail, VideoOut
from webapp.api.service import ERRORS, Page, Window, allowed, find_people, turn_to
from webapp.index import recipes
from webapp.index.changes import note_rights
from webapp.models import Video
from webapp.people import audit
from webapp.people.access import editable_video, signed_in, visible_video
from webapp.pipeline import ledger
from webapp.search import heat, recommendations
from webapp.search.moments import MAX_QUERY_CHARACTERS
from webapp.uploads import removal

router = Router(tags=["videos"])
ORDERS = {"new": "-created_at", "old": "created_at", "title": "title", "long": "-duration", "short": "duration"}


@router.get("/me", auth=allowed("read"), response={200: Person, **ERRORS})
def me(request: HttpRequest) -> Any:
    """Who the token or session belongs to."""
    user = signed_in(request)
    return {"name": user.username, "role": user.role, "may_upload": user.may_upload}


@router.get("/videos", auth=allowed("read"), response={200: Page[VideoOut], **ERRORS})
def list_videos(
    request: HttpRequest,
    window: Query[Window],
    mine: bool = False,
    status: Literal["processing", "searchable", "ready", "failed"] | None = None,
    order: Literal["new", "old", "title", "long", "short"] = "new",
) -> Any:
    """Videos that the person may see."""
    user = signed_in(request)
    rows = Video.objects.visible_to(user).select_related("owner").order_by(ORDERS[order], "pk")
    if mine:
        rows = rows.filter(owner=user)
    if status:
        rows = rows.filter(status=status)
    return turn_to(rows, window)


@router.get("/videos/{uuid:key}", auth=allowed("read"), response={200: VideoDetail, **ERRORS})
def get_video(request: HttpRequest, key: uuid.UUID) -> Any:
    video = visible_video(request, key)
    audit.record_view(request, "watch", video)
    return video


@router.patch("/videos/{uuid:key}", auth=allowed("edit"), response={200: VideoDetail, **ERRORS})
def change_video(request: HttpRequest, key: uuid.UUID, change: VideoChange) -> Any:
    """Title, visibility and the people it is shared with, each only if given."""
    video = editable_video(request, key)
    people = None if change.shared_with is None else find_people(change.shared_with)
    before = video.visibility
    video.title, video.visibility = change.title or video.title, change.visibility or video.visibility
    video.save(update_fields=["title", "visibility"])
    if people is not None:
        video.shared_with.set(people)
    if people is not None or before != video.visibility:
        note_rights([video.pk])
    audit.note(request, "edit", video, before, video.visibility)
    return video


@router.delete("/videos/{uuid:key}", auth=allowed("edit"), response={204: None, **ERRORS})
def delete_video(request: HttpRequest, key: uuid.UUID) -> Any:
    """The video and everything derived from it, at once and for good."""
    video = editable_video(request, key)
    removal.remove(video)
    audit.note(request, "delete", video)
    return Status(204, None)


@router.get("/videos/{uuid:key}/transcript", auth=allowed("read"), response={200: list[UtteranceOut], **ERRORS})
def get_transcript(request: HttpRequest, key: uuid.UUID) -> Any:
    return visible_video(request, key).utterances.all()


@router.get(
    "/videos/{uuid:key}/heat",
    auth=allowed("read"),
    response={200: None, 204: None, **ERRORS},
    openapi_extra={"responses": {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}},
)
def draw_heat(request: HttpRequest, key: uuid.UUID, q: Annotated[str, Query(min_length=1)], t: float = 0.0) -> Any:
    """Where in the keyframe nearest to `t` the query is seen: a PNG to lay over it, 204 where nothing is known.
    `X-Time` is the frame's time.
    """
    drawn = heat.draw_heat(visible_video(request, key), q[:MAX_QUERY_CHARACTERS], t, recipes.answering())
    if drawn is None:
        return Status(204, None)
    return HttpResponse(drawn.png, content_type="image/png", headers={"X-Time": f"{drawn.time:.3f}"})


@router.get("/videos/{uuid:key}/similar", auth=allowed("read"), response={200: list[SimilarOut], **ERRORS})
def list_similar(request: HttpRequest, key: uuid.UUID) -> Any:
    return recommendations.similar(signed_in(request), visible_video(request, key))


@router.get("/videos/{uuid:key}/steps", auth=allowed("read"), response={200: list[StepOut], **ERRORS})
def list_steps(request: HttpRequest, key: uuid.UUID) -> Any:
    """What was, is and will be done with it. Poll this to wait for `ready`."""
    return visible_video(request, key).steps.all()


@router.post("/videos/{uuid:key}/cancel", auth=allowed("edit"), response={200: list[StepOut], **ERRORS})
def cancel(request: HttpRequest, key: uuid.UUID) -> Any:
    video = editable_video(request, key)
    ledger.cancel(video)
    return video.steps.all()


@router.post("/videos/{uuid:key}/retry", auth=allowed("edit"), response={200: list[StepOut], **ERRORS})
def retry(request: HttpRequest, key: uuid.UUID) -> Any:
    """All steps that did not end well, once more."""
    video = editable_video(request, key)
    ledger.retry(video)
    return video.steps.all()


@router.get("/recommendations", auth=allowed("read"), response={200: list[SimilarOut], **ERRORS})
def list_recommendations(request: HttpRequest, limit: int = Query(8, ge=1, le=50)) -> Any:
    return recommendations.recommend(signed_in(request), limit)
