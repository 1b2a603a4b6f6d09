"""Files of a video, checked per request: the stream with byte ranges, pictures, captions."""

import asyncio
import io
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe
from PIL import Image as Pillow

from webapp.media import documents, playlists
from webapp.models import Video
from webapp.parsing import MAX_DIGITS, parse_number
from webapp.people import audit
from webapp.people.access import require_session, signed_in, visible_video
from webapp.storage.ports import StoredFile
from webapp.storage.store import open_store

WIDTHS = (320, 640)  # pixels: cards, and cards on screens with twice as many
PLAYLIST = "application/vnd.apple.mpegurl"
_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)$", re.IGNORECASE | re.ASCII)


@require_safe
@require_session
def stream(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    response = send_video(request, video)
    audit.record_view(request, "play", video)
    return response


def send_video(request: HttpRequest, video: Video) -> HttpResponseBase:
    """The playable file."""
    if not video.content_type:
        raise Http404
    return send_file(request, video.playable, video.content_type, video.files.get("proxy") or video.sha256)


def send_file(request: HttpRequest, file: StoredFile, content_type: str, version: str) -> HttpResponseBase:
    """One byte range at most, as players ask for (RFC 9110, preconditions before ranges)."""
    stored = file.look_up()
    if stored is None:
        raise Http404
    if settings.KINOSCOPE_ACCEL and file.store == open_store(str(settings.KINOSCOPE_HOME)):
        response: HttpResponseBase = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = f"{settings.KINOSCOPE_ACCEL}/{file.name}"
        return guard(response)
    etag, changed = f'"{version}"', int(stored.changed)
    settled = get_conditional_response(request, etag=etag, last_modified=changed)
    if settled is not None:  # 304 or 412
        return guard(settled, etag, changed)
    is_current = request.headers.get("If-Range", etag) in (etag, http_date(changed))
    wanted = request.headers.get("Range", "").strip() if is_current else ""
    span = parse_range(wanted, stored.size)
    if span is None:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{stored.size}"
        return guard(response, etag, changed)
    first, last = span
    partial = (last - first + 1) < stored.size or bool(_RANGE.match(wanted))
    body = read_blocks(file.blocks(first, last)) if request.method == "GET" else b""
    response = StreamingHttpResponse(body, status=206 if partial else 200, content_type=content_type)
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    if partial:
        response["Content-Range"] = f"bytes {first}-{last}/{stored.size}"
    return guard(response, etag, changed)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte to send; the whole file for no or several ranges; None when it can't be satisfied."""
    match = _RANGE.match(header)
    if match is None or not any(match.groups()):
        return 0, size - 1
    # A number of more digits than any file has bytes is behind every end.
    start, end = (min(int(text or 0), size) if len(text) <= MAX_DIGITS else size for text in match.groups())
    if not match[1]:
        return (size - end, size - 1) if end else None
    last = size - 1 if not match[2] else min(end, size - 1)
    return (start, last) if start <= last else None


async def read_blocks(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read off the event loop."""
    while block := await asyncio.to_thread(next, blocks, b""):
        yield block


def guard(response: HttpResponseBase, etag: str = "", changed: int | None = None) -> HttpResponseBase:
    """What is served here was uploaded by somebody: never interpreted as a page, kept by nobody without asking again.

    With an ETag the answer to that question is short; it is 404 from the moment on that the person may not see it.
    """
    if etag:
        response["ETag"] = etag
    if changed is not None:
        response["Last-Modified"] = http_date(changed)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@require_session
def streams(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """The list of qualities and sounds, where they were made."""
    video = visible_video(request, key)
    if not video.streams:
        raise Http404
    return guard(HttpResponse(playlists.write_master(video), content_type=PLAYLIST))


@require_safe
@require_session
def stream_list(request: HttpRequest, key: uuid.UUID, name: str) -> HttpResponseBase:
    """Where one of them may be cut."""
    try:
        text = playlists.write_list(visible_video(request, key), name)
    except KeyError:
        raise Http404 from None
    return guard(HttpResponse(text, content_type=PLAYLIST))


@require_safe
@require_session
def stream_file(request: HttpRequest, key: uuid.UUID, name: str) -> HttpResponseBase:
    """Its file, by byte ranges."""
    video = visible_video(request, key)
    file = video.files.get(f"stream {name}")
    if file is None:
        raise Http404
    return send_file(request, video.derived(file), "video/mp4", file)


@require_safe
@require_session
def frame(request: HttpRequest, key: uuid.UUID, stem: str) -> HttpResponseBase:
    video = visible_video(request, key)
    if not video.keyframes.filter(file=f"{stem}.jpg").exists():
        raise Http404
    return picture(request, video, f"{stem}.jpg", read_width(request))


@require_safe
@require_session
def poster(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    return picture(request, video, pick_poster(video), read_width(request))


def read_width(request: HttpRequest) -> int:
    """The width (pixels) in which a picture is shown, one of `WIDTHS`; 0 for the picture as it is."""
    width = parse_number(request.GET.get("w", "")) or 0
    return width if width in WIDTHS else 0


def pick_poster(video: Video) -> str:
    """The cover of a recording, else the keyframe a third of the way in."""
    if "cover" in video.files:
        return str(video.files["cover"])
    frames = list(video.keyframes.values_list("file", flat=True))
    if not frames:
        raise Http404
    return frames[len(frames) // 3]


@require_safe
@require_session
def storyboard(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    video = visible_video(request, key)
    return picture(request, video, video.files.get("storyboard", "storyboard"))


@require_safe
@require_session
def thumbnails(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Which part of the storyboard shows which seconds, as players read it."""
    text = documents.write_thumbnails(visible_video(request, key), reverse("storyboard", args=[key]))
    return guard(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


def picture(request: HttpRequest, video: Video, name: str, width: int = 0) -> HttpResponseBase:
    file = video.derived(name)
    stored = file.look_up()
    if stored is None:
        raise Http404
    etag, changed = f'"{name}{width or ""}"', int(stored.changed)
    settled = get_conditional_response(request, etag=etag, last_modified=changed)
    if settled is not None:
        return guard(settled, etag, changed)
    data = shrink(file.read(), width) if width else file.read()
    return guard(HttpResponse(data, content_type="image/jpeg"), etag, changed)


def shrink(jpeg: bytes, width: int) -> bytes:
    """The picture at most `width` pixels wide: some milliseconds, as JPEG decodes to a half or a quarter by itself."""
    with Pillow.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        opened.draft("RGB", (width, width))
        opened.thumbnail((width, 4 * width))
        made = io.BytesIO()
        opened.save(made, "JPEG", quality=80)
    return made.getvalue()


@require_safe
@require_session
def captions(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    return send_captions(visible_video(request, key), request.GET.get("words", ""))


def send_captions(video: Video, source: str = "") -> HttpResponseBase:
    """The transcript in use, or that of another source."""
    try:
        text = documents.write_vtt(documents.captions(video, source), video)
    except KeyError:
        raise Http404 from None
    return guard(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


@require_safe
@require_session
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
