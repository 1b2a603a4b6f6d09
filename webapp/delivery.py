"""What is sent over and over is light: texts compressed, static files under names that browsers keep for ever.

Media are not compressed: they are small already, and ranges count.
"""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

TEXTS: Sequence[str] = ("text/", "application/json", "application/problem+json", "application/javascript", "image/svg")
STREAMED = "text/event-stream"  # an answer shows as it is found: nothing may hold it back


class TextCompression(GZipMiddleware):
    """Django's own, with its random padding against BREACH, for texts only."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith(tuple(TEXTS)) or kind.startswith(STREAMED) or response.status_code == 206:
            return response
        return super().process_response(request, response)


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names with the content's hash for what `serve` has collected; any other file under its own name, so that no page
    fails for a file that was not.
    """

    def stored_name(self, name: str) -> str:
        kept: str = self.hashed_files.get(self.hash_key(self.clean_name(name)), name)
        return kept
