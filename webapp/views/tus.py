"""tus 1.0 (https://tus.io/protocols/resumable-upload): core, creation, termination, expiration, checksum."""

import base64
import binascii
import contextlib
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext as _

from webapp.models import Upload, Video
from webapp.parsing import parse_number
from webapp.people.access import signed_in
from webapp.problems import ask_to_sign_in
from webapp.uploads import intake, resumable
from webapp.uploads.arrivals import Busy

VERSION = "1.0.0"
WRONG_SUM = 460  # "Checksum Mismatch", a status of the protocol's own
PIECE = "application/offset+octet-stream"

View = Callable[..., HttpResponse]


def speaks_tus(view: View) -> View:
    """Headers that every answer carries, the version check, the method in a header, and 401 instead of a page."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method or ""
        if method == "POST":
            method = request.headers.get("X-HTTP-Method-Override", method).upper()
        if not request.user.is_authenticated:
            response = ask_to_sign_in()
        elif method not in ("OPTIONS", "GET") and request.headers.get("Tus-Resumable") != VERSION:
            response = HttpResponse(status=412)
        else:
            try:
                response = view(request, method, *args, **kwargs)
            except Http404:
                response = HttpResponse(status=404)
            except intake.Refused as refusal:
                response = HttpResponse(str(refusal), status=refusal.status, content_type="text/plain; charset=utf-8")
        response["Tus-Resumable"] = response["Tus-Version"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    return answer


@speaks_tus
def create(request: HttpRequest, method: str) -> HttpResponse:
    """What the server can do (OPTIONS), and a new upload (POST)."""
    if method == "OPTIONS":
        response = HttpResponse(status=204)
        response["Tus-Extension"] = "creation,termination,expiration,checksum"
        response["Tus-Checksum-Algorithm"] = ",".join(resumable.ALGORITHMS)
        response["Tus-Max-Size"] = str(settings.KINOSCOPE_MAX_UPLOAD_BYTES)
        return response
    if method != "POST":
        return HttpResponse(status=405, headers={"Allow": "OPTIONS, POST"})
    user = signed_in(request)
    if not user.may_upload:
        raise intake.Refused(_("Your role may watch and ask, not upload. An admin can change that."), 403)
    length = read_number(request, "Upload-Length")
    metadata = read_metadata(request.headers.get("Upload-Metadata", ""))
    visibility = metadata.get("visibility", "")
    if visibility not in Video.Visibility.values:
        visibility = Video.Visibility.PRIVATE
    upload = resumable.create(user, metadata.get("filename", ""), length, visibility)
    response = HttpResponse(status=201)
    response["Location"] = reverse("upload-pieces", args=[upload.key])
    return expire(response, upload)


@speaks_tus
def pieces(request: HttpRequest, method: str, key: uuid.UUID) -> HttpResponse:
    """One upload: how far it is (HEAD; GET for the page), more of it (PATCH), no more of it (DELETE)."""
    upload = Upload.objects.filter(owner=signed_in(request), key=key).first()
    if upload is None:
        raise Http404
    if method == "DELETE":
        resumable.terminate(upload)
        return HttpResponse(status=204)
    if method == "PATCH":
        return take_piece(request, upload)
    if method == "GET":
        with contextlib.suppress(Busy, Upload.DoesNotExist):  # another process is at it, or was
            resumable.complete(upload)  # the site was killed between the last byte and this
        return JsonResponse(describe(get_object_or_404(Upload, pk=upload.pk)))
    if method != "HEAD":
        return HttpResponse(status=405, headers={"Allow": "DELETE, GET, HEAD, PATCH"})
    response = HttpResponse(status=200)
    response["Upload-Offset"], response["Upload-Length"] = str(upload.offset_bytes), str(upload.length_bytes)
    return expire(response, upload)


def take_piece(request: HttpRequest, upload: Upload) -> HttpResponse:
    if request.content_type != PIECE:
        return HttpResponse(status=415)
    try:
        resumable.append(upload, read_number(request, "Upload-Offset"), request.read, read_checksum(request))
    except resumable.WrongOffset:
        return HttpResponse(status=409)
    except Busy:
        return HttpResponse(status=423)
    except resumable.WrongSum:
        return HttpResponse(status=WRONG_SUM)
    except resumable.TooMuch:
        return HttpResponse(status=413)
    except UnreadablePostError:
        return HttpResponse(status=400)  # nobody is there to read it
    except Upload.DoesNotExist:
        raise Http404 from None
    response = HttpResponse(status=204)
    response["Upload-Offset"] = str(upload.offset_bytes)
    return expire(response, upload)


def describe(upload: Upload) -> dict[str, Any]:
    """What the page asks once all bytes have arrived."""
    url = reverse("watch", args=[upload.video.key]) if upload.video else ""
    return {"file": upload.file_name, "offset": upload.offset_bytes, "length": upload.length_bytes, "url": url,
            "error": upload.error}  # fmt: skip


def expire(response: HttpResponse, upload: Upload) -> HttpResponse:
    response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response


def read_number(request: HttpRequest, header: str) -> int:
    number = parse_number(request.headers.get(header, ""))
    if number is None:
        raise intake.Refused(f"{header} must be a number of bytes.")
    return number


def read_metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: "key base64,key base64". What can't be read is left out."""
    metadata = {}
    for pair in header.split(",")[:20]:
        name, _space, value = pair.strip().partition(" ")
        try:
            metadata[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
    return metadata


def read_checksum(request: HttpRequest) -> tuple[str, bytes] | None:
    """Upload-Checksum: "sha256 base64"."""
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    name, _space, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name not in resumable.ALGORITHMS or not digest:
        raise intake.Refused("Upload-Checksum must name one of: " + ", ".join(resumable.ALGORITHMS))
    return name, digest
