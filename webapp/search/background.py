"""Measuring the library's background: how its spaces spread, and how well chance matches score."""

from dataclasses import asdict, replace
from functools import lru_cache

from indexer.calibration import BACKGROUND, Calibration, calibrate
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.types import Vectors
from webapp import engine
from webapp.index import snapshot
from webapp.models import Recipe, Segment
from webapp.pipeline.embed import mark_changed
from webapp.search import moments
from webapp.search.moments import Wanted

CHANGED = 0.05  # share of segments that must be new or gone before it is worth measuring again


def measure(recipe: Recipe) -> Calibration | None:
    """The calibration of the library as it is now; None while the last one still fits."""
    segments = Segment.objects.filter(recipe=recipe)
    before, now = recipe.calibration.get("segments", 0), segments.count()
    if before and abs(now - before) <= CHANGED * before:
        return None
    looks, words = background(engine.pictures(recipe), engine.sentences(recipe))
    measured = calibrate({"visual": looks, "text": words}, snapshot.read_rows(segments, recipe).blocks)
    seen = replace(snapshot.snapshot(recipe), calibration=measured)
    everything, best = seen.masks(seen.videos), []
    for sentence in BACKGROUND:
        ranked = moments.rank_all(Wanted(sentence), seen, everything)
        best += [ranked[0].score] if ranked else []
    return replace(measured, chance=sorted(best))


@lru_cache(maxsize=2)
def background(looking: PictureEncoder, reading: SentenceEncoder) -> tuple[Vectors, Vectors]:
    """The bank's sentences in the visual and in the text space."""
    return looking.encode_texts(BACKGROUND), reading.encode_queries(BACKGROUND)


def save(recipe: Recipe, measured: Calibration | None) -> None:
    """Keep a new calibration and let every process reload; without one nothing changed since `embed` said so."""
    if measured is not None:
        mark_changed()
        Recipe.objects.filter(pk=recipe.pk).update(calibration=asdict(measured))
