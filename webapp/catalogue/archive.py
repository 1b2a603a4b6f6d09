"""A model as one file, for machines without a network: packed on one, unpacked on the other."""

import json
import tarfile
import tempfile
from pathlib import Path

from webapp.catalogue.download import MANIFEST, FetchFailed, adopt, find_damaged, folder_of, verify
from webapp.catalogue.entry import Entry
from webapp.catalogue.table import ENTRIES


def pack(root: Path, entry: Entry, target: Path) -> None:
    """Write what is installed of `entry`; weights do not get smaller by compressing them."""
    verify(root, entry)
    with tarfile.open(target, "w") as archive:
        archive.add(folder_of(root, entry), arcname=entry.name)


def unpack(root: Path, source: Path) -> Entry:
    """Install what `pack` wrote; raise `FetchFailed` for anything else, with nothing installed."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as scratch:
        try:
            with tarfile.open(source, "r:") as archive:
                entry = _read_entry(archive, source)
                archive.extractall(scratch, filter="data")
            folder = Path(scratch) / entry.name
            noted = json.loads((folder / MANIFEST).read_text())
            hashes, revision = noted["files"], noted["revision"]
            damaged = find_damaged(folder, hashes)
        except (tarfile.TarError, OSError, ValueError, KeyError) as error:
            raise FetchFailed(
                "%(file)s is no archive of `models pack` (%(why)s).",
                file=source,
                why=f"{type(error).__name__}: {error}",
            ) from None
        if damaged:
            raise FetchFailed("%(part)s in %(file)s is damaged. Pack or copy it again.", part=damaged, file=source)
        if revision != entry.revision:
            raise FetchFailed(
                "%(file)s holds another revision of %(name)s than this version of Kinoscope pins. Pack it again with "
                "the same version.",
                file=source,
                name=entry.title,
            )
        adopt(root, entry, folder, hashes)
    return entry


def _read_entry(archive: tarfile.TarFile, source: Path) -> Entry:
    names = {member.name.split("/")[0] for member in archive.getmembers()}
    if len(names) != 1 or (name := names.pop()) not in ENTRIES:
        raise FetchFailed("%(file)s holds no model that this version of Kinoscope knows.", file=source)
    return ENTRIES[name]
