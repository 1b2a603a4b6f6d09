"""Tags: what is seen, said and written where. Labels come from the bank that admins edit; each tag knows its source.

A label is seen where its description lies clearly nearer to a picture than the other labels do, by the encoder that
search uses; it is said or written where its words occur. Speech has a mood, where it is English.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from indexer.ports import PictureEncoder
from indexer.terms import terms
from indexer.types import Vectors
from webapp import engine
from webapp.models import Label, Recipe, Segment, Tag, Utterance, Video
from webapp.search.candidates import split

# Chance that one of five people names the label when they describe the picture, by its distance from the mean of all
# labels in their standard deviations: a logistic curve fitted to 673 held-out photos of Flickr8k.
SLOPE, MIDDLE = 1.32, 3.09
LIKELY = 0.3  # tags below it are not kept
SHOWN = 14  # rows of a timeline
MOST = 4  # tags that stand for a whole video
FEWEST = 20  # labels in the bank below which a label can't stand out from the others
MOODS = ("negative", "positive")
MOODY = 0.35  # polarity from which on a sentence counts as either


@dataclass(frozen=True)
class Found:
    """A label in a stretch of the video, in seconds."""

    name: str
    kind: str
    source: str
    confidence: float
    start: float
    end: float


def find_tags(
    segments: Sequence[Segment], looks: Vectors, utterances: Sequence[Utterance], recipe: Recipe
) -> list[Found]:
    """Everything found, neighbours joined, in the order of time. `looks` (n, dv) are those of the segments."""
    bank = list(Label.objects.filter(enabled=True))
    found = see(bank, segments, looks, recipe) + read(bank, segments) + feel(utterances)
    return join(found)


def stand_out(found: Sequence[Found]) -> list[str]:
    """The names of the surest labels that are seen, best first."""
    best: dict[str, float] = {}
    for tag in found:
        if tag.source == Tag.Source.PICTURE:
            best[tag.name] = max(best.get(tag.name, 0.0), tag.confidence)
    return sorted(best, key=lambda name: -best[name])[:MOST]


def see(bank: Sequence[Label], segments: Sequence[Segment], looks: Vectors, recipe: Recipe) -> list[Found]:
    if len(bank) < FEWEST or not len(looks):
        return []
    texts = tuple(label.description or f"a picture of {label.name}" for label in bank)
    cosines = looks.astype(np.float32) @ _vectors(engine.pictures(recipe), texts).T
    distance = (cosines - cosines.mean(1, keepdims=True)) / np.maximum(cosines.std(1, keepdims=True), 1e-6)
    likely = 1 / (1 + np.exp(-SLOPE * (distance - MIDDLE)))
    likely[np.linalg.norm(looks, axis=1) < 0.5] = 0.0  # sound without a picture
    return [
        Found(bank[j].name, bank[j].kind, Tag.Source.PICTURE, float(likely[i, j]), segments[i].start, segments[i].end)
        for i, j in np.argwhere(likely >= LIKELY).tolist()
    ]


@lru_cache(maxsize=2)
def _vectors(looking: PictureEncoder, texts: tuple[str, ...]) -> Vectors:
    return looking.encode_texts(texts)


def read(bank: Sequence[Label], segments: Sequence[Segment]) -> list[Found]:
    """Labels whose words are spoken or written in a segment. That is certain, whatever is meant by it."""
    wanted = {label: set(terms(label.name)) for label in bank}
    found = []
    for segment in segments:
        for source, text in ((Tag.Source.SPEECH, segment.speech), (Tag.Source.SCREEN, segment.screen)):
            there = set(split(text))
            found += [
                Found(label.name, label.kind, source, 1.0, segment.start, segment.end)
                for label, words in wanted.items()
                if words and words <= there
            ]
    return found


def feel(utterances: Sequence[Utterance]) -> list[Found]:
    """Sentences that are clearly positive or negative."""
    polarity = engine.mood().judge([u.text for u in utterances])
    return [
        Found(MOODS[value > 0], "mood", Tag.Source.SPEECH, abs(value), u.start, u.end)
        for u, value in zip(utterances, polarity, strict=True)
        if abs(value) >= MOODY
    ]


def join(found: Sequence[Found]) -> list[Found]:
    """Neighbouring stretches with the same label and source become one, as sure as the surest of them."""
    joined: list[Found] = []
    for tag in sorted(found, key=lambda f: (f.name, f.source, f.start)):
        last = joined[-1] if joined else None
        if last and (last.name, last.source) == (tag.name, tag.source) and tag.start - last.end < 1.0:
            joined[-1] = replace(last, end=max(last.end, tag.end), confidence=max(last.confidence, tag.confidence))
        else:
            joined.append(tag)
    return sorted(joined, key=lambda f: (f.start, f.name))


def records(video: Video) -> list[dict[str, Any]]:
    """JSON-ready."""
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
            max(t.confidence for t in tags),
            tuple((t, round(t.start * scale), max(6, round((t.end - t.start) * scale))) for t in tags),
        )
        for (name, source), tags in rows.items()
    ]
    order = list(Tag.Source.values)
    return sorted(laid, key=lambda r: (order.index(r.spans[0][0].source), -r.confidence, r.name))[:SHOWN]
