"""Ranking: candidates of the index and of the lexical channel, scored again by exact parts, cut to tight moments."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.calibration import Calibration
from indexer.types import Span, Vectors

# How much each channel counts, in standard deviations of the library's own background.
PREFERENCE = {"visual": 1.0, "text": 0.75}
CHANCE = 1.0  # standard deviations that words must exceed before they count: unrelated speech must not help
CONTEXT = 0.5  # share of the whole video's look in that of each of its segments
LEXICAL = 3.0  # for a segment that holds every word of the query
QUOTED = 8.0  # the same, when the query is a quoted phrase
EDGE = 1.0  # standard deviations by which a frame may fall behind the best one and still belong to the moment


@dataclass(frozen=True)
class Query:
    """A search text with its words and one vector per space."""

    text: str
    terms: tuple[str, ...]
    visual: Vectors
    words: Vectors

    @property
    def quoted(self) -> bool:
        return len(self.text) > 2 and self.text[0] in '"“「' and self.text[-1] in '"”」'


@dataclass(frozen=True)
class Candidate:
    """A segment that some channel proposed. `frames` is (m, dv) at `frame_times`; `context` (dv,) is the
    mean look of its whole video; `shots` are those it overlaps.
    """

    segment: int
    video: int
    span: Span
    text: Vectors
    context: Vectors
    frames: Vectors
    frame_times: Sequence[float]
    shots: Sequence[Span]
    fields: Mapping[str, Sequence[str]]  # terms of speech, screen, title


@dataclass(frozen=True)
class Ranked:
    """A scored candidate: `score` is the sum of `parts`; `confidence` is in [0, 1]."""

    candidate: Candidate
    score: float
    parts: dict[str, float]
    span: Span
    confidence: float
    best_frame: int  # row of `frames`, -1 without any


def rank(query: Query, candidates: Sequence[Candidate], calibration: Calibration) -> list[Ranked]:
    """Best first. Parts: visual, and the words' score divided among speech, screen and title where they were found."""
    rarity = term_rarity(query.terms, candidates)
    ranked = [_score(query, c, calibration, rarity) for c in candidates]
    return sorted(ranked, key=lambda r: -r.score)


def _score(query: Query, candidate: Candidate, calibration: Calibration, rarity: Mapping[str, float]) -> Ranked:
    cosines = candidate.frames @ query.visual if len(candidate.frames) else np.zeros(0, np.float32)
    # Half the mean and half the best frame: a segment may show the thing in one of its shots only.
    whole = float((cosines.mean() + cosines.max()) / 2) if len(cosines) else calibration.mean["visual"]
    if len(cosines):
        whole = (1 - CONTEXT) * whole + CONTEXT * float(candidate.context @ query.visual)
    visual = PREFERENCE["visual"] * (whole - calibration.mean["visual"]) / calibration.spread["visual"]
    words = 0.0
    if np.any(candidate.text):
        cosine = float(candidate.text @ query.words)
        surprise = (cosine - calibration.mean["text"]) / calibration.spread["text"]
        words = PREFERENCE["text"] * max(0.0, surprise - CHANCE)
    found = {name: coverage(query.terms, terms, rarity) for name, terms in candidate.fields.items()}
    covered = coverage(query.terms, [t for terms in candidate.fields.values() for t in terms], rarity)
    words += (QUOTED if query.quoted else LEXICAL) * covered**2
    parts = {"visual": visual, **_share(words, found, candidate.fields)}
    return Ranked(
        candidate,
        visual + words,
        parts,
        tighten(candidate, cosines, calibration.spread["visual"]) if visual > words else candidate.span,
        max(calibration.rarity(visual + words), covered if len(query.terms) > 1 or query.quoted else 0.0),
        int(cosines.argmax()) if len(cosines) else -1,
    )


def term_rarity(terms: Sequence[str], candidates: Sequence[Candidate]) -> dict[str, float]:
    """log(1 + n / df) of each query term over the candidates, so that rare words weigh more (Spärck Jones 1972)."""
    seen = Counter(t for c in candidates for t in {t for words in c.fields.values() for t in words})
    return {t: math.log(1 + (len(candidates) + 1) / (seen[t] + 0.5)) for t in set(terms)}


def coverage(terms: Sequence[str], words: Sequence[str], rarity: Mapping[str, float]) -> float:
    """Share of the query's terms, by rarity, that occur in `words`; in [0, 1]."""
    total = sum(rarity[t] for t in terms)
    present = set(words)
    return sum(rarity[t] for t in terms if t in present) / total if total else 0.0


def _share(words: float, found: Mapping[str, float], fields: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Divide the words' score by where query terms were found, or by length where none was."""
    claim = dict(found) if any(found.values()) else {name: float(len(terms)) for name, terms in fields.items()}
    total = sum(claim.values())
    return {name: words * part / total if total else 0.0 for name, part in claim.items()}


def tighten(candidate: Candidate, cosines: Vectors, spread: float) -> Span:
    """The run of shots around the best frame whose own best frames are nearly as good."""
    if not len(cosines) or len(candidate.shots) < 2:
        return candidate.span
    times = np.asarray(candidate.frame_times)
    best = [
        max((float(c) for c, t in zip(cosines, times, strict=True) if s.start <= t < s.end), default=-1.0)
        for s in candidate.shots
    ]
    peak = int(np.argmax(best))
    first = last = peak
    while first > 0 and best[first - 1] >= best[peak] - EDGE * spread:
        first -= 1
    while last + 1 < len(best) and best[last + 1] >= best[peak] - EDGE * spread:
        last += 1
    start = max(candidate.span.start, candidate.shots[first].start)
    return Span(start, max(start + 0.1, min(candidate.span.end, candidate.shots[last].end)))
