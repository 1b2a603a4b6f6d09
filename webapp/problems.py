"""What is said when something can't be done: a page with one sentence, or RFC 9457's `application/problem+json`.

Pages, tokens and the API answer with these.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

CONTENT_TYPE = "application/problem+json"


def problem(status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> JsonResponse:
    """`errors` name the fields that were wrong, and how."""
    record = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    response = JsonResponse({**record, "errors": errors or []}, status=status)
    response["Content-Type"] = CONTENT_TYPE
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        response["Retry-After"] = "60"
    return response


def show_reason(reason: str, status: int) -> HttpResponse:
    """A page with one sentence. It needs no database."""
    return render(None, "503.html", {"reason": reason}, status=status)


def ask_to_wait(reason: str, status: int, seconds: int) -> HttpResponse:
    """A page that says why it is not possible just now, and when to return."""
    response = show_reason(reason, status)
    response["Retry-After"] = str(seconds)
    return response


def say_busy(request: HttpRequest) -> HttpResponseBase:
    """503 for whom there is no place in the line."""
    reason, seconds = _("The site is busy. Try again in a few seconds."), 5
    if not wants_problem(request):
        return ask_to_wait(reason, HTTPStatus.SERVICE_UNAVAILABLE, seconds)
    response = problem(HTTPStatus.SERVICE_UNAVAILABLE, reason)
    response["Retry-After"] = str(seconds)
    return response


def ask_to_sign_in() -> HttpResponse:
    """401 for what players and programs fetch: to them a page to sign in on would look like the file."""
    return HttpResponse(
        _("Sign in first."),
        status=401,
        content_type="text/plain; charset=utf-8",
        headers={"WWW-Authenticate": "Bearer", "Cache-Control": "private, no-store"},
    )


def unkeepable_text() -> str:
    """PostgreSQL keeps no NUL character, and no more of a text than its column holds."""
    return _("A text is too long, or holds characters that can't be kept. Change it and try again.")


def wants_problem(request: HttpRequest) -> bool:
    """Whether this address speaks JSON about its errors."""
    return request.path_info.startswith("/api/")


def tell_methods(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: a method that an address of the API does not know is a problem like any other."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not wants_problem(request):
            return response
        allowed = response.headers.get("Allow", "")
        record = problem(405, _("This address takes %s.") % allowed)
        record["Allow"] = allowed
        return record

    return answer
