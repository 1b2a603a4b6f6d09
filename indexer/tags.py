"""Tags: stretches of a video with a label, seen in its pictures or found in its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.terms import terms
from indexer.types import Segment, Vectors

# Chance that one of five people names the label when they describe the picture, by how far it stands out from all
# labels: a logistic curve fitted to 673 held-out photos of Flickr8k by `manage.py train tags`.
LOGISTIC_SLOPE, LOGISTIC_MIDDLE = 1.34, 3.57
MIN_FITTED = 2.0  # standard deviations: what stands out less is never kept, and must not bend the curve
MIN_TAG_CONFIDENCE = 0.3  # tags below it are not kept
MIN_LABELS = 20  # in the bank, below which a label can't stand out from the others
MAX_GAP = 1.0  # seconds between two stretches of a label that are one
MAX_VIDEO_TAGS = 4  # tags that stand for a whole video


@dataclass(frozen=True)
class Label:
    """An entry of the label bank; `description` is of a picture that shows it."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True)
class Tag:
    """A label in a stretch of the video, in seconds; `source` is picture, speech or screen."""

    name: str
    kind: str
    source: str
    confidence: float
    start: float
    end: float


def find_in_pictures(
    bank: Sequence[Label], label_vectors: Vectors, segments: Sequence[Segment], visual: Vectors
) -> list[Tag]:
    """Labels whose descriptions (k, d) stand out from the others beside the pictures (n, d) of the segments."""
    if len(bank) < MIN_LABELS or not len(visual):
        return []
    likely = 1 / (1 + np.exp(-LOGISTIC_SLOPE * (measure_distance(label_vectors, visual) - LOGISTIC_MIDDLE)))
    likely[np.linalg.norm(visual, axis=1) < 0.5] = 0.0  # sound without a picture
    return [
        Tag(bank[j].name, bank[j].kind, "picture", float(likely[i, j]), segments[i].start, segments[i].end)
        for i, j in np.argwhere(likely >= MIN_TAG_CONFIDENCE).tolist()
    ]


def measure_distance(label_vectors: Vectors, visual: Vectors) -> Vectors:
    """(n, k): by how many standard deviations each label (k, d) stands out from all of them beside a picture (n, d)."""
    cosines = visual.astype(np.float32) @ label_vectors.T
    spread = np.maximum(cosines.std(1, keepdims=True), 1e-6)
    return np.asarray((cosines - cosines.mean(1, keepdims=True)) / spread, np.float32)


def find_in_words(
    bank: Sequence[Label], segments: Sequence[Segment], split: Callable[[str], Sequence[str]] = terms
) -> list[Tag]:
    """Labels whose words are spoken or written in a segment. That is certain, whatever is meant by it."""
    wanted = {label: set(terms(label.name)) for label in bank}
    found = []
    for segment in segments:
        for source, text in (("speech", segment.speech), ("screen", segment.screen)):
            present = set(split(text))
            found += [
                Tag(label.name, label.kind, source, 1.0, segment.start, segment.end)
                for label, words in wanted.items()
                if words and words <= present
            ]
    return found


def join_neighbours(found: Sequence[Tag]) -> list[Tag]:
    """Neighbouring stretches with the same label and source become one, as sure as the surest of them."""
    joined: list[Tag] = []
    for tag in sorted(found, key=lambda f: (f.name, f.source, f.start)):
        last = joined[-1] if joined else None
        if last and (last.name, last.source) == (tag.name, tag.source) and tag.start - last.end < MAX_GAP:
            joined[-1] = replace(last, end=max(last.end, tag.end), confidence=max(last.confidence, tag.confidence))
        else:
            joined.append(tag)
    return sorted(joined, key=lambda f: (f.start, f.name))


def pick_for_video(found: Sequence[Tag]) -> list[str]:
    """The names of the surest labels that are seen, best first."""
    best: dict[str, float] = {}
    for tag in found:
        if tag.source == "picture":
            best[tag.name] = max(best.get(tag.name, 0.0), tag.confidence)
    return sorted(best, key=lambda name: -best[name])[:MAX_VIDEO_TAGS]
