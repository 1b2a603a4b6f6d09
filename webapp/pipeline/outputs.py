"""Files that stages make: written in a folder of their own, then moved under names that carry their content's sha256.

So a step that runs again, or twice at once, never overwrites what another one committed; what no row names any more is
swept after a day.
"""

import errno
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from indexer.errors import DiskFull
from indexer.files import hash_file, move_whole
from webapp.models import Keyframe, Step, Video

ORPHAN_TTL_SECONDS = 24 * 3600  # an orphan may still be on a page that somebody has open


@contextmanager
def workspace(video: Video) -> Iterator[Path]:
    """An empty folder on the file system of the video's derived files, removed afterwards."""
    video.derived.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".work-", dir=video.derived, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def adopt(folder: Path, video: Video) -> dict[str, str]:
    """Move finished files into place; {name they were made under: name they are kept under}."""
    names = {}
    for path in sorted(folder.iterdir()):
        names[path.name] = f"{path.stem}-{hash_file(path)[:16]}{path.suffix}"
        move_whole(path, video.derived / names[path.name])
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
        shutil.rmtree(video.derived, ignore_errors=True)


def find_orphans(older_than: float = ORPHAN_TTL_SECONDS) -> Iterator[Path]:
    """Files and folders that no row names and that nobody can still be writing."""
    home, last = Path(settings.KINOSCOPE_HOME), time.time() - older_than
    keys = set(map(str, Video.objects.values_list("key", flat=True)))
    candidates = list((home / "incoming").iterdir())
    candidates += [p for p in (home / "media").iterdir() if p.stem not in keys]
    for folder in (home / "derived").iterdir():
        if folder.name not in keys:
            candidates.append(folder)
            continue
        rows = Keyframe.objects.filter(video__key=uuid.UUID(folder.name)).values_list("file", "full")
        used = {name for row in rows for name in row}
        used.update(Video.objects.values_list("files", flat=True).get(key=folder.name).values())
        candidates += [p for p in folder.iterdir() if p.name not in used]
    for path in candidates:
        try:
            old = path.stat().st_mtime < last
        except FileNotFoundError:
            continue
        if old:
            yield path


def sweep() -> int:
    """Remove orphans; how many."""
    count = 0
    for path in find_orphans():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        count += 1
    return count


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
