"""Finding a video for a person: what they may not see is answered like what does not exist."""

import uuid

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from webapp.models import User, Video


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that `login_required` let through."""
    user = request.user
    assert isinstance(user, User)
    return user


def visible_video(request: HttpRequest, key: uuid.UUID) -> Video:
    return get_object_or_404(Video.objects.visible_to(request.user).select_related("owner"), key=key)  # type: ignore[arg-type]


def editable_video(request: HttpRequest, key: uuid.UUID) -> Video:
    return get_object_or_404(Video.objects.editable_by(request.user), key=key)  # type: ignore[arg-type]
