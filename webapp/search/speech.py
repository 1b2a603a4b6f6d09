"""The second at which what was searched is said: where a moment that was found by its speech begins."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import Q

from indexer.moments import Chosen
from indexer.queries import Query
from indexer.terms import terms
from indexer.types import Span
from indexer.vectors import unpack_valid
from webapp.models import EvidenceVector, Recipe, Utterance

MAX_WORD_GAP = 3.0  # seconds: words of the query that stand this close to its rarest one belong to it
WORD_SHARE = 2.0  # what all words of the query, said in one clause, count beside a cosine of 1
PARTS = ("visual", "speech", "screen")  # of a score; a title has no time


def find_said(chosen: Sequence[Chosen], query: Query, rarity: Mapping[str, float], recipe: Recipe) -> dict[int, float]:
    """Segment -> when the clause that fits best is said, at its rarest word of the query; of those moments that speech
    brought here.
    """
    led = {c.ranked.candidate.segment: c for c in chosen if leads(c.ranked.parts)}
    if not led or not query.text:
        return {}
    spans = {pk: c.span for pk, c in led.items()}
    within = Q()
    for pk, span in spans.items():
        video = led[pk].ranked.candidate.video
        within |= Q(evidence__video=video, evidence__start__lt=span.end, evidence__end__gt=span.start)
    rows = EvidenceVector.objects.filter(within, evidence__kind="speech", encoder=recipe.sentence_encoder)
    clauses: dict[int, list[tuple[float, float, str, bytes]]] = defaultdict(list)
    columns = ("evidence__video", "evidence__start", "evidence__end", "evidence__text", "vector")
    for video, start, end, text, blob in rows.values_list(*columns):
        clauses[video].append((start, end, text, blob))
    best: dict[int, Span] = {}
    for pk, span in spans.items():
        inside = [c for c in clauses[led[pk].ranked.candidate.video] if c[0] < span.end and span.start < c[1]]
        if inside:
            start, end, *_ = max(inside, key=lambda c: fit(c[2], c[3], query, rarity, recipe.dims["text"]))
            best[pk] = Span(start, end)
    return {pk: find_word(led[pk].ranked.candidate.video, span, query, rarity) for pk, span in best.items()}


def leads(parts: Mapping[str, float]) -> bool:
    """Whether speech is what counts most."""
    return parts["speech"] > 0 and parts["speech"] == max(parts[name] for name in PARTS)


def fit(text: str, blob: bytes, query: Query, rarity: Mapping[str, float], dim: int) -> float:
    """How well a clause says what was searched: by meaning, and by the share of the query's words, rare ones more."""
    vector = unpack_valid(blob, dim)
    meaning = float(np.dot(vector, query.text_vector)) if vector is not None else 0.0
    total = sum(rarity.get(term, 0.0) for term in query.terms)
    said = sum(rarity.get(term, 0.0) for term in set(query.terms) & set(terms(text)))
    return meaning + (WORD_SHARE * said / total if total else 0.0)


def find_word(video: int, clause: Span, query: Query, rarity: Mapping[str, float]) -> float:
    """When the first of the query's words is said in the clause; its start when they are said in other words."""
    spoken = [
        (float(start), term)
        for words in Utterance.objects.filter(video=video, start__lt=clause.end, end__gt=clause.start).values_list(
            "words", flat=True
        )
        for text, start, _end in words
        if clause.start - 0.01 <= start < clause.end
        for term in terms(text)
        if term in query.terms
    ]
    if not spoken:
        return clause.start
    rarest = max(spoken, key=lambda word: rarity.get(word[1], 0.0))[0]
    return min(start for start, _ in spoken if rarest - MAX_WORD_GAP <= start <= rarest)
