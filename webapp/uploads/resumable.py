"""Resumable uploads: what has arrived is kept before it is acknowledged, and a broken connection loses nothing.

The protocol that speaks of it is in `views.tus`.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.models import Upload, User
from webapp.storage.store import is_bucket
from webapp.uploads import intake
from webapp.uploads.arrivals import Arrival, Busy, FolderArrival, Writer

UPLOAD_TTL = timedelta(hours=24)  # since the last byte
BLOCK_BYTES = 256 << 10
CHECKPOINT_BYTES = 16 << 20  # at most this much is sent again after the site was killed
ALGORITHMS = ("sha256", "sha1", "md5")  # of a piece's checksum, as tus names them

Read = Callable[[int], bytes]


class WrongOffset(Exception):
    """The piece does not begin where what is here ends."""


class WrongSum(Exception):
    """The piece is not what its checksum says; none of it was kept."""


class TooMuch(Exception):
    """More bytes than were announced."""


def create(owner: User, file_name: str, length: int, visibility: str) -> Upload:
    """Reserve room for a file that will arrive in pieces. Raises `intake.Refused`."""
    if length <= 0:
        raise intake.Refused(_("The file is empty."))
    intake.check_size(length, file_name)
    with transaction.atomic():
        intake.check_quota(owner, length)
        upload = Upload.objects.create(
            owner=owner,
            file_name=intake.clean_name(file_name),
            visibility=visibility,
            length_bytes=length,
            expires_at=timezone.now() + UPLOAD_TTL,
        )
        arrival(upload).begin()
    return upload


def append(upload: Upload, offset: int, read: Read, checksum: tuple[str, bytes] | None = None) -> int:
    """Write what `read` brings at `offset`; bytes that are here afterwards.

    Raises `Busy`, `WrongOffset`, `TooMuch`, `WrongSum`, or `UnreadablePostError` when the connection broke: what
    arrived until then is kept (not so with a checksum, which only the whole piece can pass).
    """
    with arrival(upload).hold() as writer:
        if offset != upload.offset_bytes:
            raise WrongOffset
        summed = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        here = kept = offset
        try:
            while block := read(BLOCK_BYTES):
                here += len(block)
                if here > upload.length_bytes:
                    here -= len(block)
                    raise TooMuch
                writer.write(block)
                if summed is not None:
                    summed.update(block)
                elif here - kept >= CHECKPOINT_BYTES:
                    kept = here
                    _acknowledge(upload, writer, here)
        except (UnreadablePostError, TooMuch):
            _acknowledge(upload, writer, offset if summed is not None else here)
            raise
        if summed is not None and checksum is not None and summed.digest() != checksum[1]:
            raise WrongSum
        _acknowledge(upload, writer, here)
    complete(upload)
    return upload.offset_bytes


def complete(upload: Upload) -> None:
    """Hand a file that has arrived whole to `accept_upload`, once; keep what became of it in the row."""
    if not upload.is_complete or upload.video_id or upload.error:
        return
    arrived = arrival(upload)
    with arrived.hold() as writer:
        if upload.video_id or upload.error:
            return
        try:
            upload.video = intake.accept_upload(upload, writer.finish)
        except intake.Duplicate as twin:
            upload.video, upload.error = twin.video, str(twin)[:300]
        except intake.Refused as refusal:
            if refusal.status == intake.NO_ROOM:
                return  # nothing is thrown away for that: the next sweep tries again
            upload.error = str(refusal)[:300]
        upload.save(update_fields=["video", "error"])
        arrived.drop()


def terminate(upload: Upload) -> None:
    """Give up: the row and what has arrived are gone."""
    upload.delete()
    arrival(upload).drop()


def sweep() -> None:
    """Finish what arrived whole while the site was killed; remove what nobody went on with."""
    for upload in Upload.objects.filter(expires_at__lt=Now()):
        terminate(upload)
    for upload in Upload.objects.filter(video=None, error="", offset_bytes=F("length_bytes")):
        if arrival(upload).is_here:
            with suppress(Busy, Upload.DoesNotExist):
                complete(upload)


def _acknowledge(upload: Upload, writer: Writer, here: int) -> None:
    """From here on these bytes survive anything."""
    kept = {**writer.keep(here), "offset_bytes": here, "expires_at": timezone.now() + UPLOAD_TTL}
    if not Upload.objects.filter(pk=upload.pk, fence=upload.fence).update(**kept):
        arrival(upload).drop()  # terminated meanwhile
        raise Upload.DoesNotExist
    for name, value in kept.items():
        setattr(upload, name, value)


def arrival(upload: Upload) -> Arrival:
    """Where its pieces are."""
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return FolderArrival(upload)
    from webapp.uploads.parts import BucketArrival

    return BucketArrival(upload)
