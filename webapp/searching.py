"""Search: a sentence becomes moments this person may see."""

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from django.contrib.auth.models import AnonymousUser

from indexer import fusion
from indexer.calibration import NEUTRAL
from indexer.errors import ModelMissing
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.retriever import PREFERENCE, Candidate, Query, Ranked, rank
from indexer.terms import terms
from indexer.types import Span, Vectors
from webapp import engine, library
from webapp.embedding import unpack_sound
from webapp.models import FrameVector, Keyframe, Recipe, Segment, Shot, User, Video

POOL = 120  # candidates per channel
CONFIDENT = 0.6  # share of background sentences that a match must beat
LONGEST_QUERY = 500  # characters


@dataclass(frozen=True)
class Moment:
    """What a person sees: where it is, how it looks, what is said, and why it is here."""

    video: Video
    segment: Segment
    start: float
    end: float
    score: float
    confidence: float
    why: dict[str, float]
    picture: str  # keyframe file, "" without one

    @property
    def words(self) -> str:
        """What is said or written there: whichever of the two brought the moment here."""
        said, screen = self.segment.speech, self.segment.screen
        return (screen or said if self.why["screen"] > self.why["speech"] else said or screen) or self.segment.caption


@dataclass(frozen=True)
class Found:
    """The answer to one search; `confident` is False when nothing beats a chance match."""

    query: str
    moments: list[Moment] = field(default_factory=list)
    confident: bool = False
    took_ms: float = 0.0
    notice: str = ""  # why this is not all that could be found
    index: str = ""  # recipe/generation/sequence that answered


def find(
    user: User | AnonymousUser,
    text: str,
    limit: int = 20,
    by: str = "moment",
    videos: Collection[int] | None = None,
    recipe: Recipe | None = None,
) -> Found:
    """Moments (or the best moment of each video) that match `text`, best first.

    One snapshot answers the whole search, asked with the encoders of its own recipe: the active one unless given. While
    one of them is missing, the words of the query are still looked up, and `notice` says why there is no more.
    """
    begun = time.perf_counter()
    text = text.strip()[:LONGEST_QUERY]
    if not text:
        return Found(text)
    visible = Video.objects.visible_to(user)
    if videos is not None:
        visible = visible.filter(pk__in=videos)
    may_see = np.fromiter(visible.values_list("pk", flat=True), np.int64)
    seen = library.snapshot(recipe)
    notice, calibration = "", seen.calibration
    try:
        query = encode(text, seen.recipe)
    except ModelMissing as error:
        query, notice, calibration = words_only(text, seen.recipe), str(error), NEUTRAL
    ranked = rank(query, gather(query, seen, may_see), calibration)
    chosen = choose(ranked, limit, by)
    moments = present(chosen)
    confident = bool(moments) and max(m.confidence for m in moments[:3]) >= CONFIDENT
    index = f"{seen.recipe.pk}/{seen.base.number}/{seen.sequence}"
    return Found(text, moments, confident, 1000 * (time.perf_counter() - begun), notice, index)


@lru_cache(maxsize=1000)
def _vectors(text: str, looking: PictureEncoder, reading: SentenceEncoder) -> tuple[Vectors, Vectors]:
    return looking.encode_texts([text])[0], reading.encode_queries([text])[0]


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str, ...]:
    """Terms of a segment's words, kept: stemming is the slowest part of a search otherwise."""
    return tuple(terms(text))


def encode(text: str, recipe: Recipe) -> Query:
    """The query in the spaces of `recipe`, and in no other's. Raises `ModelMissing`."""
    visual, words = _vectors(text, engine.pictures(recipe), engine.sentences(recipe))
    return Query(text, tuple(dict.fromkeys(terms(text))), visual, words)


def words_only(text: str, recipe: Recipe) -> Query:
    """A query that only the lexical channel can answer."""
    visual, words = (np.zeros(recipe.dims[space], np.float32) for space in fusion.SPACES)
    return Query(text, tuple(dict.fromkeys(terms(text))), visual, words)


