"""One way in: form, admin and command all end in `accept`."""

import shutil
import uuid
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from indexer.files import hash_file, move_whole
from webapp import ledger, outputs
from webapp.models import User, Video


class Refused(Exception):
    """The upload can't be taken; the message is for the person, `status` for its browser."""

    def __init__(self, reason: str, status: int = 400) -> None:
        self.status = status
        super().__init__(reason)


class Duplicate(Exception):
    """This person already has the very same file."""

    def __init__(self, video: Video) -> None:
        self.video = video
        super().__init__(_("This file is already in your library as “%(title)s”.") % {"title": video.title})


def accept(
    owner: User, source: Path, file_name: str, *, title: str = "", visibility: str = Video.Visibility.PRIVATE
) -> Video:
    """Take over the file at `source` (it is moved): server-chosen name, sha256, Video row and first step.

    Once this returns, file and rows are on disk. Raises `Refused` or `Duplicate`; `source` is then left alone.
    """
    size = source.stat().st_size
    check_room(size, file_name)
    digest = hash_file(source)
    twin = Video.objects.filter(owner=owner, sha256=digest).first()
    if twin:
        raise Duplicate(twin)
    clean = clean_name(file_name)
    video = Video(
        key=uuid.uuid4(),
        owner=owner,
        title=(title.strip() or Path(clean).stem.replace("_", " "))[:200],
        file_name=clean,
        sha256=digest,
        size_bytes=size,
        visibility=visibility,
    )
    move_whole(source, video.path)
    video.path.chmod(0o600)
    try:
        with transaction.atomic():
            video.save()
            ledger.add(video, "probe")
    except IntegrityError:
        video.path.replace(source)
        raise Duplicate(Video.objects.get(owner=owner, sha256=digest)) from None
    return video


def check_room(size: int, file_name: str) -> None:
    limit = settings.KINOSCOPE_MAX_UPLOAD_BYTES
    if size > limit:
        raise Refused(_("“%(name)s” is larger than the %(limit)d MB accepted here.") % {
            "name": file_name, "limit": limit >> 20,
        }, 413)  # fmt: skip
    if not outputs.has_room():
        raise Refused(_("The disk of this server is full. Ask an admin to make room, then try again."), 507)


def clean_name(file_name: str) -> str:
    """The person's name for the file, for display only: no folders, no control characters."""
    base = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in base if c.isprintable())[:255] or "video"


def copy_in(path: Path) -> Path:
    """A copy of a file on this machine in the incoming folder, ready for `accept`."""
    target = Path(settings.KINOSCOPE_HOME) / "incoming" / f"{uuid.uuid4()}.part"
    shutil.copyfile(path, target)
    return target


def remove(video: Video) -> None:
    """Delete rows and files; every later search ignores it at once."""
    path, derived = video.path, video.derived
    with transaction.atomic():
        video.delete()
    path.unlink(missing_ok=True)
    shutil.rmtree(derived, ignore_errors=True)
