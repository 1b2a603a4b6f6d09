"""Resumable uploads: what has arrived is on disk before it is acknowledged, and a broken connection loses nothing.

The protocol that speaks of it is in `views.tus`.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO

from django.db import transaction
from django.db.models.functions import Now
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.models import Upload, User
from webapp.uploads import intake

UPLOAD_TTL = timedelta(hours=24)  # since the last byte
BLOCK_BYTES = 256 << 10
CHECKPOINT_BYTES = 16 << 20  # at most this much is sent again after the site was killed
PATIENCE_SECONDS = 3.0  # for a connection that died to let go of its file
ALGORITHMS = ("sha256", "sha1", "md5")  # of a piece's checksum, as tus names them

Read = Callable[[int], bytes]


class WrongOffset(Exception):
    """The piece does not begin where what is here ends."""


class Busy(Exception):
    """Another connection is writing this upload."""


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
        with open(os.open(upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"):
            pass
    return upload


def append(upload: Upload, offset: int, read: Read, checksum: tuple[str, bytes] | None = None) -> int:
    """Write what `read` brings at `offset`; bytes that are here afterwards.

    Raises `Busy`, `WrongOffset`, `TooMuch`, `WrongSum`, or `UnreadablePostError` when the connection broke: what
    arrived until then is kept (not so with a checksum, which only the whole piece can pass).
    """
    with _hold(upload) as file:
        upload.refresh_from_db()
        if offset != upload.offset_bytes:
            raise WrongOffset
        file.seek(offset)
        file.truncate()
        summed = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        here = kept = offset
        try:
            while block := read(BLOCK_BYTES):
                here += len(block)
                if here > upload.length_bytes:
                    here -= len(block)
                    raise TooMuch
                file.write(block)
                if summed is not None:
                    summed.update(block)
                elif here - kept >= CHECKPOINT_BYTES:
                    kept = here
                    _acknowledge(upload, file, here)
        except (UnreadablePostError, TooMuch):
            _acknowledge(upload, file, offset if summed is not None else here)
            raise
        if summed is not None and checksum is not None and summed.digest() != checksum[1]:
            raise WrongSum
        _acknowledge(upload, file, here)
    complete(upload)
    return upload.offset_bytes


def complete(upload: Upload) -> None:
    """Hand a file that has arrived whole to `accept`, once; keep what became of it in the row."""
    if not upload.is_complete or upload.video_id or upload.error:
        return
    with _hold(upload):
        upload.refresh_from_db()
        if upload.video_id or upload.error:
            return
        try:
            upload.video = intake.accept(
                upload.owner, upload.path, upload.file_name, visibility=upload.visibility, upload=upload
            )
        except intake.Duplicate as twin:
            upload.video, upload.error = twin.video, str(twin)[:300]
        except intake.Refused as refusal:
            if refusal.status == intake.NO_ROOM:
                return  # nothing is thrown away for that: the next sweep tries again
            upload.error = str(refusal)[:300]
        upload.save(update_fields=["video", "error"])
    if upload.error:
        upload.path.unlink(missing_ok=True)


def terminate(upload: Upload) -> None:
    """Give up: the row and what has arrived are gone."""
    upload.delete()
    upload.path.unlink(missing_ok=True)


def sweep() -> None:
    """Finish what arrived whole while the site was killed; remove what nobody went on with."""
    for upload in Upload.objects.filter(expires_at__lt=Now()):
        terminate(upload)
    for upload in Upload.objects.filter(video=None, error=""):
        if upload.is_complete and upload.path.exists():
            try:
                complete(upload)
            except Busy:
                continue


def _acknowledge(upload: Upload, file: BinaryIO, here: int) -> None:
    """From here on these bytes survive anything."""
    file.flush()
    os.fsync(file.fileno())
    upload.offset_bytes, upload.expires_at = here, timezone.now() + UPLOAD_TTL
    if not Upload.objects.filter(pk=upload.pk).update(offset_bytes=here, expires_at=upload.expires_at):
        upload.path.unlink(missing_ok=True)  # terminated meanwhile
        raise Upload.DoesNotExist


@contextmanager
def _hold(upload: Upload) -> Iterator[BinaryIO]:
    """The file, locked: of two connections with the same upload one waits, and gives up as `Busy`."""
    try:
        file = upload.path.open("r+b")
    except FileNotFoundError:
        raise Upload.DoesNotExist from None
    with file:
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > patience:
                    raise Busy from None
                time.sleep(0.1)
        yield file
