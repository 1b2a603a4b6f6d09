"""The list of videos, and the way in."""

import uuid
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from webapp.index.changes import note_rights
from webapp.models import Collection, Step, User, Video
from webapp.parsing import parse_keys
from webapp.people import audit
from webapp.people.access import signed_in
from webapp.pipeline import ledger
from webapp.uploads import body, intake, removal, resumable

PAGE_SIZE = 24
ORDERS = {
    "new": ("-created_at", gettext_lazy("newest first")),
    "old": ("created_at", gettext_lazy("oldest first")),
    "title": ("title", gettext_lazy("by title")),
    "long": ("-duration", gettext_lazy("longest first")),
    "short": ("duration", gettext_lazy("shortest first")),
}


@login_required
def library(request: HttpRequest) -> HttpResponse:
    """All videos that the person may see, in an order, narrowed by whose they are and how far they are."""
    user = signed_in(request)
    order = request.GET.get("order", "")
    status = request.GET.get("status", "")
    failures = Prefetch("steps", Step.objects.filter(status=Step.Status.FAILED), to_attr="failures")
    videos = Video.objects.visible_to(user).select_related("owner").prefetch_related(failures)
    if "mine" in request.GET:
        videos = videos.filter(owner=user)
    if status in Video.Status.values:
        videos = videos.filter(status=status)
    if order in ORDERS:
        videos = videos.order_by(ORDERS[order][0], "-pk")
    return render(
        request,
        "library.html",
        {
            "page": Paginator(videos, PAGE_SIZE).get_page(request.GET.get("page")),
            "mine": "mine" in request.GET,
            "order": order,
            "orders": [(name, title) for name, (_field, title) in ORDERS.items()],
            "status": status,
            "statuses": Video.Status.choices,
            "rows": "rows" in request.GET,
            "collections": user.collections.all(),
            "visibilities": Video.Visibility.choices,
        },
    )


@require_POST
@login_required
def change_selected(request: HttpRequest) -> HttpResponse:
    """One thing done to all videos that were ticked, as far as the person may do it to each."""
    user = signed_in(request)
    keys = parse_keys(request.POST.getlist("video"))
    seen = list(Video.objects.visible_to(user).filter(key__in=keys))
    editable = list(Video.objects.editable_by(user).filter(key__in=keys))
    visibility, name = request.POST.get("visibility", ""), request.POST.get("collection", "").strip()
    what = request.POST.get("do", "")
    changed = seen if what == "collect" else editable
    if what == "delete":
        for video in editable:
            removal.remove(video)
            audit.note(request, "delete", video)
    elif what == "retry":
        for video in editable:
            ledger.retry(video)
    elif what == "visibility" and visibility in Video.Visibility.values:
        for video in editable:
            audit.note(request, "edit", video, video.visibility, visibility)
        Video.objects.filter(pk__in=[v.pk for v in editable]).update(visibility=visibility)
        note_rights([v.pk for v in editable])
    elif what == "collect" and name and seen:
        return redirect("collection", Collection.objects.add_videos(user, name, seen).key)
    else:
        changed = []
    messages.success(
        request, ngettext("%(n)d video was changed.", "%(n)d videos were changed.", len(changed)) % {"n": len(changed)}
    )
    return redirect("library")


@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """A plain form; with scripts the same address answers in JSON, a file at a time, for the progress bars."""
    user = signed_in(request)
    if not user.may_upload:
        raise PermissionDenied(_("Your role may watch and ask, not upload. An admin can change that."))
    if request.method != "POST":
        return render(
            request,
            "upload.html",
            {"visibilities": Video.Visibility.choices, "unfinished": user.uploads.filter(video=None, error="")},
        )
    wanted = request.POST.get("visibility", Video.Visibility.PRIVATE)
    visibility = wanted if wanted in Video.Visibility.values else Video.Visibility.PRIVATE
    results = [take(user, file, visibility) for file in request.FILES.getlist("files")]
    if refused := getattr(request, body.REFUSED, None):  # while it arrived, see `body.FormUpload`
        results.append({"file": "", "error": str(refused), "url": "", "status": refused.status})
    if not results:
        results = [{"file": "", "error": _("Choose at least one file."), "url": "", "status": 200}]
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"files": results}, status=refusal_status(results))
    for result in results:
        if result["error"]:
            messages.error(request, f"{result['file']} {result['error']}".strip())
    if len(results) == 1 and results[0]["url"]:
        return redirect(results[0]["url"])
    return redirect("upload" if any(r["error"] for r in results) else "library")


@require_POST
@login_required
def discard(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Give up an upload that was not finished."""
    resumable.terminate(get_object_or_404(signed_in(request).uploads, key=key, video=None))
    return redirect("upload")


def refusal_status(results: list[dict[str, Any]]) -> int:
    """The server's own limits have a status of their own; anything else is told file by file."""
    return max((r["status"] for r in results if r["status"] in (413, 507)), default=200)


def take(user: User, file: object, visibility: str) -> dict[str, Any]:
    """Hand one received file to `accept`; say what became of it."""
    assert isinstance(file, TemporaryUploadedFile)
    name = intake.clean_name(file.name or "")
    try:
        video = intake.accept(user, Path(file.temporary_file_path()), name, visibility=visibility)
    except intake.Duplicate as twin:
        return {"file": name, "error": str(twin), "url": reverse("watch", args=[twin.video.key]), "status": 200}
    except intake.Refused as refusal:
        return {"file": name, "error": str(refusal), "url": "", "status": refusal.status}
    return {"file": name, "error": "", "url": reverse("watch", args=[video.key]), "status": 200}
