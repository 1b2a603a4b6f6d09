"""From ranked segments to moments: neighbours that are nearly as good are one, copies stand behind the first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from indexer.retriever import Ranked
from indexer.types import Span

MAX_GAP = 0.5  # seconds between two moments that are one
MIN_NEIGHBOUR_SHARE = 0.9  # of a moment's score that a neighbour must have to belong to it
MIN_DUPLICATE_COSINE = 0.985  # cosine of two frames from which two moments show the same picture


@dataclass(frozen=True)
class Chosen:
    """A moment before its rows are read; `copies` show the same."""

    ranked: Ranked
    span: Span
    copies: list[Ranked] = field(default_factory=list)


def choose(ranked: Sequence[Ranked], limit: int, by: str) -> list[Chosen]:
    """The best ones; one per video where asked. Neighbours that are nearly as good are one moment; what shows and says
    the same as a better moment stands behind it.
    """
    chosen: list[Chosen] = []
    places_of: dict[int, list[int]] = defaultdict(list)  # video -> places in `chosen`
    for item in ranked:
        places = places_of[item.candidate.video]
        if by == "video" and places:
            continue
        if any(grow(chosen, place, item) for place in places):
            continue
        twin = next((c for c in chosen if by == "moment" and is_same(c.ranked, item)), None)
        if twin is not None:
            twin.copies.append(item)
            continue
        if len(chosen) < limit:
            places.append(len(chosen))
            chosen.append(Chosen(item, item.span))
    return chosen


def grow(chosen: list[Chosen], place: int, item: Ranked) -> bool:
    """Whether `item` belongs to a moment that is already there: it lies within, or it touches and is nearly as good."""
    known = chosen[place]
    span, other = known.span, item.span
    if other.overlap(span) > 0.5 * min(other.length, span.length):
        return True
    touches = abs(other.start - span.end) < MAX_GAP or abs(span.start - other.end) < MAX_GAP
    if not touches or item.score < MIN_NEIGHBOUR_SHARE * known.ranked.score:
        return bool(touches and item.score < 0.5 * chosen[0].ranked.score)
    chosen[place] = replace(known, span=Span(min(span.start, other.start), max(span.end, other.end)))
    return True


def is_same(one: Ranked, other: Ranked) -> bool:
    """The same picture with the same words, in another video."""
    if one.candidate.video == other.candidate.video or min(one.best_frame, other.best_frame) < 0:
        return False
    if one.candidate.fields["speech"] != other.candidate.fields["speech"]:
        return False
    pictures = (r.candidate.frames[r.best_frame] for r in (one, other))
    return bool(np.dot(*pictures) >= MIN_DUPLICATE_COSINE)
