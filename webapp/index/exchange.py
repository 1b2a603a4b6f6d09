"""Generations among machines that share a bucket: who builds one puts it there, the others fetch it; who removes one
removes it for all. Where media are kept in a folder, the index lies in it, too, and there is nothing to exchange.
"""

import logging
import shutil
from functools import partial
from pathlib import Path

from django.conf import settings

from indexer.files import write_whole
from indexer.generations import GenerationStore
from webapp.storage.ports import StorageAway
from webapp.storage.store import is_bucket, store

log = logging.getLogger(__name__)

FOLDER = "index"


def give(here: GenerationStore, number: int) -> None:
    """The manifest last: what has none does not exist. What is not kept here any more is kept nowhere."""
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return
    parts = sorted(here.folder.glob(f"{number}.*"), key=lambda path: path.suffix == ".json")
    for path in parts:
        store().keep(path, f"{FOLDER}/{path.name}")
    kept = set(here.numbers())
    for gone in _numbers() - kept:
        drop(gone)


def take(here: GenerationStore) -> None:
    """Fetch what others built, and let go of what they removed. A bucket that is away keeps nobody from searching."""
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return
    try:
        there, mine = _numbers(), set(here.numbers())
        for number in mine - there:
            if number < max(there, default=0):  # else it is being given just now
                here.remove(number)
        for number in sorted(there - mine):
            _fetch(here.folder, number)
    except StorageAway as away:
        log.warning("generations of other machines can't be fetched: %s", away)


def drop(number: int) -> None:
    """For all machines; each lets go of its own copy when it looks next."""
    if not is_bucket(settings.KINOSCOPE_MEDIA):
        return
    store().remove(f"{FOLDER}/{number}.json")
    for stored in list(store().list(FOLDER)):
        if stored.name.startswith(f"{FOLDER}/{number}."):
            store().remove(stored.name)


def _numbers() -> set[int]:
    """Of the generations that have a manifest in the bucket."""
    names = [Path(stored.name) for stored in store().list(FOLDER)]
    return {int(name.stem) for name in names if name.suffix == ".json" and name.stem.isdigit()}


def _fetch(folder: Path, number: int) -> None:
    names = [Path(stored.name).name for stored in store().list(FOLDER)]
    mine = [name for name in names if name.split(".")[0] == str(number)]
    for name in sorted(mine, key=lambda name: name.endswith(".json")):
        with store().fetch(f"{FOLDER}/{name}") as path:
            write_whole(folder / name, partial(shutil.copyfile, path))
