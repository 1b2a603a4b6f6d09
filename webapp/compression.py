"""Texts are sent compressed: pages, scripts, the API. Media are not: they are small already, and ranges count."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXTS: Sequence[str] = ("text/", "application/json", "application/problem+json", "application/javascript", "image/svg")
STREAMED = "text/event-stream"  # an answer shows as it is found: nothing may hold it back


class TextCompression(GZipMiddleware):
    """Django's own, with its random padding against BREACH, for texts only."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith(tuple(TEXTS)) or kind.startswith(STREAMED) or response.status_code == 206:
            return response
        return super().process_response(request, response)
