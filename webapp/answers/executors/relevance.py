"""Which videos of a ranking are surely about a topic: a cut where chance, or a clear gap, ends the list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser

from webapp.models import User
from webapp.search.moments import Moment, find_moments

MAX_LISTED = 30  # videos looked at for a list
PRESENT = 0.5  # calibrated confidence of the best moment, from which on a topic is there
SURELY_ABSENT = 0.15  # below it, it is not
MIN_SCORE_SHARE = 0.6  # of the best score, that a further video must reach


@dataclass(frozen=True)
class Relevant:
    """The best moment of each video that is about the topic; else the nearest ones, and how sure that is."""

    moments: Sequence[Any]
    nearest: Sequence[Moment]
    confidence: float


def find_relevant(user: User | AnonymousUser, topic: str, videos: Collection[int]) -> Relevant:
    found = find_moments(user, topic, MAX_LISTED, "video", videos).moments
    confidence = max((m.confidence for m in found[:1]), default=0.0)
    if confidence < PRESENT:
        return Relevant([], found[:1], confidence)
    least = MIN_SCORE_SHARE * found[0].score
    return Relevant([m for m in found if m.score >= least], [], confidence)
