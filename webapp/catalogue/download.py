"""Fetching the files of an entry: from the hub or one address, resumed by ranges, each compared with its pinned hash.

Runs in a process of its own (`manage.py models fetch`), because the hub's library reads from the environment, once,
whether it may be asked; everywhere else it may not. It also honours HF_ENDPOINT (a mirror), HF_TOKEN and proxies.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

from indexer import files
from indexer.errors import DiskFull, IndexerError, translatable
from webapp.catalogue.entry import Entry
from webapp.catalogue.machine import free_bytes

SPARE_BYTES = 1 << 30  # that a download leaves free
PIECE = 1 << 20  # what is lost at most when a connection breaks; the library would write ten times as much at once
PLAN, MANIFEST = "plan.json", "manifest.json"
FORBIDDEN = translatable("HF_HUB_OFFLINE is set: nothing may be fetched. Unset it, or unpack an archive.")
_PICKLED = "pytorch_model.bin"  # only where a repository has nothing safer


class FetchFailed(IndexerError):
    """A model did not come, or not as it was pinned."""

    permanent = False
    code = "fetch"


@dataclass(frozen=True)
class Wanted:
    """A file to fetch. `hash` is its sha256, or the name that git gives it ("git:…"), as the hub says."""

    path: str
    address: str
    size: int
    hash: str


def folder_of(root: Path, entry: Entry) -> Path:
    return root / entry.name


def incoming(root: Path, entry: Entry) -> Path:
    """Where its files are gathered until all are here."""
    return root / f"{entry.name}.incoming"


def is_here(root: Path, entry: Entry) -> bool:
    """Whether it lies in `root`, in the revision that the table names."""
    try:
        return bool(json.loads((folder_of(root, entry) / MANIFEST).read_text())["revision"] == entry.revision)
    except (OSError, ValueError, KeyError):
        return False


def count_bytes(root: Path, entry: Entry) -> tuple[int, int]:
    """How much of how much has come; (0, 0) before the hub said how much there is."""
    folder = incoming(root, entry)
    try:
        plan = json.loads((folder / PLAN).read_text())
    except (OSError, ValueError):
        return 0, 0
    done = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.name != PLAN)
    return done, sum(row["size"] for row in plan)


def fetch(root: Path, entry: Entry, announce: Callable[[str], None] = lambda _path: None) -> Path:
    """The folder with all files of `entry`, whole and verified. What was fetched before is kept and gone on with.

    Raises `FetchFailed` and `DiskFull`.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root, entry):
        if is_here(root, entry):
            return folder_of(root, entry)
        folder = incoming(root, entry)
        folder.mkdir(exist_ok=True)
        with _explained(entry):
            plan = list_file(entry) if entry.is_file else list_files(entry)
            (folder / PLAN).write_text(json.dumps([asdict(wanted) for wanted in plan]))
            _need_room(root, entry, plan)
            for wanted in plan:
                if not (folder / wanted.path).exists():
                    announce(wanted.path)
                    _transfer(folder, wanted)
        (folder / PLAN).unlink()
        return adopt(root, entry, folder, {w.path: w.hash for w in plan if not w.hash.startswith("git:")})


def adopt(root: Path, entry: Entry, folder: Path, known: Mapping[str, str]) -> Path:
    """Let a complete folder be the entry's, in one step, with the sha256 of each file: `known`, or else computed."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    manifest = {
        "source": entry.source,
        "revision": entry.revision,
        "files": {name: known.get(name) or files.hash_file(folder / name) for name in names if name != MANIFEST},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    target = folder_of(root, entry)
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    return target


def verify(root: Path, entry: Entry) -> None:
    """Compare each file with what was noted when it came; raise `FetchFailed` for the first that differs."""
    folder = folder_of(root, entry)
    damaged = find_damaged(folder, json.loads((folder / MANIFEST).read_text())["files"])
    if damaged:
        raise FetchFailed(
            "%(file)s of %(name)s is not as it came. Remove the model and fetch it again.",
            file=damaged,
            name=entry.title,
        )


def find_damaged(folder: Path, expected: Mapping[str, str]) -> str:
    """The first file that is missing, or has another sha256 than expected; "" when all are as they should be."""
    for name, digest in expected.items():
        if not (folder / name).is_file() or files.hash_file(folder / name) != digest:
            return name
    return ""


def discard(root: Path, entry: Entry) -> None:
    """Nothing of it stays."""
    for folder in (incoming(root, entry), folder_of(root, entry)):
        shutil.rmtree(folder, ignore_errors=True)


# -- what there is to fetch ----------------------------------------------------------------------------------------


def list_files(entry: Entry) -> list[Wanted]:
    """The entry's files at its revision, as the hub lists them."""
    from huggingface_hub import HfApi, hf_hub_url

    info = HfApi().model_info(entry.source, revision=entry.revision, files_metadata=True, timeout=30)
    if info.sha != entry.revision:
        raise FetchFailed(
            "The hub gave revision %(got)s of %(name)s instead of the pinned one (%(pinned)s). Check HF_ENDPOINT.",
            got=info.sha,
            name=entry.source,
            pinned=entry.revision,
        )
    found = {s.rfilename: s for s in info.siblings or [] if _is_wanted(s.rfilename, entry.files)}
    if not any(name.endswith((".safetensors", ".bin")) for name in found):
        found |= {s.rfilename: s for s in info.siblings or [] if s.rfilename == _PICKLED}
    return [
        Wanted(
            name,
            hf_hub_url(entry.source, name, revision=entry.revision),
            each.size or 0,
            each.lfs.sha256 if each.lfs else f"git:{each.blob_id}",
        )
        for name, each in sorted(found.items())
    ]


