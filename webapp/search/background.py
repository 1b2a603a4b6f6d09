"""Measuring the library's background: how its spaces spread, and how well chance matches score."""

from dataclasses import asdict, replace
from functools import lru_cache

from indexer.calibration import BACKGROUND, Calibration, calibrate
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.query_language import take_literally
from indexer.types import Vectors
from webapp import engine
from webapp.index.changes import mark_changed
from webapp.index.snapshot import current_snapshot, read_rows
from webapp.models import Recipe, Segment
from webapp.search.candidates import CANDIDATES_PER_CHANNEL
from webapp.search.moments import search
from webapp.search.queries import Wanted, read

MIN_CHANGED_SHARE = 0.05  # of segments that must be new or gone before it is worth measuring again


def measure(recipe: Recipe, anew: bool = False) -> Calibration | None:
    """The calibration of the library as it is now; None while the last one still fits, unless `anew`."""
    segments = Segment.objects.filter(recipe=recipe)
    before, now = recipe.calibration.get("segments", 0), segments.count()
    if not anew and before and abs(now - before) <= MIN_CHANGED_SHARE * before:
        return None
    visual, text = encode_background(engine.pictures(recipe), engine.sentences(recipe))
    measured = calibrate({"visual": visual, "text": text}, read_rows(segments, recipe).blocks)
    snapshot = replace(current_snapshot(recipe), calibration=measured)
    everything, best = snapshot.masks(snapshot.videos), []
    lexicon = snapshot.lexicon(everything)
    for sentence in BACKGROUND:
        query = read(sentence, Wanted(), take_literally(sentence), lexicon, recipe)
        ranked = search([query], snapshot, everything, CANDIDATES_PER_CHANNEL, recipe)
        best += [ranked[0].lead] if ranked else []
    return replace(measured, chance=sorted(best))


@lru_cache(maxsize=2)
def encode_background(picture_encoder: PictureEncoder, sentence_encoder: SentenceEncoder) -> tuple[Vectors, Vectors]:
    """The bank's sentences in the visual and in the text space."""
    return picture_encoder.encode_texts(BACKGROUND), sentence_encoder.encode_queries(BACKGROUND)


def refresh(recipe: Recipe, anew: bool = False) -> None:
    """Measure and save, where there is something to measure."""
    if recipe.segments.exists():
        save(recipe, measure(recipe, anew))


def save(recipe: Recipe, measured: Calibration | None) -> None:
    """Keep a new calibration and let every process reload; without one nothing changed since `embed` said so."""
    if measured is not None:
        mark_changed()
        Recipe.objects.filter(pk=recipe.pk).update(calibration=asdict(measured))
