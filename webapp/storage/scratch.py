"""Files of a bucket on this machine for as long as somebody reads them, and a while longer: the latest stay."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_BYTES = 10 << 30
MAX_AGE = 3600  # seconds since the last use: another machine may have deleted it


class Scratch:
    """Each file is fetched once, however many processes ask for it; the oldest make room, never one that is in use."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def place(self, name: str) -> Path:
        return self.folder / hashlib.sha256(name.encode()).hexdigest()

    def forget(self, name: str) -> None:
        """The copy of a file that was deleted; one that is being read goes with its age."""
        if self.place(name).exists():
            self.drop(self.place(name))

    @contextmanager
    def hold(self, name: str, fetch: Callable[[Path], object]) -> Iterator[Path]:
        """The file, by `fetch` where it is not here yet. What that raises is passed on, and nothing is left."""
        path = self.place(name)
        with open(os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                unfinished = path.with_suffix(".part")
                try:
                    fetch(unfinished)
                    unfinished.replace(path)
                finally:
                    unfinished.unlink(missing_ok=True)
            os.utime(path)
            fcntl.flock(lock, fcntl.LOCK_SH)  # others may read it, too; nobody may drop it
            self.make_room(path)
            yield path

    def make_room(self, newest: Path) -> None:
        """Drop what nobody used for an hour, and what was used longest ago while there are too many bytes."""
        files: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process makes room, too
                if not path.suffix:
                    files.append((path.stat().st_mtime, path.stat().st_size, path))
        total = 0
        for used, size, path in sorted(files, reverse=True):
            total += size
            is_old = time.time() - used > MAX_AGE
            if path != newest and (is_old or total > self.max_bytes):
                self.drop(path)

    def drop(self, path: Path) -> None:
        """Unless somebody reads it."""
        lock_path = path.with_suffix(".lock")
        with lock_path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            path.unlink(missing_ok=True)
