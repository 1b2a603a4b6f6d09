"""A copy of everything that can't be made again: the database as it was at one moment, then the files.

Files carry a name for one content and are never changed, so that a later backup copies only what is new. The index, the
models and the log of the site are not copied: they come again by themselves.

    backups/<time>.json   what belongs to a backup: written last, so that what has none is none
    database/<sha256>     SQLite's file, or PostgreSQL's dump
    secret_key/<sha256>   signs what people were given: sessions, links
    media/…, derived/…    under their own names
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, connections
from django.utils.translation import gettext as _

from indexer.files import hash_file, write_private, write_whole
from webapp.models import User, Video
from webapp.storage.ports import Store, StoredFile
from webapp.storage.store import store

FOLDERS = ("media", "derived")
STAMP = "%Y%m%dT%H%M%SZ"

Report = Callable[[int, int, int], object]  # files done, of how many, bytes copied


class BackupFailed(Exception):
    """It is not possible, or not what was kept; the message says what to do."""


@dataclass(frozen=True)
class Manifest:
    """`files` are (name, bytes, sha256 or its beginning)."""

    made_at: str
    vendor: str
    database: str
    secret_key: str
    files: list[tuple[str, int, str]]

    @property
    def name(self) -> str:
        return f"backups/{self.made_at}.json"


# -- there ---------------------------------------------------------------------------------------------------------


def back_up(target: Store, report: Report) -> Manifest:
    """Copy what `target` lacks. Nothing stops meanwhile: rows come first, so that every file that they name is there or
    was deleted since.
    """
    made_at = datetime.now(UTC).strftime(STAMP)
    with target.workspace("database") as folder:
        dump = folder / "dump"
        dump_database(dump)
        database = _keep(target, dump, "database")
        key = folder / "secret_key"
        key.write_text(settings.SECRET_KEY)
        secret = _keep(target, key, "secret_key")
    sums = dict(Video.objects.filter(original="").values_list("key", "sha256"))
    known = {f"media/{key}.bin": digest for key, digest in sums.items()}
    files = [
        (stored.name, stored.size, known.get(stored.name) or _sum_in(stored.name))
        for place in FOLDERS
        for stored in store().list(place)
        if "/.work-" not in stored.name and not (place == "media" and stored.name not in known)
    ]
    copied = 0
    for number, (name, size, _digest) in enumerate(files):
        copied += copy(StoredFile(store(), name), target, size)
        report(number + 1, len(files), copied)
    manifest = Manifest(made_at, connection.vendor, database, secret, files)
    with target.workspace("backups") as folder:
        written = folder / "manifest"
        written.write_text(json.dumps(asdict(manifest)))
        target.keep(written, manifest.name)
    return manifest


def copy(file: StoredFile, target: Store, size: int) -> int:
    """Bytes that were copied: none when the file is there, or was deleted meanwhile."""
    there = target.look_up(file.name)
    if there is not None and there.size == size:
        return 0
    try:
        with file.fetch() as path, target.workspace(file.name.rpartition("/")[0]) as folder:
            shutil.copyfile(path, folder / path.name)
            target.keep(folder / path.name, file.name)
    except FileNotFoundError:
        return 0
    return size


def _keep(target: Store, path: Path, folder: str) -> str:
    name = f"{folder}/{hash_file(path)}"
    target.keep(path, name)
    return name


def _sum_in(name: str) -> str:
    """What a derived file's name says of its content, see `pipeline.outputs`."""
    return Path(name).stem.rpartition("-")[2]


def dump_database(target: Path) -> None:
    """As it is at this moment, without stopping anybody."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        return
    _run("pg_dump", "--format=custom", f"--file={target}", *_place())


# -- back ----------------------------------------------------------------------------------------------------------


def read_manifests(target: Store) -> Iterator[Manifest]:
    """Newest first."""
    for stored in sorted(target.list("backups"), key=lambda stored: stored.name, reverse=True):
        record = json.loads(target.read(stored.name))
        yield Manifest(**{**record, "files": [tuple(file) for file in record["files"]]})


def verify(target: Store, manifest: Manifest) -> list[str]:
    """Names of what is not there, or not what was copied. Reads everything."""
    wrong = []
    whole = [(name, name.rpartition("/")[2]) for name in (manifest.database, manifest.secret_key)]
    for name, expected in [*whole, *((name, digest) for name, _size, digest in manifest.files)]:
        try:
            as_it_was = StoredFile(target, name).hash().startswith(expected)
        except FileNotFoundError:
            as_it_was = False
        if not as_it_was:
            wrong.append(name)
    return wrong


def restore(target: Store, manifest: Manifest, report: Report) -> None:
    """Into an empty installation: database, then files; the index is built anew. Raises `BackupFailed`."""
    if manifest.vendor != connection.vendor:
        names = {"kept": manifest.vendor, "here": connection.vendor}
        raise BackupFailed(_("The backup is one of %(kept)s, and here is %(here)s. Set DATABASE_URL.") % names)
    if "webapp_user" in connection.introspection.table_names() and User.objects.exists():
        raise BackupFailed(_("This installation is not empty. Restore into a new KINOSCOPE_HOME and database."))
    with StoredFile(target, manifest.database).fetch() as dump:
        if hash_file(dump) != manifest.database.rpartition("/")[2]:
            raise BackupFailed(_("The database of this backup is damaged. Choose an older one with --at."))
        load_database(dump)
    key = target.read(manifest.secret_key).decode()
    write_whole(settings.KINOSCOPE_HOME / "secret_key", lambda path: write_private(path, key))
    copied = 0
    for number, (name, size, _digest) in enumerate(manifest.files):
        copied += copy(StoredFile(target, name), store(), size)
        report(number + 1, len(manifest.files), copied)


def load_database(dump: Path) -> None:
    connections.close_all()
    if connection.vendor == "sqlite":
        path = str(settings.DATABASES["default"]["NAME"])
        with (
            closing(sqlite3.connect(f"file:{dump}?mode=ro", uri=True)) as kept,
            closing(sqlite3.connect(path)) as fresh,
        ):
            kept.backup(fresh)
        return
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error", *_place(), str(dump))


def _place() -> list[str]:
    """The database, as PostgreSQL's programs are told; the password goes by the environment."""
    told = settings.DATABASES["default"]
    options = {"--host": told["HOST"], "--port": told["PORT"], "--username": told["USER"], "--dbname": told["NAME"]}
    return [f"{name}={value}" for name, value in options.items() if value]


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(_("%(name)s is not installed. Install PostgreSQL's client programs.") % {"name": program})
    environment = {**os.environ, "PGPASSWORD": str(settings.DATABASES["default"]["PASSWORD"])}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip()[-500:]}")
