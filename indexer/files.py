"""Files that are whole or absent, whatever dies in between: temporary file -> fsync -> rename -> fsync(folder)."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `target`, then move it there. Raises OSError; nothing is left then."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        move_whole(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def move_whole(source: Path, target: Path) -> None:
    """Rename a finished file on its own file system so that it survives a power cut under its new name."""
    _sync(source)
    source.replace(target)
    _sync(target.parent)


def share_whole(source: Path, target: Path) -> None:
    """Give a finished file a second name on its own file system, so that either name survives the loss of the other."""
    _sync(source)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV):
            raise
        write_whole(target, lambda path: shutil.copyfile(source, path))  # no second names, or another file system
    _sync(target.parent)


def write_private(path: Path, data: str) -> None:
    """For the eyes of its owner only, from the first byte on."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(data)


def _sync(path: Path) -> None:
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def hash_file(path: Path) -> str:
    """sha256, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
