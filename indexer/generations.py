"""Index generations on disk: written whole or not at all, verified before they are used, two kept.

A generation is a set of files `<number>.<name>` and a manifest `<number>.json` that names size and sha256 of each and
its own. Writing goes temporary file -> fsync -> rename -> fsync(folder), the manifest last: what has no manifest does
not exist. Numbers come from the caller's fence and only grow, so that a writer which was thought dead can't replace
what came after it. (The way of Lucene's segments_N, https://lucene.apache.org/core/9_0_0/core/org/apache/lucene/index/.)
"""

import contextlib
import hashlib
import json
import mmap
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from indexer.files import hash_file, write_whole

Part = bytes | Callable[[BinaryIO], object]  # of a generation: what it holds, or what writes it

MAX_GENERATIONS = 2  # generations of each fingerprint


@dataclass(frozen=True)
class Manifest:
    """What a generation is: `sequence` of the database it was built from, and {name: [size in bytes, sha256]}."""

    number: int
    fingerprint: str
    sequence: int
    segments: int
    files: dict[str, list[Any]]

    def seal(self) -> dict[str, Any]:
        """As JSON, with the sha256 of everything else in it."""
        record = asdict(self)
        return {**record, "sha256": _digest(json.dumps(record, sort_keys=True).encode())}


class GenerationStore:
    """All generations below one folder. Any process may read; one at a time should write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def publish(self, number: int, fingerprint: str, sequence: int, segments: int, parts: Mapping[str, Part]) -> None:
        """Write a generation; once this returns it survives a crash. Raises OSError, and the older ones stay."""
        self.sweep()
        for name, part in parts.items():
            write_whole(self._path(number, name), partial(_write, part))
        paths = {name: self._path(number, name) for name in parts}
        files = {name: [path.stat().st_size, hash_file(path)] for name, path in paths.items()}
        manifest = Manifest(number, fingerprint, sequence, segments, files)
        sealed = json.dumps(manifest.seal(), indent=1).encode()
        write_whole(self._path(number, "json"), partial(_write, sealed))
        self.prune()

    def numbers(self) -> list[int]:
        """Generations that have a manifest, newest first."""
        return sorted((int(p.stem) for p in self.folder.glob("*.json") if p.stem.isdigit()), reverse=True)

    def read_manifest(self, number: int) -> Manifest:
        """Raises ValueError when it is not what was written, OSError when it is gone."""
        sealed = json.loads(self._path(number, "json").read_text())
        if not isinstance(sealed, dict):
            raise ValueError(f"The manifest of generation {number} is damaged.")
        expected = sealed.pop("sha256", "")
        if _digest(json.dumps(sealed, sort_keys=True).encode()) != expected:
            raise ValueError(f"The manifest of generation {number} is damaged.")
        return Manifest(**sealed)

    def read(self, manifest: Manifest) -> dict[str, memoryview]:
        """The very bytes whose size and sha256 are those of the manifest, mapped: processes that read them share one
        copy in memory. ValueError for others, OSError for none.
        """
        parts = {}
        for name, (size, expected) in manifest.files.items():
            data = _map(self._path(manifest.number, name))
            if len(data) != size or _digest(data) != expected:
                raise ValueError(f"{name} of generation {manifest.number} is damaged.")
            parts[name] = data
        return parts

    def written_at(self, manifest: Manifest) -> datetime:
        """When a generation was finished; raises OSError when it is gone."""
        return datetime.fromtimestamp(self._path(manifest.number, "json").stat().st_mtime, UTC)

    def load(self, fingerprint: str) -> tuple[Manifest | None, dict[str, memoryview], list[int]]:
        """The newest generation of `fingerprint` that verifies (or None), its parts, and the numbers that did not."""
        damaged: list[int] = []
        for number in self.numbers():
            try:
                manifest = self.read_manifest(number)
                if manifest.fingerprint == fingerprint:
                    return manifest, self.read(manifest), damaged
            except (ValueError, TypeError, OSError):
                if self._path(number, "json").exists():  # else a writer removed it while we read: not damaged, old
                    damaged.append(number)
        return None, {}, damaged

    def manifests(self, fingerprint: str) -> list[Manifest]:
        """The readable manifests of `fingerprint`, newest first (their files are verified by `load`)."""
        found = []
        for number in self.numbers():
            with contextlib.suppress(ValueError, TypeError, OSError):
                found.append(self.read_manifest(number))
        return [m for m in found if m.fingerprint == fingerprint]

    def prune(self) -> None:
        """Keep the newest two of each fingerprint that have a readable manifest; remove the rest."""
        kept: dict[str, list[int]] = {}
        for number in self.numbers():
            try:
                kept.setdefault(self.read_manifest(number).fingerprint, []).append(number)
            except (ValueError, TypeError, OSError):
                self.remove(number)
        for numbers in kept.values():
            for number in numbers[MAX_GENERATIONS:]:
                self.remove(number)

    def remove(self, number: int) -> None:
        """The manifest first, so that no reader starts on a generation that is half gone."""
        for path in [self._path(number, "json"), *self.folder.glob(f"{number}.*")]:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def sweep(self) -> None:
        """Remove what crashed writers left: temporary files, and parts that never got a manifest."""
        complete = set(self.numbers())
        for path in self.folder.iterdir():
            number = path.name.split(".")[0]
            if path.name.endswith(".tmp") or (number.isdigit() and int(number) not in complete):
                path.unlink(missing_ok=True)

    def _path(self, number: int, name: str) -> Path:
        return self.folder / f"{number}.{name}"


def _map(path: Path) -> memoryview:
    """A file is never overwritten: what was mapped stays what it is, even after it was removed."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")


def _write(part: Part, target: Path) -> None:
    with target.open("wb") as file:
        if callable(part):
            part(file)
        else:
            file.write(part)


def _digest(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()
