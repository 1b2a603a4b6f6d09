"""Collections: lists of videos that people make for themselves and for others."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from webapp.models import Collection, User, Video
from webapp.parsing import parse_keys, parse_numbers
from webapp.people.access import people_to_tick, signed_in

PAGE_SIZE = 24


@require_safe
@login_required
def collections(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    counted = Count("videos", filter=Q(videos__in=Video.objects.visible_to(user)))
    rows = Collection.objects.visible_to(user).select_related("owner").annotate(size=counted)
    return render(request, "collections.html", {"collections": rows})


@require_safe
@login_required
def collection(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    user = signed_in(request)
    found = get_object_or_404(Collection.objects.visible_to(user).select_related("owner"), key=key)
    videos = found.videos.filter(pk__in=Video.objects.visible_to(user)).select_related("owner")
    may_edit = Collection.objects.editable_by(user).filter(pk=found.pk).exists()
    page = Paginator(videos, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "collection": found,
        "page": page,
        "may_edit": may_edit,
        **people_to_tick(found, may_edit),
    }
    return render(request, "collection.html", context)


@require_POST
@login_required
def change_collection(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Another name, who may see it, videos taken out; or the whole list deleted, which deletes no video."""
    found = get_object_or_404(Collection.objects.editable_by(signed_in(request)), key=key)
    if "delete" in request.POST:
        found.delete()
        messages.success(request, _("“%(title)s” was deleted. Its videos were not.") % {"title": found.name})
        return redirect("collections")
    if "without" in request.POST:
        found.videos.remove(*Video.objects.filter(key__in=parse_keys(request.POST.getlist("without"))))
        return redirect("collection", found.key)
    name = request.POST.get("name", "").strip()[:100]
    twin = Collection.objects.filter(owner=found.owner, name=name).exclude(pk=found.pk).exists()
    if name and not twin:
        found.name = name
    found.is_public = "is_public" in request.POST
    found.save(update_fields=["name", "is_public"])
    found.shared_with.set(User.objects.filter(pk__in=parse_numbers(request.POST.getlist("people"))))
    return redirect("collection", found.key)
