"""How many answers a model writes at once: more of them do not make it faster, and everybody would wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from qa.errors import DecoderMissing

_PATIENCE = 10.0  # seconds that an answer waits for its turn, before the quotations are the answer


@contextmanager
def take_turn(turns: threading.Semaphore, name: str) -> Iterator[None]:
    """Raises `DecoderMissing` when others keep the model busy."""
    if not turns.acquire(timeout=_PATIENCE):
        raise DecoderMissing("The model %(name)s is busy with other answers; this one is a quotation.", name=name)
    try:
        yield
    finally:
        turns.release()
