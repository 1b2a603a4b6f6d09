"""Who reads passages for an answer, and how sure that makes: a curve for each pair of sentence encoder and re-ranker.

The project's own numbers hold for the models that came with it. For others a worker fits the same talks that were
written for that (`qa/training/data/reading.txt`) anew; until then what came with Kinoscope reads.
"""

import logging

from indexer.ports import SentenceEncoder
from indexer.terms import cached_terms
from qa.evidence import FITTED, FITTED_FOR, Curve
from qa.ports import Reranker
from webapp import engine
from webapp.models import ReadingCurve, Recipe

log = logging.getLogger(__name__)


def choose_reader(encoder: SentenceEncoder) -> tuple[Reranker | None, Curve]:
    """The re-ranker whose curve is known, and the curve."""
    for reranker in (engine.reranker(), engine.bundled_reranker()):
        curve = find_curve(encoder.name, reranker.name)
        if curve is not None:
            return reranker, curve
    return None, FITTED


def find_curve(sentence_encoder: str, reranker: str) -> Curve | None:
    if (sentence_encoder, reranker) == FITTED_FOR:
        return FITTED
    row = ReadingCurve.objects.filter(sentence_encoder=sentence_encoder, reranker=reranker).first()
    return Curve(tuple(row.read), tuple(row.unread)) if row else None


def sweep() -> None:
    """Fit what answers need and nobody fitted yet."""
    for recipe in Recipe.objects.all():
        try:
            reranker = engine.reranker()
            if find_curve(recipe.sentence_encoder, reranker.name) is None:
                fit(engine.sentences(recipe), reranker)
        except Exception:  # whatever a model dislikes: others read until it is mended
            log.warning("how sure answers may be with %s could not be fitted", recipe, exc_info=True)


def fit(encoder: SentenceEncoder, reranker: Reranker) -> None:
    from qa.training.reader import fit_curve

    curve = fit_curve(encoder.encode_queries, encoder.encode_passages, cached_terms, reranker)
    fitted = {"read": curve.read, "unread": curve.unread}
    ReadingCurve.objects.update_or_create(sentence_encoder=encoder.name, reranker=reranker.name, defaults=fitted)
