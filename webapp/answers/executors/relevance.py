"""Which videos of a ranking are surely about a topic: a cut where chance, or a clear gap, ends the list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.contrib.auth.models import AnonymousUser

from indexer.terms import terms
from webapp.models import Label, Tag, User, Video
from webapp.search.moments import find_moments

MAX_LISTED = 30  # videos looked at for a list
PRESENT = 0.5  # calibrated confidence of the best moment, from which on a topic is there
SURELY_ABSENT = 0.15  # below it, it is not
# Share of the best lead that a further video must reach. Over 306 lists of held-out photos ("beach", "bicycle"),
# F1 is 0.15, 0.18, 0.21, 0.21, 0.18 from 0.4 to 0.8, and mAP 0.244 (by score 0.234).
MIN_LEAD_SHARE = 0.6
MAX_NEAREST = 8  # videos that are shown though nothing is sure


class Citable(Protocol):
    """What an answer needs to know of a moment."""

    @property
    def video(self) -> Video: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


@dataclass(frozen=True)
class Relevant:
    """The best moment of each video that is about the topic; else the nearest ones, and how sure that is."""

    moments: Sequence[Citable]
    nearest: Sequence[Citable]
    confidence: float


def find_relevant(user: User | AnonymousUser, topic: str, videos: Collection[int]) -> Relevant:
    """By what an admin taught, where the topic is such a label; else by search."""
    labelled = find_labelled(topic, videos)
    if labelled:
        return Relevant(labelled, [], labelled[0].confidence)
    found = sorted(find_moments(user, topic, MAX_LISTED, "video", videos).moments, key=lambda m: -m.lead)
    confidence = max((m.confidence for m in found[:1]), default=0.0)
    fitting = [m for m in found if m.lead >= MIN_LEAD_SHARE * found[0].lead]
    return (
        Relevant(fitting, [], confidence) if confidence >= PRESENT else Relevant([], fitting[:MAX_NEAREST], confidence)
    )


def find_labelled(topic: str, videos: Collection[int]) -> list[Tag]:
    """Where a label of this name that was taught by examples is seen: its best stretch of each video, surest first."""
    wanted = terms(topic)
    names = Label.objects.taught().values_list("name", flat=True) if wanted else []
    called = [name for name in names if terms(name) == wanted]
    return Tag.objects.seen(called).filter(video__in=videos).best_of_each() if called else []
