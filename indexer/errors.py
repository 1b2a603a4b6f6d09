"""Errors name the thing, the reason and the remedy, and know whether a retry can help."""


class IndexerError(Exception):
    """Base of what `indexer` raises. `permanent`: trying again will not help."""

    permanent = True
    code = "indexer"

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason} {remedy}".strip())


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


class OutOfMemory(IndexerError):
    """A model found no memory for even one item; another process may have to end first."""

    permanent = False
    code = "memory"


class DiskFull(IndexerError):
    """There is no room to write what a step makes."""

    permanent = False
    code = "disk-full"


class BadVectors(IndexerError):
    """Vectors that must not reach an index: wrong shape, not finite, or not unit length."""

    code = "bad-vectors"
