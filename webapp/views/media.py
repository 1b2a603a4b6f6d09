"""Files of a video, checked per request: the stream with byte ranges, pictures, captions."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from webapp.media import documents
from webapp.models import Video
from webapp.people import audit
from webapp.people.access import signed_in, visible_video

BLOCK_BYTES = 256 << 10
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@require_safe
@login_required
def stream(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    response = send_video(request, video)
    audit.note_look(request, "play", video)
    return response


def send_video(request: HttpRequest, video: Video) -> HttpResponseBase:
    """The playable file; one byte range at most, as players ask for."""
    path = video.playable_path
    if not video.content_type or not path.exists():
        raise Http404
    if settings.KINOSCOPE_ACCEL:
        response: HttpResponseBase = HttpResponse(content_type=video.content_type)
        response["X-Accel-Redirect"] = f"{settings.KINOSCOPE_ACCEL}/{path.relative_to(settings.KINOSCOPE_HOME)}"
        return guard(response)
    etag = f'"{video.files.get("proxy") or video.sha256}"'
    asked = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    size = path.stat().st_size
    span = parse_range(asked, size)
    if span is None:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return guard(response)
    first, last = span
    partial = (last - first + 1) < size or bool(_RANGE.match(asked.strip()))
    body = read_blocks(path, first, last) if request.method == "GET" else b""
    response = StreamingHttpResponse(body, status=206 if partial else 200, content_type=video.content_type)
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    if partial:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return guard(response, etag, request)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte to send; the whole file for no or several ranges; None when it can't be satisfied."""
    match = _RANGE.match(header.strip())
    if not header or "," in header or (match and not any(match.groups())):
        return 0, size - 1
    if match is None:
        return 0, size - 1
    start, end = match.groups()
    if not start:
        length = int(end)
        return (max(0, size - length), size - 1) if length else None
    first, last = int(start), min(int(end) if end else size - 1, size - 1)
    return (first, last) if first <= last else None


async def read_blocks(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    """The bytes [first, last] of a file in blocks, read off the event loop."""
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0:
            block = await asyncio.to_thread(file.read, min(BLOCK_BYTES, left))
            if not block:
                return
            left -= len(block)
            yield block


def guard(response: HttpResponseBase, etag: str = "", request: HttpRequest | None = None) -> HttpResponseBase:
    """What is served here was uploaded by somebody: never interpreted as a page, kept by nobody without asking again.

    With an ETag the answer to that question is short; it is 404 from the moment on that the person may not see it.
    """
    if etag and request is not None:
        response["ETag"] = etag
        if response.status_code == 200:
            response = get_conditional_response(request, etag=etag, response=response) or response  # type: ignore[arg-type]
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@login_required
def frame(request: HttpRequest, key: uuid.UUID, stem: str) -> HttpResponseBase:
    video = visible_video(request, key)
    if not video.keyframes.filter(file=f"{stem}.jpg").exists():
        raise Http404
    return picture(request, video, f"{stem}.jpg")


@require_safe
@login_required
def poster(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    return picture(request, video, pick_poster(video))


def pick_poster(video: Video) -> str:
    """The keyframe a third of the way in."""
    frames = list(video.keyframes.values_list("file", flat=True))
    if not frames:
        raise Http404
    return frames[len(frames) // 3]


@require_safe
@login_required
def storyboard(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    return picture(request, video, video.files.get("storyboard", "storyboard"))


@require_safe
@login_required
def thumbnails(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Which part of the storyboard shows which seconds, as players read it."""
    text = documents.write_thumbnails(visible_video(request, key), reverse("storyboard", args=[key]))
    return guard(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


def picture(request: HttpRequest, video: Video, name: str) -> HttpResponseBase:
    path = video.derived / name
    if not path.is_file():
        raise Http404
    answer = HttpResponse(path.read_bytes(), content_type="image/jpeg")  # some tens of kilobytes
    return guard(answer, f'"{name}"', request)


@require_safe
@login_required
def captions(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    return send_captions(visible_video(request, key))


def send_captions(video: Video) -> HttpResponseBase:
    text = documents.write("transcript", "vtt", video)
    return guard(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


@require_safe
@login_required
def document(request: HttpRequest, key: uuid.UUID, kind: str, form: str) -> HttpResponseBase:
    """Transcript, chapters, summary or the person's own answers, as a file."""
    video = visible_video(request, key)
    if kind not in documents.KINDS or form not in documents.FORMATS:
        raise Http404
    text = documents.write(kind, form, video, signed_in(request))
    response = HttpResponse(text, content_type=f"{documents.FORMATS[form][1]}; charset=utf-8")
    name = re.sub(r"[^\w-]+", "-", video.title).strip("-")[:60] or "video"
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{name}.{kind}.{form}')}"
    return guard(response)
