"""Measuring the library's background: how its spaces spread, and how well chance matches score."""

from dataclasses import asdict, replace
from functools import lru_cache

from indexer.calibration import BACKGROUND, Calibration, calibrate
from indexer.retriever import rank
from indexer.types import Vectors
from webapp import engine, library, searching
from webapp.embedding import mark_changed
from webapp.models import IndexState

CHANGED = 0.05  # share of segments that must be new or gone before it is worth measuring again


def measure() -> Calibration | None:
    """The calibration of the library as it is now; None while the last one still fits."""
    ids, _, blocks = library.load_blocks()
    state = IndexState.objects.filter(pk=1).first()
    before = state.calibration.get("segments", 0) if state else 0
    if before and abs(len(ids) - before) <= CHANGED * before:
        return None
    looks, words = background(engine.fingerprint())
    measured = calibrate({"visual": looks, "text": words}, blocks)
    seen = replace(library.snapshot(), calibration=measured)
    best = []
    for sentence in BACKGROUND:
        query = searching.encode(sentence)
        ranked = rank(query, searching.gather(query, seen, seen.videos), measured)
        best += [ranked[0].score] if ranked else []
    return replace(measured, chance=sorted(best))


@lru_cache(maxsize=2)
def background(fingerprint: str) -> tuple[Vectors, Vectors]:
    """The bank's sentences in the visual and in the text space."""
    return engine.pictures().encode_texts(BACKGROUND), engine.sentences().encode_queries(BACKGROUND)


def save(measured: Calibration | None) -> None:
    if measured is not None:
        IndexState.objects.update_or_create(pk=1, defaults={"calibration": asdict(measured)})
    mark_changed()
