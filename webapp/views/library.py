"""The list of videos, and the way in."""

import uuid
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from webapp import resumable, uploads
from webapp.access import signed_in
from webapp.models import User, Video

PAGE = 24


@login_required
def library(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    mine = "mine" in request.GET
    videos = Video.objects.editable_by(user).filter(owner=user) if mine else Video.objects.visible_to(user)
    page = Paginator(videos.select_related("owner"), PAGE).get_page(request.GET.get("page"))
    return render(request, "library.html", {"page": page, "mine": mine})


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
    if refused := getattr(request, "refused_upload", None):  # while it arrived, see `receiving.FormUpload`
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
    name = uploads.clean_name(file.name or "")
    try:
        video = uploads.accept(user, Path(file.temporary_file_path()), name, visibility=visibility)
    except uploads.Duplicate as twin:
        return {"file": name, "error": str(twin), "url": reverse("watch", args=[twin.video.key]), "status": 200}
    except uploads.Refused as refusal:
        return {"file": name, "error": str(refusal), "url": "", "status": refusal.status}
    return {"file": name, "error": "", "url": reverse("watch", args=[video.key]), "status": 200}
