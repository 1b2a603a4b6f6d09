"""A short film of a library's own moments: which of them, in which order, cut where speech or shots begin and end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.recommender import diversify
from indexer.types import Span, Vectors

MIN_PIECE, MAX_PIECE = 2.0, 12.0  # seconds
MAX_PER_VIDEO = 3  # pieces
NEAR_CUT = 1.5  # seconds that a piece may move to begin, or end, with a shot


@dataclass(frozen=True)
class Offer:
    """A moment that fits: `score` says how well, `vector` (d,) what it shows and says."""

    video: int
    span: Span
    score: float
    vector: Vectors


def choose(offers: Sequence[Offer], seconds: float) -> list[Offer]:
    """Relevant and varied (MMR, Carbonell & Goldstein 1998, as in `recommender`), some `seconds` together; the videos
    in the order of their best one, the moments of each in the order of time, none twice.
    """
    if not offers:
        return []
    scores = np.array([offer.score for offer in offers], np.float32)
    vectors = np.stack([offer.vector for offer in offers])
    chosen: list[Offer] = []
    left = seconds
    for row in diversify(vectors, scores / max(float(np.abs(scores).max()), 1e-6), len(offers)):
        offer = offers[row]
        siblings = [known for known in chosen if known.video == offer.video]
        if len(siblings) >= MAX_PER_VIDEO or any(known.span.overlap(offer.span) > 0 for known in siblings):
            continue
        if offer.span.length > left:
            if left < MIN_PIECE:
                break
            offer = replace(offer, span=Span(offer.span.start, offer.span.start + left))
        chosen.append(offer)
        left -= offer.span.length
    order = list(dict.fromkeys(offer.video for offer in chosen))
    return sorted(chosen, key=lambda offer: (order.index(offer.video), offer.span.start))


def fit(span: Span, sentences: Sequence[Span], shots: Sequence[Span], duration: float) -> Span:
    """A moment as a piece: whole sentences where somebody speaks, else whole shots where these end nearby; between
    `MIN_PIECE` and `MAX_PIECE` seconds, as far as its film is that long.
    """
    spoken = [s for s in sentences if s.overlap(span) > 0]
    if spoken:
        start, end = min(spoken[0].start, span.start), spoken[0].end
        for sentence in spoken:
            if sentence.end - start > MAX_PIECE:
                break
            end = sentence.end
        end = max(end, min(span.end, start + MIN_PIECE))
    else:
        start = nearest(span.start, [s.start for s in shots])
        end = nearest(span.end, [s.end for s in shots])
    if end - start < MIN_PIECE:
        end = start + MIN_PIECE
    end = min(end, duration, start + MAX_PIECE)
    return Span(max(0.0, min(start, end - MIN_PIECE)), end)


def nearest(time: float, cuts: Sequence[float]) -> float:
    best = min(cuts, key=lambda cut: abs(cut - time), default=time)
    return best if abs(best - time) <= NEAR_CUT else time
