"""Where the pieces of an upload are until it is whole: a file of this machine, or parts of an object in a bucket."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.conf import settings

from webapp.models import Upload
from webapp.storage.store import store

PATIENCE_SECONDS = 3.0  # for a connection that died to let go of its upload


class Busy(Exception):
    """Another connection is writing this upload."""


class Writer(Protocol):
    """Takes what arrives, behind what was acknowledged."""

    def write(self, block: bytes) -> None:
        """Raises `Busy` when another process has taken over."""
        ...

    def keep(self, here: int) -> dict[str, Any]:
        """From here on the first `here` bytes survive anything, once the row has these fields."""
        ...

    def finish(self) -> None:
        """All bytes are here: they become the file `upload.media`. Safe to repeat."""
        ...


class Arrival(Protocol):
    """Of one upload."""

    def begin(self) -> None: ...

    def hold(self) -> AbstractContextManager[Writer]:
        """For one process at a time: another waits a little, and gives up as `Busy`. The row is fresh inside. Raises
        `Upload.DoesNotExist` when it is gone.
        """
        ...

    def drop(self) -> None:
        """What has arrived is gone; a finished file stays."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether this process can finish it."""
        ...


class FolderArrival:
    """A file in `incoming`, locked by the system: a process that dies lets go of it at once."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.path = Path(settings.KINOSCOPE_HOME) / "incoming" / f"{upload.key}.part"

    def begin(self) -> None:
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"):
            pass

    @contextmanager
    def hold(self) -> Iterator["FileWriter"]:
        try:
            file = self.path.open("r+b")
        except FileNotFoundError:
            raise Upload.DoesNotExist from None
        with file:
            for _ in patiently():
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
            self.upload.refresh_from_db()
            yield FileWriter(file, self.upload)

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    @property
    def is_here(self) -> bool:
        return self.path.exists()


class FileWriter:
    def __init__(self, file: BinaryIO, upload: Upload) -> None:
        self.file, self.upload, self.begun = file, upload, False

    def write(self, block: bytes) -> None:
        if not self.begun:  # what was never acknowledged goes
            self.file.seek(self.upload.offset_bytes)
            self.file.truncate()
            self.begun = True
        self.file.write(block)

    def keep(self, here: int) -> dict[str, Any]:
        self.file.flush()
        os.fsync(self.file.fileno())
        return {}

    def finish(self) -> None:
        store().keep(Path(self.file.name), self.upload.media.name)


def patiently() -> Iterator[None]:
    """Tries, for a while; then `Busy`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        yield
        if time.monotonic() > until:
            raise Busy
        time.sleep(0.1)
