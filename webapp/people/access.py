"""Finding a video for a person: what they may not see is answered like what does not exist."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from webapp.models import Collection, User, Video
from webapp.problems import ask_to_sign_in


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that `login_required` let through."""
    user = request.user
    assert isinstance(user, User)
    return user


def require_session(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For files: who is not signed in gets 401, and not a page that a player would take for the file."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else ask_to_sign_in()

    return guarded


def visible_video(request: HttpRequest, key: uuid.UUID) -> Video:
    return get_object_or_404(Video.objects.visible_to(request.user).select_related("owner"), key=key)


def editable_video(request: HttpRequest, key: uuid.UUID) -> Video:
    return get_object_or_404(Video.objects.editable_by(request.user), key=key)


def people_to_tick(shared: Video | Collection, may_edit: bool) -> dict[str, Any]:
    """For `fragments/shared_with.html`: everybody but the owner, and whom it is shared with; nobody for who may not."""
    if not may_edit:
        return {}
    people = User.objects.exclude(pk=shared.owner_id).order_by("username")
    return {"people": people, "shared_ids": set(shared.shared_with.values_list("pk", flat=True))}


def keep_private(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: pages are a person's own, so no cache keeps them, not even the browser's after signing out."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.setdefault("Cache-Control", "private, no-store")
        return response

    return answer
