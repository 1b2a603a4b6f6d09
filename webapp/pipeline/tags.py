"""Tags of a video: its pictures against the label bank, its words, its mood; laid out for the timeline.

A label that is seen has a confidence that was fitted to what people name in held-out photos (`indexer.tags`); it is
said or written where its words occur. Speech has a mood, where it is English.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

from indexer import tags
from indexer.ports import PictureEncoder
from indexer.terms import cached_terms
from indexer.types import Segment as Planned
from indexer.types import Vectors
from webapp import engine
from webapp.models import Label, Recipe, Segment, Tag, Utterance, Video

MAX_TIMELINE_ROWS = 14
MOODS = ("negative", "positive")
MIN_POLARITY = 0.35  # from which on a sentence counts as either
BANK = Path(__file__).with_name("labels.json")


def find_tags(
    segments: Sequence[Segment], visual: Vectors, utterances: Sequence[Utterance], recipe: Recipe
) -> list[tags.Tag]:
    """Everything found, neighbours joined, in the order of time. `visual` (n, dv) are the vectors of the segments."""
    bank = [tags.Label(x.name, x.kind, x.picture_text) for x in Label.objects.filter(enabled=True)]
    spans = [Planned(s.start, s.end, s.speech, s.screen) for s in segments]
    described = _describe(engine.pictures(recipe), tuple(label.description for label in bank)) if bank else visual
    seen = tags.find_in_pictures(bank, described, spans, visual)
    return tags.join_neighbours(seen + tags.find_in_words(bank, spans, cached_terms) + find_moods(utterances))


@lru_cache(maxsize=2)
def _describe(picture_encoder: PictureEncoder, texts: tuple[str, ...]) -> Vectors:
    return picture_encoder.encode_texts(texts)


def find_moods(utterances: Sequence[Utterance]) -> list[tags.Tag]:
    """Sentences that are clearly positive or negative."""
    polarity = engine.mood().judge([u.text for u in utterances])
    return [
        tags.Tag(MOODS[value > 0], "mood", Tag.Source.SPEECH, abs(value), u.start, u.end)
        for u, value in zip(utterances, polarity, strict=True)
        if abs(value) >= MIN_POLARITY
    ]


def records(video: Video) -> list[Any]:
    """JSON-ready: a dict a tag."""
    return list(video.timeline.values("name", "kind", "source", "confidence", "start", "end"))


@dataclass(frozen=True)
class Row:
    """A label with its stretches, for the timeline: where each begins, how long it is, in thousandths of the video."""

    name: str
    source: str
    confidence: float
    spans: tuple[tuple[Tag, int, int], ...]


def lay_out(video: Video) -> list[Row]:
    """Labels of a video, the surest first; those that are only said or written behind those that are seen."""
    rows: dict[tuple[str, str], list[Tag]] = {}
    for tag in video.timeline.all():
        rows.setdefault((tag.name, tag.get_source_display()), []).append(tag)
    scale = 1000 / max(video.duration, 0.1)
    laid = [
        Row(
            name,
            source,
            max(t.confidence for t in stretches),
            tuple((t, round(t.start * scale), max(6, round((t.end - t.start) * scale))) for t in stretches),
        )
        for (name, source), stretches in rows.items()
    ]
    order = list(Tag.Source.values)
    return sorted(laid, key=lambda r: (order.index(r.spans[0][0].source), -r.confidence, r.name))[:MAX_TIMELINE_ROWS]


def translate(name: str) -> str:
    """A label in the language of the page, where the bank that installations begin with has it; else as it is."""
    return _translations().get(name, {}).get(get_language() or "", name)


@cache
def _translations() -> dict[str, dict[str, str]]:
    return {name: told for kind in json.loads(BANK.read_text()).values() for name, told in kind.items()}
