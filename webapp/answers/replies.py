"""Questions: read → gather → answer → check → present. Every sentence of a reply cites a moment that one can play.

Reading, answering and checking are `qa`'s; here stands what a person may read, and how a reply is told and kept.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from indexer.ports import SentenceEncoder
from indexer.types import Vectors
from indexer.vectors import unpack
from qa.answerer import Answerer
from qa.pictures import PictureQuestion
from qa.questions import Window, split_parts
from qa.types import Answer, Evidence, Sentence, Turn
from webapp import engine
from webapp.answers.frames import ask_frames
from webapp.index import recipes
from webapp.models import EvidenceVector, Recipe, User, Video
from webapp.search.candidates import split
from webapp.search.moments import MAX_QUERY_CHARACTERS, find_moments

MAX_UNSEARCHED = 3000  # pieces of evidence that are read without searching first
MAX_MOMENTS = 40  # otherwise: the pieces in this many best moments


@dataclass(frozen=True)
class Reply:
    """An answer with the videos it cites and how long it took; `unanswered` are parts of the question."""

    question: str
    answer: Answer
    videos: dict[int, Video]
    took_ms: float
    unanswered: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """JSON-ready, in the shape that commands print: told in the language that is active."""
        sentences = [
            {
                "text": tell(asdict(sentence)),
                "citations": [
                    {**asdict(c), "file": self.videos[c.video].file_name}
                    for c in sentence.citations
                    if c.video in self.videos
                ],
            }
            for sentence in self.answer.sentences
        ]
        return {
            "question": self.question,
            "answer": " ".join(str(s["text"]) for s in sentences),
            "abstained": self.answer.abstained,
            "sentences": sentences,
            "unanswered": list(self.unanswered),
            "took_ms": round(self.took_ms, 1),
        }

    def row(self) -> dict[str, Any]:
        """JSON to be kept: what was found, not yet told in any language."""
        return {
            "abstained": self.answer.abstained,
            "sentences": [asdict(sentence) for sentence in self.answer.sentences],
            "unanswered": list(self.unanswered),
        }


def tell(sentence: Mapping[str, Any]) -> str:
    """A kept sentence with what it is, in the language of the reader; a decoder's own words stay as they are."""
    text = sentence["text"]
    match sentence.get("kind", ""):
        case "speech":
            quoted = _("“%(text)s”") % {"text": text}
            short = sentence.get("short_answer")
            return _("%(answer)s: %(quotation)s") % {"answer": short, "quotation": quoted} if short else quoted
        case "screen":
            return _("On screen: “%(text)s”") % {"text": text}
        case "chapter":
            return _("The chapter “%(text)s”") % {"text": text}
        case "caption" | "tag":
            return _("In the picture: %(text)s") % {"text": text[:1].lower() + text[1:]}
        case "frame":
            return _("In the picture: %(text)s.") % {"text": text}
        case _:
            return str(text)


@dataclass(frozen=True)
class VisibleScope:
    """`qa.answerer.Scope` over what a person may see: all evidence of a small library, of a large one that near a text.
    `alone` is the one video that is asked.
    """

    user: User | AnonymousUser
    videos: QuerySet[Video]
    alone: Video | None
    recipe: Recipe
    encoder: SentenceEncoder

    @property
    def duration(self) -> float | None:
        return None if self.alone is None else self.alone.duration or 0.0

    def read(self, question: str) -> tuple[list[Evidence], Vectors]:
        """All evidence of the scope when it is small, else that of the best moments."""
        if self._everything is not None:
            return self._everything
        near = Q(pk=None)
        scope = list(self.videos.values_list("pk", flat=True))
        for moment in find_moments(self.user, question, MAX_MOMENTS, videos=scope).moments:
            near |= Q(
                evidence__video=moment.video,
                evidence__start__lt=moment.segment.end,
                evidence__end__gt=moment.segment.start,
            )
        return self._load(self._rows().filter(near))

    def ask_frames(self, question: PictureQuestion, window: Window | None) -> Sentence | None:
        """What its frames say, where one video is asked."""
        return ask_frames(self.alone, question, window, self.recipe) if self.alone else None

    @cached_property
    def _everything(self) -> tuple[list[Evidence], Vectors] | None:
        """All evidence, read once for every part of a question; None when that is too much."""
        rows = self._rows()
        return self._load(rows) if rows.count() <= MAX_UNSEARCHED else None

    def _rows(self) -> QuerySet[EvidenceVector]:
        return EvidenceVector.objects.filter(evidence__video__in=self.videos, encoder=self.encoder.name)

    def _load(self, rows: QuerySet[EvidenceVector]) -> tuple[list[Evidence], Vectors]:
        found = list(rows.select_related("evidence").order_by("evidence__video", "evidence__start", "evidence"))
        none = np.zeros((0, self.encoder.dim), np.float32)
        vectors = np.stack([unpack(r.vector, self.encoder.dim) for r in found]) if found else none
        pieces = [r.evidence for r in found]
        return [Evidence(0, p.video_id, p.start, p.end, p.kind, p.text, p.sentence) for p in pieces], vectors


def ask(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Reply:
    """Answer from what this person may see; `videos` narrows the scope."""
    *_sentences, reply = stream(user, question, videos, turns)
    assert isinstance(reply, Reply)
    return reply


def stream(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Iterator[Sentence | Reply]:
    """The sentences of the answer as they are found, and the whole reply at the end."""
    begun = time.perf_counter()
    question = question.strip()[:MAX_QUERY_CHARACTERS]
    visible = Video.objects.visible_to(user)
    if videos is not None:
        visible = visible.filter(pk__in=videos)
    alone = visible.first() if videos is not None and len(videos) == 1 else None
    recipe = recipes.active()
    encoder = engine.sentences(recipe)
    scope = VisibleScope(user, visible, alone, recipe, encoder)
    answerer = Answerer(encoder.encode_queries, encoder.encode_passages, split, engine.decoder())
    sentences: list[Sentence] = []
    unanswered, searched = [], 0
    for part in split_parts(question):
        found, searched = answerer.answer(part, scope, turns)
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
