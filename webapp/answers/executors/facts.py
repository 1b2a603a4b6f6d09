"""Facts from speech, screen and pictures: what is found in them is quoted, or worded by a decoder and checked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from indexer.terms import cached_terms
from qa.answerer import Answerer
from qa.questions import Intent
from qa.types import Sentence, Turn
from webapp import engine
from webapp.answers.curves import choose_reader
from webapp.answers.scope import VisibleScope

MAX_EXPLAINED = 5  # passages that "why this answer" shows


_worded = ContextVar("worded", default=True)  # by a decoder, where there is one


@contextmanager
def quotations_alone() -> Iterator[None]:
    """No decoder words what is answered meanwhile: what it adds is what it is compared with."""
    before = _worded.set(False)
    try:
        yield
    finally:
        _worded.reset(before)


def answer_fact(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """Sentences with their moments; none where the videos do not say."""
    encoder = scope.encoder
    reranker, curve = choose_reader(encoder)
    answerer = Answerer(
        encoder.encode_queries,
        encoder.encode_passages,
        cached_terms,
        reranker,
        engine.decoder() if _worded.get() else None,
        curve,
    )
    sentences, read = answerer.answer(intent.topic or intent.text, scope, turns)
    scope.trace.searched += len(read)
    scope.trace.passages += [
        {
            "text": s.evidence.text[:200],
            "video": s.evidence.video,
            "start": s.evidence.start,
            "confidence": s.confidence,
        }
        for s in read[:MAX_EXPLAINED]
    ]
    yield from sentences
