"""Errors as RFC 9457 says: `application/problem+json` with a title, a status and a sentence."""

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from ninja import Schema

CONTENT_TYPE = "application/problem+json"


class Problem(Schema):
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


def problem(status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> JsonResponse:
    """`errors` name the fields that were wrong, and how."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    response = JsonResponse({**said, "errors": errors or []}, status=status)
    response["Content-Type"] = CONTENT_TYPE
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        response["Retry-After"] = "60"
    return response