def gather(query: Query, seen: library.Snapshot, may_see: "np.typing.NDArray[np.int64]") -> list[Candidate]:
    """Candidates of the index and of the lexical channel, permissions acting inside both."""
    weights = seen.calibration.weights(PREFERENCE)
    fused = fusion.fuse_query({"visual": query.visual, "text": query.words}, weights)
    masks = seen.masks(may_see)
    ids = {hit.segment for hit in seen.look_up(query.terms, POOL, masks)}
    if np.any(fused):
        ids.update(hit.segment for hit in seen.search(fused, POOL, masks))
    return load_candidates(ids, seen)


def load_candidates(ids: Collection[int], seen: library.Snapshot) -> list[Candidate]:
    """Everything the ranking needs, in three queries."""
    dims = [seen.recipe.dims[space] for space in fusion.SPACES]
    rows = list(Segment.objects.filter(pk__in=ids).select_related("video"))
    frames: dict[int, list[tuple[float, Vectors]]] = defaultdict(list)
    encoder = seen.recipe.picture_encoder
    kept = FrameVector.objects.filter(keyframe__segments__in=ids, encoder=encoder).order_by("keyframe__time")
    for segment, moment, blob in kept.values_list("keyframe__segments", "keyframe__time", "vector"):
        vector = unpack_sound(blob, dims[0])
        if segment in ids and vector is not None:
            frames[segment].append((moment, vector))
    shots: dict[int, list[Span]] = defaultdict(list)
    for video, start, end in Shot.objects.filter(video__in={r.video_id for r in rows}).values_list(
        "video", "start", "end"
    ):
        shots[video].append(Span(start, end))
    words = {row.pk: unpack_sound(row.text, dims[1]) for row in rows}
    return [
        Candidate(
            row.pk,
            row.video_id,
            Span(row.start, row.end),
            vector,
            seen.looks.get(row.video_id, np.zeros(dims[0], np.float32)),
            np.stack([v for _, v in frames[row.pk]]) if frames[row.pk] else np.zeros((0, dims[0]), np.float32),
            [t for t, _ in frames[row.pk]],
            [s for s in shots[row.video_id] if s.overlap(Span(row.start, row.end)) > 0],
            {"speech": split(row.speech), "screen": split(row.screen), "title": split(row.video.title)},
        )
        for row in rows
        if (vector := words[row.pk]) is not None
    ]


def choose(ranked: Sequence[Ranked], limit: int, by: str) -> list[Ranked]:
    """The best ones; one per video where asked. A neighbour of a better moment of the same video adds nothing."""
    chosen: list[Ranked] = []
    taken: dict[int, list[Span]] = defaultdict(list)
    for item in ranked:
        spans = taken[item.candidate.video]
        if by == "video" and spans:
            continue
        near = any(abs(item.span.start - s.end) < 0.5 or abs(s.start - item.span.end) < 0.5 for s in spans)
        if near and chosen and item.score < 0.5 * chosen[0].score:
            continue
        spans.append(item.span)
        chosen.append(item)
        if len(chosen) == limit:
            break
    return chosen


def present(chosen: Sequence[Ranked]) -> list[Moment]:
    """Rows and pictures of the chosen, in two queries."""
    ids = [r.candidate.segment for r in chosen]
    segments = {s.pk: s for s in Segment.objects.filter(pk__in=ids).select_related("video", "video__owner")}
    files: dict[int, dict[float, str]] = defaultdict(dict)
    for segment, moment, file in Keyframe.objects.filter(segments__in=ids).values_list("segments", "time", "file"):
        files[segment][moment] = file
    moments = []
    for item in chosen:
        segment = segments.get(item.candidate.segment)
        if segment is None:
            continue  # deleted while we were ranking
        best = item.candidate.frame_times[item.best_frame] if item.best_frame >= 0 else -1.0
        moments.append(
            Moment(
                segment.video,
                segment,
                round(item.span.start, 2),
                round(item.span.end, 2),
                round(item.score, 4),
                item.confidence,
                {name: round(part, 4) for name, part in item.parts.items()},
                files[segment.pk].get(best, ""),
            )
        )
    return moments
