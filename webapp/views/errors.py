"""What a person is told when something broke: where the disk or the database is the reason, that and when to return."""

import sys

from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_guid import get_guid

from webapp.pipeline import outputs
from webapp.problems import ask_to_wait, problem, show_reason, unkeepable_text, wants_problem
from webapp.storage.ports import StorageAway

RETRY_SECONDS = 20


def broken(request: HttpRequest) -> HttpResponse:
    """507 for a full disk, 503 with Retry-After for a database that is away or locked, 400 for a text that it can't
    keep, 500 for the rest.

    As `handler500` it also sees what is raised before any view, such as by the parser of an upload.
    """
    error = sys.exc_info()[1]
    if error is not None and outputs.is_full(error):
        reason, status = _("The disk of this server is full. Ask an admin to make room, then try again."), 507
    elif isinstance(error, OperationalError):
        reason, status = _("The database does not answer just now. Nothing is lost; try again in a moment."), 503
    elif isinstance(error, StorageAway):
        reason, status = _("The storage does not answer just now. Nothing is lost; try again in a moment."), 503
    elif isinstance(error, DataError):
        return show_reason(unkeepable_text(), 400)
    else:
        return render(None, "500.html", {"reference": get_guid()}, status=500)
    return ask_to_wait(reason, status, RETRY_SECONDS)


def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form or call without the token of its page: `CSRF_FAILURE_VIEW`."""
    if wants_problem(request):
        return problem(403, _("A browser's session changes things only with its CSRF token (X-CSRFToken). %s") % reason)
    return show_reason(_("This page was open for too long, or was not ours. Go back, reload it and try again."), 403)
