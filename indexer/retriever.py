"""Ranking: candidates of the index and of the lexical channel, scored again by exact parts, cut to tight moments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.calibration import Calibration
from indexer.documents import holds
from indexer.lexical import PART_WEIGHT, Term
from indexer.queries import PARTS, Query
from indexer.types import Span, Vectors

TEXT_DEBIAS_SIGMA = 1.75  # standard deviations of chance that words must exceed before they count
# Share of what any sentence scores with a frame that does not count as a sign that this one fits. On held-out photos it
# tells common words that are there from those that are not (AUROC 0.93 at 0, 0.97 at 0.6), captions as before.
COMMON_SHARE = 0.6
EDGE_SIGMA = 1.0  # standard deviations by which a frame may fall behind the best one and still belong to the moment
FIELDS = PARTS[1:]  # what has words

Held = Mapping[str, Sequence[float]]  # of each field, how much it has of each term of the query


@dataclass(frozen=True)
class Candidate:
    """A segment that some channel proposed. `frames` is (m, dv) at `frame_times`, `smoothed` (m, dv) what the frames of
    its video that look like them make of them (`nonlocal_means`); `shots` are those it overlaps; `field_vectors` maps a
    field that has words to its vector (dt,), which is not zero.
    """

    segment: int
    video: int
    span: Span
    field_vectors: Mapping[str, Vectors]
    frames: Vectors
    smoothed: Vectors
    frame_times: Sequence[float]
    shots: Sequence[Span]
    fields: Mapping[str, str]  # of its `Document`


@dataclass(frozen=True)
class Ranked:
    """A scored candidate: `score` is the sum of `parts`; `best_frame` is a row of `frames`, -1 without any; `lead` is
    what of the score is more than everyday sentences reach with the same picture; `literal` where all words of the
    query are said or written there.
    """

    candidate: Candidate
    score: float
    parts: dict[str, float]
    span: Span
    best_frame: int
    lead: float
    literal: bool = False


def rank_all(query: Query, proposed: Sequence[Sequence[Candidate]], calibration: Calibration) -> list[Ranked]:
    """Ranked moments; for "A, then B" also the stretches of a video in which one follows the other.

    `proposed` holds the candidates of the query and, behind them, those of each of its events.
    """
    ranked, *events = (
        rank(part, candidates, calibration) for part, candidates in zip((query, *query.events), proposed, strict=True)
    )
    if len(events) < 2:
        return ranked
    stretches = [
        Ranked(
            one.candidate,
            (one.score + two.score) / 2,
            {name: (part + two.parts[name]) / 2 for name, part in one.parts.items()},
            Span(one.span.start, two.span.end),
            one.best_frame,
            (one.lead + two.lead) / 2,
        )
        for one, two in pair_in_order(events[0], events[1])
    ]
    return sorted([*stretches, *ranked], key=lambda r: -r.score)


def rank(query: Query, candidates: Sequence[Candidate], calibration: Calibration) -> list[Ranked]:
    """Best first. A score is exactly the sum of its parts."""
    ranked = [_score(query, c, calibration) for c in candidates]
    return sorted(ranked, key=lambda r: (-r.score, r.candidate.segment))


def _score(query: Query, candidate: Candidate, calibration: Calibration) -> Ranked:
    cosines = candidate.frames @ query.visual if len(candidate.frames) else np.zeros(0, np.float32)
    visual, common = _score_visual(candidate, query, calibration) if query.asks_pictures else (0.0, 0.0)
    held = {name: find_held(query.terms, candidate, name) for name in FIELDS if name not in query.preference.off}
    parts = {"visual": visual, **_score_words(query, candidate, held, calibration)}
    parts = {name: part * query.gains.get(name, 1.0) for name, part in parts.items()}
    spoken = sum(parts[field] for field in FIELDS)
    span = tighten(candidate, cosines, calibration.spread["visual"]) if parts["visual"] > spoken else candidate.span
    best, score = int(cosines.argmax()) if len(cosines) else -1, sum(parts.values())
    lead = score - COMMON_SHARE * common * query.gains.get("visual", 1.0)
    return Ranked(candidate, score, parts, span, best, lead, is_literal(held))


def _score_visual(candidate: Candidate, query: Query, calibration: Calibration) -> tuple[float, float]:
    """Of the best frame alone, because a segment may show the thing in one of its shots only; and what any sentence
    scores with that frame. One without a picture counts like a chance match.
    """
    if not len(candidate.smoothed):
        return 0.0, 0.0
    cosines = candidate.smoothed @ query.visual
    best = int(cosines.argmax())
    usual = float(candidate.smoothed[best] @ calibration.common_vector) if calibration.common else 0.0
    of_chance = query.preference.visual / calibration.spread["visual"]
    return of_chance * (float(cosines[best]) - calibration.mean["visual"]), of_chance * usual


def _score_words(query: Query, candidate: Candidate, held: Held, calibration: Calibration) -> dict[str, float]:
    """What the words of each field add: the best field alone by meaning, each by the query's own words in it."""
    counts = query.preference
    parts = dict.fromkeys(FIELDS, 0.0)
    near = {name: float(v @ query.text_vector) for name, v in candidate.field_vectors.items() if name in held}
    if near and query.asks_meaning:
        best = max(near, key=near.__getitem__)
        surprise = (near[best] - calibration.mean["text"]) / calibration.spread["text"]
        parts[best] += counts.text * max(0.0, surprise - TEXT_DEBIAS_SIGMA)
    found = {name: cover_terms(query.terms, weights) for name, weights in held.items()}
    total = cover_terms(query.terms, [max(weights) for weights in zip(*held.values(), strict=True)])
    for name, share in found.items():
        parts[name] += counts.lexical * total**2 * share / sum(found.values()) if share else 0.0
    return parts


