"""What may be read for an answer: what a person may see, narrowed as the question says."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from indexer.ports import SentenceEncoder
from indexer.terms import terms
from indexer.types import Vectors
from indexer.vectors import unpack
from qa.pictures import PictureQuestion
from qa.restrictions import Restriction
from qa.types import Evidence, Sentence
from qa.windows import Window
from webapp.answers.frames import ask_frames
from webapp.models import EvidenceVector, Recipe, User, Video
from webapp.search.moments import MIN_CONFIDENCE, find_moments

MAX_UNSEARCHED = 3000  # pieces of evidence that are read without searching first
MAX_MOMENTS = 40  # otherwise: the pieces in this many best moments
MIN_TITLE_SHARE = 0.6  # share of a subject's words that a title must hold to be meant


@dataclass
class Trace:
    """What was read for an answer, for who wants to know why it is this one."""

    searched: int = 0
    passages: list[dict[str, Any]] = field(default_factory=list)


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
    trace: Trace = field(default_factory=Trace)

    @property
    def duration(self) -> float | None:
        return None if self.alone is None else self.alone.duration or 0.0

    @cached_property
    def ids(self) -> list[int]:
        return list(self.videos.order_by().values_list("pk", flat=True))

    def read(self, question: str) -> tuple[list[Evidence], Vectors]:
        """All evidence of the scope when it is small, else that of the best moments."""
        if self._everything is not None:
            return self._everything
        near = Q(pk=None)
        for moment in find_moments(self.user, question, MAX_MOMENTS, videos=self.ids).moments:
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


def narrow(user: User | AnonymousUser, videos: QuerySet[Video], restriction: Restriction) -> QuerySet[Video]:
    """The videos that all conditions leave; none where nobody of that name or no such subject is known."""
    conditions = {
        "pk__in": restriction.videos or None,
        "created_at__date__gte": restriction.after,
        "created_at__date__lte": restriction.before,
        "owner__username__iexact": restriction.person or None,
        "language": restriction.language or None,
        "duration__gt": restriction.longer,
        "duration__lt": restriction.shorter,
    }
    videos = videos.filter(**{name: value for name, value in conditions.items() if value is not None})
    return videos.filter(pk__in=find_subject(user, videos, restriction.subject)) if restriction.subject else videos


def find_subject(user: User | AnonymousUser, videos: QuerySet[Video], subject: str) -> Collection[int]:
    """The video that is called so, else the one that is most about it, if one surely is."""
    wanted = set(terms(subject))
    titled = []
    for pk, title, file_name in videos.order_by().values_list("pk", "title", "file_name"):
        share = len(wanted & set(terms(f"{title} {file_name}".replace("_", " ")))) / max(len(wanted), 1)
        if share >= MIN_TITLE_SHARE:
            titled.append((share, pk))
    if titled:
        best = max(titled)[0]
        return [pk for share, pk in titled if share == best]
    found = find_moments(user, subject, 1, "video", list(videos.order_by().values_list("pk", flat=True)))
    return [m.video.pk for m in found.moments if m.confidence >= MIN_CONFIDENCE]
