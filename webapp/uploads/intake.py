"""One way in: form, resumable upload, admin and command all end in `accept`."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from indexer.files import hash_file
from webapp.models import Upload, User, Video, title_from
from webapp.pipeline import ledger, outputs
from webapp.storage.store import store

NO_ROOM = 507  # the disk is full: nobody's fault, and not for good


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


class Moved(Duplicate):
    """This person has the file, used in place; it lay elsewhere before."""


def accept(
    owner: User, source: Path, file_name: str, *, title: str = "", visibility: str = Video.Visibility.PRIVATE
) -> Video:
    """Take over the file at `source`: server-chosen name, sha256, quota, Video row and first step.

    Once this returns, file and rows are kept and `source` is gone. Raises `Refused` or `Duplicate`; `source` is then
    left alone.
    """
    size = source.stat().st_size
    check_size(size, file_name)
    video = describe_file(owner, file_name, hash_file(source), size, visibility)
    video.title = title.strip()[:200] or video.title
    store().keep(source, video.media.name)  # the file keeps its old name until the row is committed
    try:
        enter(video, size)
    except BaseException:
        video.media.remove()
        raise
    source.unlink(missing_ok=True)
    return video


def accept_upload(upload: Upload, finish: Callable[[], None]) -> Video:
    """The same of an upload that `finish` turns into its file. Raises `Refused` or `Duplicate`; unless that is for want
    of room, the file is gone then.
    """
    check_size(upload.length_bytes, upload.file_name)
    finish()
    try:
        sized = (upload.file_name, upload.media.hash(), upload.length_bytes, upload.visibility)
        video = describe_file(upload.owner, *sized, upload.key)
        enter(video, upload.length_bytes, upload)
    except (Refused, Duplicate):
        upload.media.remove()
        raise
    return video


def accept_in_place(owner: User, file: Path, visibility: str = Video.Visibility.PRIVATE) -> Video:
    """Take up a file where it lies: it is read, never written, and counts for nobody's share. Raises `Duplicate`, and
    `Moved` where it is the file of a video whose own lies no more where it was.
    """
    file, size = file.resolve(), file.stat().st_size
    digest = hash_file(file)
    twin = Video.objects.filter(owner=owner, sha256=digest).first()
    if twin is not None and twin.is_missing:
        Video.objects.filter(pk=twin.pk).update(original=str(file))
        raise Moved(twin)
    video = describe_file(owner, file.name, digest, size, visibility)
    video.original = str(file)
    enter(video, 0)
    return video


def describe_file(
    owner: User, file_name: str, digest: str, size: int, visibility: str, key: uuid.UUID | None = None
) -> Video:
    """The row of a new file, not yet saved. Raises `Duplicate`."""
    twin = Video.objects.filter(owner=owner, sha256=digest).first()
    if twin:
        raise Duplicate(twin)
    clean = clean_name(file_name)
    return Video(
        key=key or uuid.uuid4(),
        owner=owner,
        title=title_from(clean),
        file_name=clean,
        sha256=digest,
        size_bytes=size,
        visibility=visibility,
    )


def enter(video: Video, held: int, upload: Upload | None = None) -> None:
    """Save the row with its first step, if there is room for the bytes that are held."""
    try:
        with transaction.atomic():
            check_quota(video.owner, held, besides=upload)
            video.save()
            ledger.add(video, "probe")
            if upload is not None:
                Upload.objects.filter(pk=upload.pk).update(video=video)
    except IntegrityError:
        raise Duplicate(Video.objects.get(owner=video.owner, sha256=video.sha256)) from None


def check_size(size: int, file_name: str) -> None:
    """Refuse what is larger than any file may be, and everything while the disk is full."""
    limit = settings.KINOSCOPE_MAX_UPLOAD_BYTES
    if size > limit:
        raise Refused(_("“%(name)s” is larger than the %(limit)d MB accepted here.") % {
            "name": file_name, "limit": limit >> 20,
        }, 413)  # fmt: skip
    if not outputs.has_room():
        raise Refused(_("The disk of this server is full. Ask an admin to make room, then try again."), NO_ROOM)


def check_quota(owner: User, size: int, besides: Upload | None = None) -> None:
    """Refuse `size` more bytes where person or site would hold more than they may; in a transaction, one at a time."""
    User.objects.select_for_update().order_by("pk").first()  # the same row for all: the site's sum is shared
    check_share(size, free_bytes(owner, besides))


def check_share(size: int, free: int) -> None:
    if size > free:
        raise Refused(_("There is no room left for this file in your share of this site."), 413)


def free_bytes(owner: User, besides: Upload | None = None) -> int:
    """Bytes that this person may still upload; what resumable uploads promised to bring counts as if it were here."""
    arriving = Upload.objects.filter(video=None, error="").exclude(pk=besides.pk if besides else 0)

    def held(videos: QuerySet[Video], uploads: QuerySet[Upload]) -> int:
        here = videos.filter(original="").aggregate(n=Sum("size_bytes"))["n"] or 0
        return int(here + (uploads.aggregate(n=Sum("length_bytes"))["n"] or 0))

    mine, all_of_it = settings.KINOSCOPE_MAX_PERSON_BYTES, settings.KINOSCOPE_MAX_SITE_BYTES
    free = [
        limit - held(videos, uploads)
        for limit, videos, uploads in (
            (mine, owner.videos.all(), arriving.filter(owner=owner)),
            (all_of_it, Video.objects.all(), arriving),
        )
        if limit
    ]
    return max(0, min(free, default=1 << 62))


def clean_name(file_name: str) -> str:
    """The person's name for the file, for display only: no folders, no control characters."""
    base = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in base if c.isprintable())[:255] or "video"


def copy_in(path: Path) -> Path:
    """A copy of a file on this machine in the incoming folder, ready for `accept`."""
    target = Path(settings.KINOSCOPE_HOME) / "incoming" / f"{uuid.uuid4()}.part"
    shutil.copyfile(path, target)
    return target