def is_literal(held: Held) -> bool:
    """Whether one field has every word of the query as such, or as a part of another."""
    return any(weights and min(weights) >= PART_WEIGHT for weights in held.values())


def find_held(terms: Sequence[Term], candidate: Candidate, field: str) -> list[float]:
    """Of each term the weight of its best form that the field has; in [0, 1]. What is said may go on in the next
    segment.
    """
    text, border = candidate.fields[field], candidate.fields["border"] if field == "speech" else ""
    return [
        max(
            (w for form, w in term.forms.items() if holds(text, form) or (" " in form and holds(border, form))),
            default=0,
        )
        for term in terms
    ]


def cover_terms(terms: Sequence[Term], held: Sequence[float]) -> float:
    """Share of the terms, by rarity, that are `held`; in [0, 1]."""
    total = sum(term.rarity for term in terms)
    return sum(term.rarity * share for term, share in zip(terms, held, strict=True)) / total if total and held else 0.0


def tighten(candidate: Candidate, cosines: Vectors, spread: float) -> Span:
    """The stretch around the best frame whose frames are nearly as good, out to the cut or half way to the next one.

    An inner product ranks the right second well and its edges badly (QVHighlights' CLIP row: HIT@1 61, R1@0.5 17), so
    edges come from shots and from where the score falls.
    """
    if len(cosines) < 2:
        return candidate.span
    reach = [cover(candidate, place) for place in range(len(cosines))]
    peak = int(np.argmax(cosines))
    least = float(cosines[peak]) - EDGE_SIGMA * spread
    first = last = peak
    while first > 0 and cosines[first - 1] >= least:
        first -= 1
    while last + 1 < len(cosines) and cosines[last + 1] >= least:
        last += 1
    start = reach[first].start
    return Span(start, max(start + 0.1, reach[last].end))


def cover(candidate: Candidate, place: int) -> Span:
    """The time that frame `place` stands for: within its shot, half way to its neighbours there."""
    times, at = candidate.frame_times, candidate.frame_times[place]
    shot = next((s for s in candidate.shots if s.start <= at < s.end), candidate.span)
    start, end = max(shot.start, candidate.span.start), min(shot.end, candidate.span.end)
    before = times[place - 1] if place else -1.0
    after = times[place + 1] if place + 1 < len(times) else end + 1
    return Span((before + at) / 2 if before >= start else start, (at + after) / 2 if after < end else end)


def pair_in_order(first: Sequence[Ranked], second: Sequence[Ranked]) -> list[tuple[Ranked, Ranked]]:
    """Of each video the best pair of a moment of `first` and a later one of `second`; best sum first."""
    later: dict[int, list[Ranked]] = {}
    for item in second:
        later.setdefault(item.candidate.video, []).append(item)
    best: dict[int, tuple[Ranked, Ranked]] = {}
    for one in first:
        video = one.candidate.video
        after = [two for two in later.get(video, []) if two.span.start >= one.span.end - 0.5]
        if not after:
            continue
        pair = (one, max(after, key=lambda r: r.score))
        if video not in best or _sum(pair) > _sum(best[video]):
            best[video] = pair
    return sorted(best.values(), key=lambda pair: -_sum(pair))


def _sum(pair: tuple[Ranked, Ranked]) -> float:
    return pair[0].score + pair[1].score
