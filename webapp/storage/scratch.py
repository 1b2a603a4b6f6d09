"""Files of a bucket on this machine for as long as somebody reads them, and a while longer: the latest stay."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_BYTES = 10 << 30


class Scratch:
    """Each file is fetched once, however many processes ask for it; the oldest make room, never one that is in use."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def hold(self, name: str, fetch: Callable[[Path], object]) -> Iterator[Path]:
        """The file, by `fetch` where it is not here yet. What that raises is passed on, and nothing is left."""
        path = self.folder / hashlib.sha256(name.encode()).hexdigest()
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
        """Drop the files that were used longest ago while there are too many bytes."""
        files = sorted((p for p in self.folder.iterdir() if not p.suffix), key=lambda p: -p.stat().st_mtime)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > self.max_bytes and path != newest:
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
