"""Questions: retrieval -> evidence -> decoder (where there is one) -> reader. Every sentence cites a moment."""

import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from indexer.ports import SentenceEncoder
from indexer.terms import terms
from qa.evidence import fit_budget, score_evidence
from qa.reader import answer_by_quoting, check
from qa.types import Answer, Turn
from qa.types import Evidence as Piece
from webapp import engine, recipes, searching
from webapp.embedding import unpack
from webapp.models import EvidenceVector, User, Video

WHOLE = 3000  # pieces of evidence that are read without searching first
MOMENTS = 40  # otherwise: the pieces in this many best moments


@dataclass(frozen=True)
class Reply:
    """An answer with the videos it cites and how long it took."""

    question: str
    answer: Answer
    videos: dict[int, Video]
    took_ms: float

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
            "took_ms": round(self.took_ms, 1),
        }


def ask(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Reply:
    """Answer from what this person may see; `videos` narrows the scope."""
    begun = time.perf_counter()
    question = question.strip()[: searching.LONGEST_QUERY]
    visible = Video.objects.visible_to(user)
    if videos is not None:
        visible = visible.filter(pk__in=videos)
    reading = engine.sentences(recipes.active())
    pieces, vectors = read_evidence(user, question, visible, reading)
    vector = reading.encode_queries([question])[0]
    scored = score_evidence(question, vector, pieces, vectors, terms)
    answer = answer_by_quoting(question, scored)
    decoder = engine.decoder()
    if decoder is not None and not answer.abstained:
        given = fit_budget(scored)
        draft = "".join(decoder.answer(question, given, turns))
        written = check(draft, given, reading.encode_passages, terms)
        answer = answer if written.abstained else written
    cited = {c.video for s in answer.sentences for c in s.citations}
    return Reply(question, answer, visible.in_bulk(cited), 1000 * (time.perf_counter() - begun))


def read_evidence(
    user: User | AnonymousUser, question: str, visible: Any, reading: SentenceEncoder
) -> tuple[list[Piece], "np.typing.NDArray[np.float32]"]:
    """All evidence of the scope when it is small, else that of the best moments."""
    rows = EvidenceVector.objects.filter(evidence__video__in=visible, encoder=reading.name).select_related("evidence")
    if rows.count() > WHOLE:
        near = Q(pk=None)
        scope = list(visible.values_list("pk", flat=True))
        for moment in searching.find(user, question, MOMENTS, videos=scope).moments:
            near |= Q(
                evidence__video=moment.video,
                evidence__start__lt=moment.segment.end,
                evidence__end__gt=moment.segment.start,
            )
        rows = rows.filter(near)
    found = list(rows.order_by("evidence__video", "evidence__start", "evidence"))
    dim = reading.dim
    vectors = np.stack([unpack(r.vector, dim) for r in found]) if found else np.zeros((0, dim), np.float32)
    pieces = [r.evidence for r in found]
    return [Piece(0, p.video_id, p.start, p.end, p.kind, p.text) for p in pieces], vectors
