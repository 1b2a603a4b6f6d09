"""Measuring the library's background: how its spaces spread, and how well chance matches score."""

from dataclasses import asdict, replace
from functools import lru_cache

from indexer.calibration import BACKGROUND, Calibration, calibrate
from indexer.retriever import rank
from indexer.types import Vectors
from webapp import engine, library, searching
from webapp.embedding import mark_changed
from webapp.models import IndexState, Segment

CHANGED = 0.05  # share of segments that must be new or gone before it is worth measuring again


def measure() -> Calibration | None:
    """The calibration of the library as it is now; None while the last one still fits."""
    state = IndexState.objects.filter(pk=1).first()
    before = state.calibration.get("segments", 0) if state else 0
    now = Segment.objects.filter(models_used=engine.fingerprint()).count()
    if before and abs(now - before) <= CHANGED * before:
        return None
    _, _, blocks = library.load_blocks()
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
    """Keep a new calibration and let every process reload; without one nothing changed since `embed` said so."""
    if measured is not None:
        IndexState.objects.update_or_create(pk=1, defaults={"calibration": asdict(measured)})
        mark_changed()