def _is_wanted(path: str, patterns: tuple[str, ...]) -> bool:
    """Patterns stand for names in the repository itself; what lies in its folders is named whole."""
    return any(fnmatch(path, pattern) for pattern in patterns) and ("/" not in path or path in patterns)


def list_file(entry: Entry) -> list[Wanted]:
    """One file at an address that is known by its hash."""
    import httpx2

    answer = httpx2.head(entry.source, follow_redirects=True, timeout=30)
    answer.raise_for_status()
    return [Wanted(entry.files[0], entry.source, int(answer.headers["Content-Length"]), entry.revision)]


def _need_room(root: Path, entry: Entry, plan: list[Wanted]) -> None:
    done, total = count_bytes(root, entry)
    if total - done + SPARE_BYTES > free_bytes(root):
        raise DiskFull(
            "%(name)s needs %(gb).1f GB, and %(free).1f GB are free. Make room, then go on: what came is kept.",
            name=entry.title,
            gb=(total - done + SPARE_BYTES) / 1e9,
            free=free_bytes(root) / 1e9,
        )


# -- bytes ---------------------------------------------------------------------------------------------------------


def _transfer(folder: Path, wanted: Wanted) -> None:
    """Go on with the part of the file that is here; it has its name only when its hash is right."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.file_download import http_get

    constants.DOWNLOAD_CHUNK_SIZE = PIECE

    part = folder / f"{wanted.path}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    if part.exists() and part.stat().st_size > wanted.size:
        part.unlink()
    with part.open("ab") as file:
        http_get(
            wanted.address,
            file,
            resume_size=file.tell(),
            headers=HfApi(library_name="kinoscope")._build_hf_headers(),
            expected_size=wanted.size,
            displayed_filename=wanted.path,
        )
    if hash_as(wanted.hash, part) != wanted.hash:
        part.unlink()
        raise FetchFailed(
            "%(file)s came with another hash than the pinned one and was thrown away. Try again; if it happens twice, "
            "the mirror or a proxy changes files: check HF_ENDPOINT.",
            file=wanted.path,
        )
    part.rename(folder / wanted.path)


def hash_as(like: str, path: Path) -> str:
    """The file's sha256, or where `like` is one of git's names its name there
    (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
    """
    if not like.startswith("git:"):
        return files.hash_file(path)
    content = path.read_bytes()  # git keeps small files only
    header = f"blob {len(content)}\0".encode()
    return "git:" + hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


@contextmanager
def _alone(root: Path, entry: Entry) -> Iterator[None]:
    """Only one process of this machine fetches an entry."""
    with (root / f"{entry.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FetchFailed("%(name)s is being fetched already by another process.", name=entry.title) from None
        yield


@contextmanager
def _explained(entry: Entry) -> Iterator[None]:
    """What the hub's library raises, as what a person can do."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise FetchFailed(FORBIDDEN) from None
    except errors.GatedRepoError:
        raise FetchFailed(
            "%(name)s is given only to who accepted its terms. Accept them at %(link)s, make a token there, and start "
            "the workers with HF_TOKEN.",
            name=entry.title,
            link=entry.link,
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError):
        raise FetchFailed(
            "The hub does not have %(name)s as it is pinned (%(link)s). Upgrade Kinoscope, or unpack an archive.",
            name=entry.source,
            link=entry.link,
        ) from None
    except (httpx2.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise DiskFull("The disk is full. Make room, then go on: what came is kept.") from None
        raise FetchFailed(
            "The hub did not give %(name)s (%(why)s). Check the network, HF_ENDPOINT and HTTPS_PROXY; what came is "
            "kept.",
            name=entry.title,
            why=f"{type(error).__name__}: {str(error)[:150]}",
        ) from None


def child_environment() -> dict[str, str]:
    """For the process that fetches: it may ask the hub, and gets files whole or in ranges from any mirror."""
    return {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
