"""Collections: lists of videos, made for oneself, for chosen people or for everybody."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from ninja.errors import HttpError

from webapp.api.schemas import CollectionChange, CollectionNew, CollectionOut, VideoOut
from webapp.api.service import ERRORS, Page, Window, allowed, find_people, turn_to
from webapp.models import Collection, Video
from webapp.people.access import signed_in

router = Router(tags=["collections"])


@router.get("/collections", auth=allowed("read"), response={200: Page[CollectionOut], **ERRORS})
def list_collections(request: HttpRequest, window: Query[Window]) -> Any:
    """One's own, those shared with one, and public ones."""
    return turn_to(Collection.objects.visible_to(signed_in(request)).select_related("owner"), window)


@router.post("/collections", auth=allowed("edit"), response={201: CollectionOut, **ERRORS})
def make_collection(request: HttpRequest, new: CollectionNew) -> Any:
    """The collection of this name, made if there is none, with these videos added."""
    user = signed_in(request)
    return Status(201, Collection.objects.add_videos(user, new.name, list(see(request, new.videos))))


@router.get("/collections/{uuid:shelf}/videos", auth=allowed("read"), response={200: Page[VideoOut], **ERRORS})
def list_collected(request: HttpRequest, shelf: uuid.UUID, window: Query[Window]) -> Any:
    """Those of its videos that the person may see anyway."""
    user = signed_in(request)
    found = get_object_or_404(Collection.objects.visible_to(user), key=shelf)
    visible = Video.objects.visible_to(user)
    return turn_to(found.videos.filter(pk__in=visible).select_related("owner"), window)


@router.patch("/collections/{uuid:shelf}", auth=allowed("edit"), response={200: CollectionOut, **ERRORS})
def change_collection(request: HttpRequest, shelf: uuid.UUID, change: CollectionChange) -> Any:
    """Name, who may see it, videos put in and taken out; each only if given."""
    found = editable(request, shelf)
    people = None if change.shared_with is None else find_people(change.shared_with)
    found.name = change.name or found.name
    found.is_public = found.is_public if change.is_public is None else change.is_public
    try:
        with transaction.atomic():
            found.save(update_fields=["name", "is_public"])
    except IntegrityError:
        raise HttpError(422, _("You have another collection of this name.")) from None
    if people is not None:
        found.shared_with.set(people)
    found.videos.add(*see(request, change.add))
    found.videos.remove(*Video.objects.filter(key__in=change.remove))
    return found


@router.delete("/collections/{uuid:shelf}", auth=allowed("edit"), response={204: None, **ERRORS})
def delete_collection(request: HttpRequest, shelf: uuid.UUID) -> Any:
    """The list; its videos stay."""
    editable(request, shelf).delete()
    return Status(204, None)


def editable(request: HttpRequest, key: uuid.UUID) -> Collection:
    return get_object_or_404(Collection.objects.editable_by(signed_in(request)), key=key)


def see(request: HttpRequest, keys: list[uuid.UUID]) -> "QuerySet[Video]":
    """Those that the person may see; the others do not exist."""
    return Video.objects.visible_to(signed_in(request)).filter(key__in=keys)
