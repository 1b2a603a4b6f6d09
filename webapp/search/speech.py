"""The seconds at which what was searched is said: where a moment that was found by its speech begins."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import Q

from indexer.documents import holds
from indexer.highlights import find_forms
from indexer.lexical import Term
from indexer.moments import Chosen
from indexer.queries import Query
from indexer.tokens import Token, tokenize
from indexer.types import Span
from indexer.vectors import unpack_valid
from webapp.models import EvidenceVector, Recipe, Segment, Utterance

MAX_WORD_GAP = 3.0  # seconds: words of the query that stand this close to its rarest one belong to it
MAX_OVER = 5.0  # seconds behind a moment in which a phrase that begins in it may end
WORD_SHARE = 2.0  # what all words of the query, said in one clause, count beside a cosine of 1
COLUMNS = ("evidence__video", "evidence__start", "evidence__end", "evidence__text", "vector")
PARTS = ("visual", "speech", "screen")  # of a score; a title has no time

Heard = Sequence[tuple[str, float]]  # tokens in order, and when each is said


@dataclass(frozen=True)
class Said:
    """Where a moment begins, and the seconds at which the rarest word of the query is said; of the first moment of a
    video all in it.
    """

    start: float
    places: tuple[float, ...]
    word: Term | None = None


def find_said(chosen: Sequence[Chosen], asked: Sequence[Query], recipe: Recipe) -> dict[int, Said]:
    """Segment -> when the clause that fits best is said, at its rarest word of the query; of those moments that speech
    brought here.
    """
    led = [c for c in chosen if leads(c.ranked.parts)]
    if not led or not any(query.text for query in asked):
        return {}
    spans = [(c.ranked.candidate.video, c.span) for c in led]
    within = Q()
    for video, span in spans:
        within |= Q(evidence__video=video, evidence__start__lt=span.end, evidence__end__gt=span.start)
    rows = EvidenceVector.objects.filter(within, evidence__kind="speech", encoder=recipe.sentence_encoder)
    clauses: dict[int, list[tuple[float, float, str, bytes]]] = defaultdict(list)
    for video, start, end, text, blob in rows.values_list(*COLUMNS):
        clauses[video].append((start, end, text, blob))
    heard, found = hear(spans), {}
    for c in led:
        video, span = c.ranked.candidate.video, c.span
        inside = [clause for clause in clauses[video] if clause[0] < span.end and span.start < clause[1]]
        words = [word for word in heard[video] if span.start - 0.01 <= word[1] < span.end + MAX_OVER]
        if inside:
            ways = [(clause, query) for clause in inside for query in asked]
            clause, query = max(ways, key=lambda way: fit(way[0][2], way[0][3], way[1], recipe.dims["text"]))
            found[c.ranked.candidate.segment] = locate(query, words, Span(clause[0], clause[1]), span)
    first = {c.ranked.candidate.video: c.ranked.candidate.segment for c in reversed(led)}
    return found | find_elsewhere({v: found[s] for v, s in first.items() if s in found}, first, recipe)


def find_elsewhere(said: Mapping[int, Said], segments: Mapping[int, int], recipe: Recipe) -> dict[int, Said]:
    """The same with all places in the whole video, by the segments that hold the word."""
    forms = {form for one in said.values() if one.word is not None for form in one.word.forms}
    holding = Q()
    for form in forms:
        holding |= Q(tokens__contains=form)
    rows = Segment.objects.filter(holding, recipe=recipe, video__in=said) if forms else Segment.objects.none()
    heard = hear([(video, Span(start, end)) for video, start, end in rows.values_list("video", "start", "end")])
    return {
        segments[video]: replace(one, places=tuple(sorted({*find_starts(one.word, heard[video]), *one.places})))
        for video, one in said.items()
        if one.word is not None
    }


def hear(spans: Sequence[tuple[int, Span]]) -> dict[int, list[tuple[str, float]]]:
    """Video -> the tokens that are said in these stretches and a little behind them, in order."""
    said = Q(pk=None)
    for video, span in spans:
        said |= Q(video=video, start__lt=span.end + MAX_OVER, end__gt=span.start)
    heard: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for line in Utterance.objects.filter(said).order_by("start", "pk"):
        heard[line.video_id] += list_tokens(line)
    return heard


def list_tokens(line: Utterance) -> list[tuple[str, float]]:
    """With the second at which each is said: that of the word in which it begins; of lines whose words have no times,
    by its place in the line. Words are cut like any text, not as they were heard.
    """
    words = [(text, float(start)) for text, start, _ in line.words]
    text = "".join(text for text, _ in words) or line.text
    begins = np.cumsum([0, *(len(text) for text, _ in words)])

    def when(token: Token) -> float:
        if words:
            return words[int(np.searchsorted(begins, token.start, side="right")) - 1][1]
        return line.start + (line.end - line.start) * token.start / max(1, len(text))

    return [(token.text, round(when(token), 2)) for token in tokenize(text)]


def leads(parts: Mapping[str, float]) -> bool:
    """Whether speech is what counts most."""
    return parts["speech"] > 0 and parts["speech"] == max(parts[name] for name in PARTS)


def fit(text: str, blob: bytes, query: Query, dim: int) -> float:
    """How well a clause says what was searched: by meaning, and by the share of the query's words, rare ones more."""
    vector = unpack_valid(blob, dim)
    meaning = float(np.dot(vector, query.text_vector)) if vector is not None else 0.0
    line = f" {' '.join(token.text for token in tokenize(text))} "
    total = sum(term.rarity for term in query.terms)
    said = sum(term.rarity for term in query.terms if any(holds(line, form) for form in term.forms))
    return meaning + (WORD_SHARE * said / total if total else 0.0)


def locate(query: Query, heard: Heard, clause: Span, span: Span) -> Said:
    """When the first of the query's words is said in the clause, at its start when they are said in other words; and
    everywhere in the moment where its rarest word is said.
    """
    spoken = {term: find_starts(term, heard) for term in query.terms}
    present = {term: [t for t in times if t < span.end] for term, times in spoken.items()}
    known = [term for term, times in present.items() if times]
    if not known:
        return Said(max(span.start, clause.start), ())
    rarest = max(known, key=lambda term: term.rarity)
    places = tuple(sorted(set(present[rarest])))
    inside = [t for t in places if clause.start - 0.01 <= t < clause.end]
    anchor = inside[0] if inside else places[0]
    near = [t for times in present.values() for t in times if anchor - MAX_WORD_GAP <= t <= anchor]
    return Said(max(span.start, min(near)), places, rarest)


def find_starts(term: Term, heard: Heard) -> list[float]:
    """When the term is said, in any of its forms."""
    return sorted({heard[at][1] for at, _ in find_forms([word for word, _ in heard], term.forms)})
