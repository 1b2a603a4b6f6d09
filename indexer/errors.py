"""Errors name the thing, the reason and the remedy, and know whether a retry can help.

What a person reads is kept as an English template with the values that fill it, so that a site can say it in the
language of whoever reads it, later and elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def translatable(text: str) -> str:
    """Marks a sentence that is no error's, for `manage.py makemessages`."""
    return text


class IndexerError(Exception):
    """Base of what `indexer` raises. `permanent`: trying again will not help.

    `text` is the template (`%(name)s`, filled from `values`; nothing is filled where there are none); `str()` says it
    in English.
    """

    permanent = True
    code = "indexer"

    def __init__(self, text: str, **values: object) -> None:
        self.text = text
        self.values = {name: v if isinstance(v, int | float) else str(v)[:300] for name, v in values.items()}
        super().__init__(self.text, self.values)

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


class UnreadableMedia(IndexerError):
    """The file is no video or audio that may be opened here."""

    code = "unreadable"


class BoxFailed(IndexerError):
    """The decoder's child process crashed, hung or ran over a limit."""

    permanent = False
    code = "decoder"


class ModelMissing(IndexerError):
    """Weights are not on this machine, or are not the ones that were pinned."""

    permanent = False
    code = "model-missing"


@contextmanager
def loading(folder: str | Path) -> Iterator[None]:
    """What a library says of weights in `folder` that it can't load, as `ModelMissing`."""
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise ModelMissing(
            "The model in %(folder)s can't be loaded (%(why)s). Remove it and fetch it again, or name another folder.",
            folder=folder,
            why=" ".join(str(error).split())[:150],
        ) from error


class OutOfMemory(IndexerError):
    """A model found no memory for even one item; another process may have to end first."""

    permanent = False
    code = "memory"


class DiskFull(IndexerError):
    """There is no room to write what a step makes."""

    permanent = False
    code = "disk-full"


class EngineAway(IndexerError):
    """The engine that keeps the vectors does not answer."""

    permanent = False
    code = "engine-away"


class BadVectors(IndexerError):
    """Vectors that must not reach an index: wrong shape, not finite, or not unit length."""

    code = "bad-vectors"
