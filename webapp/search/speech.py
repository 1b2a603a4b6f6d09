"""The second at which what was searched is said: where a moment that was found by its speech begins."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from django.db.models import Q

from indexer.moments import Chosen
from indexer.queries import Query
from indexer.snapshot import Snapshot
from indexer.terms import terms
from indexer.types import Span
from indexer.vectors import unpack_valid
from webapp.models import EvidenceVector, Recipe, Utterance

MAX_WORD_GAP = 3.0  # seconds: words of the query that stand this close to its rarest one belong to it
WORD_SHARE = 2.0  # what all words of the query, said in one clause, count beside a cosine of 1
COLUMNS = ("evidence__video", "evidence__start", "evidence__end", "evidence__text", "vector")
PARTS = ("visual", "speech", "screen")  # of a score; a title has no time


def find_said(chosen: Sequence[Chosen], query: Query, snapshot: Snapshot, recipe: Recipe) -> dict[int, float]:
    """Segment -> when the clause that fits best is said, at its rarest word of the query; of those moments that speech
    brought here.
    """
    led = [c for c in chosen if leads(c.ranked.parts)]
    if not led or not query.text:
        return {}
    rarity = snapshot.rarity(query.terms)
    within, said = Q(), Q()
    for c in led:
        video, span = c.ranked.candidate.video, c.span
        within |= Q(evidence__video=video, evidence__start__lt=span.end, evidence__end__gt=span.start)
        said |= Q(video=video, start__lt=span.end, end__gt=span.start)
    rows = EvidenceVector.objects.filter(within, evidence__kind="speech", encoder=recipe.sentence_encoder)
    clauses: dict[int, list[tuple[float, float, str, bytes]]] = defaultdict(list)
    for video, start, end, text, blob in rows.values_list(*COLUMNS):
        clauses[video].append((start, end, text, blob))
    words: dict[int, list[tuple[str, float, float]]] = defaultdict(list)
    for video, spoken in Utterance.objects.filter(said).order_by("start", "pk").values_list("video", "words"):
        words[video] += spoken
    found = {}
    for c in led:
        video, span = c.ranked.candidate.video, c.span
        inside = [clause for clause in clauses[video] if clause[0] < span.end and span.start < clause[1]]
        if inside:
            start, end, *_ = max(
                inside, key=lambda clause: fit(clause[2], clause[3], query, rarity, recipe.dims["text"])
            )
            found[c.ranked.candidate.segment] = find_word(words[video], Span(start, end), query, rarity)
    return found


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


def find_word(
    words: Sequence[tuple[str, float, float]], clause: Span, query: Query, rarity: Mapping[str, float]
) -> float:
    """When the first of the query's words is said in the clause; its start when they are said in other words."""
    spoken = [
        (float(start), term)
        for text, start, _end in words
        if clause.start - 0.01 <= start < clause.end
        for term in terms(text)
        if term in query.terms
    ]
    if not spoken:
        return clause.start
    rarest = max(spoken, key=lambda word: rarity.get(word[1], 0.0))[0]
    return min(start for start, _ in spoken if rarest - MAX_WORD_GAP <= start <= rarest)
