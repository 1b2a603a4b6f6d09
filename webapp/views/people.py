"""What a person may do with their own account and data."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp import auditing, exporting, uploads
from webapp.access import signed_in


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """What is kept here of this person; POST asks for a copy of it."""
    user = signed_in(request)
    link = None
    if request.method == "POST":
        link = exporting.make_link(user)
        auditing.note(request, "export asked", user)
    held = sum(user.videos.values_list("size_bytes", flat=True))
    return render(
        request,
        "account.html",
        {
            "link": link,
            "held_bytes": held,
            "free_bytes": uploads.free_bytes(user),
            "counts": {"videos": user.videos.count(), "questions": user.questions.count()},
        },
    )


@require_GET
@login_required
def export(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """The archive; the address works once."""
    user = signed_in(request)
    if not exporting.use_link(user, str(key)):
        raise Http404
    auditing.note(request, "export", user)
    made = exporting.archive(user)
    response = StreamingHttpResponse(exporting.send(made), content_type="application/zip")
    response["Content-Length"] = str(len(made))
    response["Content-Disposition"] = 'attachment; filename="kinoscope-export.zip"'
    return response
