"""A folder of this machine, or one that several machines mount."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.files import share_whole
from webapp.storage.ports import BLOCK_BYTES, Stored


class Folder:
    """Names are paths below `root`. A file that is kept has a second name until its first one is dropped."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, source: Path, name: str) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source.chmod(0o600)
        try:
            share_whole(source, target)
        except FileExistsError:  # an earlier attempt got as far; a name stands for one content
            if target.stat().st_size != source.stat().st_size:
                target.unlink()
                share_whole(source, target)

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        path = self.root / name
        if not path.is_file():
            raise FileNotFoundError(name)
        yield path

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def read_range(self, name: str, first: int, last: int) -> Iterator[bytes]:
        with (self.root / name).open("rb") as file:
            file.seek(first)
            left = last - first + 1
            while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
                left -= len(block)
                yield block

    def look_up(self, name: str) -> Stored | None:
        try:
            state = (self.root / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(name, state.st_size, state.st_mtime)

    def list(self, prefix: str) -> Iterator[Stored]:
        for path in sorted((self.root / prefix).rglob("*")):
            stored = self.look_up(str(path.relative_to(self.root))) if path.is_file() else None
            if stored is not None:
                yield stored

    def remove(self, name: str) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        if path.parent.parent != self.root:
            with suppress(OSError):  # a folder that is not empty stays
                path.parent.rmdir()

    def remove_all(self, prefix: str) -> None:
        shutil.rmtree(self.root / prefix, ignore_errors=True)

    @contextmanager
    def workspace(self, prefix: str) -> Iterator[Path]:
        """On the file system of what is kept, so that keeping is giving a name."""
        place = self.root / prefix
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=place, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
