"""Generations among machines that share a bucket: who builds one puts it there, the others fetch it; who removes one
removes it for all. Where media are kept in a folder, the index lies in it, too, and there is nothing to exchange.
"""

import logging
from collections import defaultdict
from functools import partial
from pathlib import Path

from django.conf import settings

from indexer.files import write_whole
from indexer.generations import GenerationStore
from webapp.storage.ports import StorageAway, StoredFile
from webapp.storage.store import is_bucket, store

log = logging.getLogger(__name__)

FOLDER = "index"


def give(here: GenerationStore, number: int, pruned: set[int]) -> None:
    """The manifest last: what has none does not exist. What was `pruned` here is kept nowhere."""
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return
    parts = sorted(here.folder.glob(f"{number}.*"), key=lambda path: path.suffix == ".json")
    for path in parts:
        store().keep(path, f"{FOLDER}/{path.name}")
    for gone in pruned:
        drop(gone)


def take(here: GenerationStore) -> None:
    """Fetch what others built, and let go of what they removed: before anybody reads, counts or replaces generations. A
    bucket that is away keeps nobody from searching.
    """
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return
    try:
        there, mine = _list(), set(here.numbers())
        whole = {number for number, names in there.items() if f"{number}.json" in names}
        for number in mine - whole:
            if number < max(whole, default=0):  # else it is being given just now
                here.remove(number)
        for number in sorted(whole - mine):
            _fetch(here.folder, there[number])
    except StorageAway as away:
        log.warning("generations of other machines can't be fetched: %s", away)


def drop(number: int) -> None:
    """For all machines: each lets go of its own copy when it looks next. The manifest goes first."""
    if is_bucket(settings.KINOSCOPE_MEDIA):
        for name in reversed(_list().get(number, [])):
            store().remove(f"{FOLDER}/{name}")


def _list() -> dict[int, list[str]]:
    """Generation -> the files that the bucket has of it, its manifest last."""
    found: dict[int, list[str]] = defaultdict(list)
    for stored in store().list(FOLDER):
        name = Path(stored.name).name
        number = name.partition(".")[0]
        if number.isdigit():
            found[int(number)].append(name)
    return {number: sorted(names, key=lambda name: name.endswith(".json")) for number, names in found.items()}


def _fetch(folder: Path, names: list[str]) -> None:
    for name in names:
        write_whole(folder / name, partial(_write, StoredFile(store(), f"{FOLDER}/{name}")))


def _write(file: StoredFile, target: Path) -> None:
    with target.open("wb") as sink:
        sink.writelines(file.blocks())
