"""Questions: read -> retrieval -> evidence -> quoting, pictures, decoder -> reader. Every sentence cites a moment."""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from indexer.ports import SentenceEncoder
from indexer.terms import terms
from indexer.types import Vectors
from qa.errors import QaError
from qa.evidence import fit_budget, score_evidence
from qa.pictures import read_question
from qa.questions import Window, find_event, find_window, refer_back, split_parts, without_times
from qa.reader import answer_by_quoting, check
from qa.types import Answer, Sentence, Turn
from qa.types import Evidence as Piece
from webapp import engine
from webapp.answers import frames
from webapp.index import recipes
from webapp.models import EvidenceVector, Recipe, User, Video
from webapp.pipeline.embed import unpack
from webapp.search import moments
from webapp.search.candidates import split

log = logging.getLogger(__name__)

WHOLE = 3000  # pieces of evidence that are read without searching first
MOMENTS = 40  # otherwise: the pieces in this many best moments


@dataclass(frozen=True)
class Reply:
    """An answer with the videos it cites and how long it took; `unanswered` are parts of the question."""

    question: str
    answer: Answer
    videos: dict[int, Video]
    took_ms: float
    unanswered: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """JSON-ready, in the contract's shape."""
        return {
            "question": self.question,
            "answer": self.answer.text,
            "abstained": self.answer.abstained,
            "sentences": [
                {
                    "text": s.text,
                    "citations": [
                        {**asdict(c), "file": self.videos[c.video].file_name}
                        for c in s.citations
                        if c.video in self.videos
                    ],
                }
                for s in self.answer.sentences
            ],
            "unanswered": list(self.unanswered),
            "took_ms": round(self.took_ms, 1),
        }


@dataclass(frozen=True)
class Scope:
    """What may be read: pieces of evidence with their vectors (n, d), or, for a large library, those near a text."""

    user: User | AnonymousUser
    videos: "QuerySet[Video]"
    alone: Video | None  # when one video is asked
    recipe: Recipe
    reading: SentenceEncoder

    @cached_property
    def _everything(self) -> tuple[list[Piece], Vectors] | None:
        """All evidence, read once for every part of a question; None when that is too much."""
        rows = self._rows()
        return self._load(rows) if rows.count() <= WHOLE else None

    def read(self, question: str) -> tuple[list[Piece], Vectors]:
        """All evidence of the scope when it is small, else that of the best moments."""
        if self._everything is not None:
            return self._everything
        near = Q(pk=None)
        scope = list(self.videos.values_list("pk", flat=True))
        for moment in moments.find(self.user, question, MOMENTS, videos=scope).moments:
            near |= Q(
                evidence__video=moment.video,
                evidence__start__lt=moment.segment.end,
                evidence__end__gt=moment.segment.start,
            )
        return self._load(self._rows().filter(near))

    def _rows(self) -> "QuerySet[EvidenceVector]":
        return EvidenceVector.objects.filter(evidence__video__in=self.videos, encoder=self.reading.name)

    def _load(self, rows: "QuerySet[EvidenceVector]") -> tuple[list[Piece], Vectors]:
        found = list(rows.select_related("evidence").order_by("evidence__video", "evidence__start", "evidence"))
        none = np.zeros((0, self.reading.dim), np.float32)
        vectors = np.stack([unpack(r.vector, self.reading.dim) for r in found]) if found else none
        pieces = [r.evidence for r in found]
        return [Piece(0, p.video_id, p.start, p.end, p.kind, p.text, p.sentence) for p in pieces], vectors


def ask(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Reply:
    """Answer from what this person may see; `videos` narrows the scope."""
    *_, reply = stream(user, question, videos, turns)
    assert isinstance(reply, Reply)
    return reply


def stream(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Iterator[Sentence | Reply]:
    """The sentences of the answer as they are found, and the whole reply at the end."""
    begun = time.perf_counter()
    question = question.strip()[: moments.LONGEST_QUERY]
    visible = Video.objects.visible_to(user)
    if videos is not None:
        visible = visible.filter(pk__in=videos)
    alone = visible.first() if videos is not None and len(videos) == 1 else None
    recipe = recipes.active()
    scope = Scope(user, visible, alone, recipe, engine.sentences(recipe))
    sentences: list[Sentence] = []
    unanswered, searched = [], 0
    for part in split_parts(question):
        found, searched = answer_part(part, scope, turns)
        before = len(sentences)
        for sentence in found:
            if sentence not in sentences:
                sentences.append(sentence)
                yield sentence
        if len(sentences) == before:
            unanswered.append(part)
    cited = {c.video for s in sentences for c in s.citations}
    answer = Answer(sentences, abstained=not sentences, searched=searched)
    took = 1000 * (time.perf_counter() - begun)
    yield Reply(question, answer, visible.in_bulk(cited), took, tuple(unanswered) if sentences else ())


def answer_part(part: str, scope: Scope, turns: Sequence[Turn]) -> tuple[Iterator[Sentence], int]:
    """Sentences that answer one question, and how many pieces of evidence were read for it."""
    wanted = without_times(refer_back(part, turns)) or part
    pieces, vectors = scope.read(wanted)
    vector = scope.reading.encode_queries([wanted])[0]
    window = find_stretch(part, scope, pieces, vectors)
    asked = read_question(part) if scope.alone is not None else None
    without = ("caption", "tag") if asked else ()
    scored, quoted = [], []
    if window is not None:
        inside = [i for i, p in enumerate(pieces) if window.overlaps(p.start, p.end)]
        scored = score_evidence(wanted, vector, [pieces[i] for i in inside], vectors[inside], split)
        quoted = answer_by_quoting(wanted, scored, trusted=("screen", "speech"), without=without).sentences
    if window is None or not (quoted or window.firm):
        scored = score_evidence(wanted, vector, pieces, vectors, split)
        trusted = () if scope.alone is None else ("screen",)
        quoted = answer_by_quoting(wanted, scored, trusted=trusted, without=without).sentences
    seen = frames.look(scope.alone, asked, window, scope.recipe) if scope.alone and asked else None
    decoder = engine.decoder()
    if decoder is not None and (quoted or seen):
        given = fit_budget(scored)
        if seen is not None:
            where = seen.citations[0]
            given.append(Piece(len(given) + 1, where.video, where.start, where.end, "caption", seen.text))
        written = check(decoder.answer(part, given, turns), given, scope.reading.encode_passages, terms)
        return or_else(written, [seen] if seen else quoted), len(pieces)
    return iter([seen] if seen else quoted), len(pieces)


def or_else(written: Iterator[Sentence], quoted: Sequence[Sentence]) -> Iterator[Sentence]:
    """What a decoder wrote and the reader let pass; the quotations when nothing did, or it does not answer at all."""
    passed = False
    try:
        for sentence in written:
            passed = True
            yield sentence
    except QaError as error:
        log.warning("%s", error)
    if not passed:
        yield from quoted


def find_stretch(part: str, scope: Scope, pieces: Sequence[Piece], vectors: Vectors) -> Window | None:
    """The stretch of the one video that a question names: by the clock, or by an event that comes before or after."""
    if scope.alone is None:
        return None
    duration = scope.alone.duration or 0.0
    window = find_window(part, duration)
    event = find_event(part) if window is None else None
    if event is None or not pieces:
        return window
    side, happening = event
    scored = score_evidence(happening, scope.reading.encode_queries([happening])[0], pieces, vectors, split)
    if scored[0].shared == 0:  # nothing says when it happens
        return None
    there = scored[0].evidence
    return Window(there.end, duration) if side == "after" else Window(0.0, there.start)
