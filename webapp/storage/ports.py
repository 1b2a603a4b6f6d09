"""What every place for files can do."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BLOCK_BYTES = 256 << 10


@dataclass(frozen=True)
class Stored:
    """A kept file: its name, its bytes, and when it was written (seconds since 1970)."""

    name: str
    size: int
    changed: float


class StorageAway(OSError):
    """The server that keeps the files did not answer: nobody's fault, and not for good."""


class Store(Protocol):
    """Files by name (`media/….bin`, `derived/<key>/…`). A name is given once, to one content, and never overwritten."""

    def keep(self, source: Path, name: str) -> None:
        """Keep a finished file of this machine, so that it survives a crash once this returns; `source` stays. Safe to
        repeat.
        """
        ...

    def fetch(self, name: str) -> AbstractContextManager[Path]:
        """The file on this machine, for as long as the context lasts. Raises `FileNotFoundError`."""
        ...

    def read(self, name: str) -> bytes:
        """A small file as a whole. Raises `FileNotFoundError`."""
        ...

    def read_range(self, name: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes [first, last] in blocks. Raises `FileNotFoundError` with the first of them."""
        ...

    def look_up(self, name: str) -> Stored | None: ...

    def list(self, prefix: str) -> Iterator[Stored]:
        """All files whose names begin with `prefix`, a folder's."""
        ...

    def remove(self, name: str) -> None:
        """Nothing happens when it is gone already."""
        ...

    def remove_all(self, prefix: str) -> None:
        """Whatever is below a folder."""
        ...

    def workspace(self, prefix: str) -> AbstractContextManager[Path]:
        """An empty folder of this machine, from which files are kept below `prefix`; removed afterwards."""
        ...


@dataclass(frozen=True)
class StoredFile:
    """A name and the store that has it."""

    store: Store
    name: str

    def fetch(self) -> AbstractContextManager[Path]:
        return self.store.fetch(self.name)

    def read(self) -> bytes:
        return self.store.read(self.name)

    def look_up(self) -> Stored | None:
        return self.store.look_up(self.name)

    def remove(self) -> None:
        self.store.remove(self.name)

    def hash(self) -> str:
        """sha256, hex. Raises `FileNotFoundError`."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[bytes]:
        """The bytes [first, last], to the end by default. Raises `FileNotFoundError`."""
        if last is None:
            stored = self.look_up()
            if stored is None:
                raise FileNotFoundError(self.name)
            last = stored.size - 1
        return self.store.read_range(self.name, first, last)
