"""Files that stages make: written in a folder of their own, then moved under names that carry their content's sha256.

So a step that runs again, or twice at once, never overwrites what another one committed; what no row names any more is
swept after a day.
"""

import errno
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path

from django.conf import settings

from indexer.errors import DiskFull
from indexer.files import hash_file
from webapp.models import Keyframe, Montage, Step, Video
from webapp.storage.ports import Store, Stored, StoredFile
from webapp.storage.store import open_store, store

ORPHAN_TTL_SECONDS = 24 * 3600  # an orphan may still be on a page that somebody has open


def workspace(video: Video) -> AbstractContextManager[Path]:
    """An empty folder for what a step makes, removed afterwards."""
    return store().workspace(video.folder)


def adopt(folder: Path, video: Video) -> dict[str, str]:
    """Move finished files into place; {name they were made under: name they are kept under}."""
    names = {}
    for path in sorted(folder.iterdir()):
        names[path.name] = f"{path.stem}-{hash_file(path)[:16]}{path.suffix}"
        store().keep(path, video.derived(names[path.name]).name)
        path.unlink()
    return names


def note_file(video: Video, role: str, name: str | None) -> None:
    """Name a file of the video. `proxy` and `look` may commit at once: read and write under the row's lock."""
    files = Video.objects.select_for_update().values_list("files", flat=True).get(pk=video.pk)
    if name:
        video.files = {**files, role: name}
        Video.objects.filter(pk=video.pk).update(files=video.files)


def discard(step: Step) -> None:
    """Remove what a stopped step left of a video that was deleted meanwhile."""
    video: Video | None = Step.video.field.get_cached_value(step, default=None)  # type: ignore[assignment]
    if video is not None and not Video.objects.filter(pk=video.pk).exists():
        store().remove_all(video.folder)


def find_orphans(older_than: float = ORPHAN_TTL_SECONDS) -> Iterator[StoredFile]:
    """Files that no row names and that nobody can still be writing."""
    last = time.time() - older_than
    for place in {store(), open_store(str(settings.KINOSCOPE_HOME))}:
        for stored in find_unnamed(place):
            if stored.changed < last:
                yield StoredFile(place, stored.name)


def find_unnamed(place: Store) -> Iterator[Stored]:
    """Whatever arrived and was not taken, media without a row, and what no row of its video names."""
    yield from place.list("incoming")
    keys = set(map(str, Video.objects.values_list("key", flat=True)))
    montages = {f"derived/{key}/{file}" for key, file in Montage.objects.values_list("key", "file")}
    yield from (stored for stored in place.list("media") if Path(stored.name).stem not in keys)
    for key, files in groupby(place.list("derived"), key=lambda stored: stored.name.split("/")[1]):
        used = name_files(key) if key in keys else set()
        unnamed = (stored for stored in files if stored.name.removeprefix(f"derived/{key}/") not in used)
        yield from (stored for stored in unnamed if stored.name not in montages)


def name_files(key: str) -> set[str]:
    """The files that rows of a video name."""
    rows = Keyframe.objects.filter(video__key=uuid.UUID(key)).values_list("file", "full")
    files = Video.objects.values_list("files", flat=True).filter(key=key).first() or {}
    return {name for row in rows for name in row} | set(files.values())


def sweep() -> int:
    """Remove orphans; how many."""
    orphans = list(find_orphans())
    for orphan in orphans:
        orphan.remove()
    return len(orphans)


def has_room() -> bool:
    """Whether a step may write: more than 1 GB or 5 % of the disk is free."""
    usage = shutil.disk_usage(settings.KINOSCOPE_HOME)
    return usage.free > min(1 << 30, usage.total // 20)


def disk_full() -> DiskFull:
    return DiskFull("The disk is full. Make room; the step goes on by itself.")


def is_full(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that the disk is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(seen) or "No space left on device" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
