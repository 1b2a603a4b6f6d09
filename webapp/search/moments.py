"""Search: a sentence, a picture or a moment becomes moments that this person may see."""

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import QuerySet

from indexer import fusion, queries
from indexer.calibration import NEUTRAL
from indexer.errors import ModelMissing
from indexer.moments import Chosen, choose
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.queries import Example, Query
from indexer.retriever import Ranked, in_order, rank
from indexer.terms import terms
from indexer.types import Ids, Mask, Span, Vectors
from webapp import engine
from webapp.index import snapshot
from webapp.models import IndexState, Keyframe, Recipe, Segment, User, Video
from webapp.pipeline.embed import unpack_sound
from webapp.search.candidates import POOL, gather, load_candidates

log = logging.getLogger(__name__)

CONFIDENT = 0.5  # probability that a match is none of chance
LONGEST_QUERY = 500  # characters


@dataclass(frozen=True)
class Wanted:
    """What is searched: words, a picture's vector, moments to be more (or less) like; `off` parts do not count."""

    text: str = ""
    look: Vectors | None = None
    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    off: frozenset[str] = frozenset()
    upto: int | None = None  # sequence of the index that the first page saw: later ones must not shift its moments

    def __bool__(self) -> bool:
        return bool(self.text or self.look is not None or self.like)


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
    picture_time: float = 0.0
    copies: tuple["Moment", ...] = ()  # the same picture and words elsewhere

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
    sequence: int = 0


def find(
    user: User | AnonymousUser,
    wanted: Wanted | str,
    limit: int = 20,
    by: str = "moment",
    videos: Collection[int] | None = None,
    recipe: Recipe | None = None,
) -> Found:
    """Moments (or the best moment of each video) that match, best first; `videos` narrows the scope.

    One snapshot answers the whole search, asked with the encoders of its own recipe: the active one unless given. While
    one of them is missing, the words of the query are still looked up, and `notice` says why there is no more.
    """
    begun = time.perf_counter()
    wanted = wanted if isinstance(wanted, Wanted) else Wanted(wanted)
    wanted = replace(wanted, text=wanted.text.strip()[:LONGEST_QUERY])
    if not wanted:
        return Found("")
    visible = Video.objects.visible_to(user)
    may_see = visible_ids(visible if videos is None else visible.filter(pk__in=videos))
    seen = snapshot.snapshot(recipe)
    notice, pool = "", max(POOL, 2 * limit)
    try:
        ranked = rank_all(wanted, seen, seen.masks(may_see), pool)
    except ModelMissing as error:
        notice, seen = str(error), replace(seen, calibration=NEUTRAL)
        ranked = rank_one(words_only(wanted, seen.recipe), wanted, seen, seen.masks(may_see), pool)
    moments = present(choose(ranked, limit, by), seen)
    confident = bool(moments) and max(m.confidence for m in moments[:3]) >= CONFIDENT
    index = f"{seen.recipe.pk}/{seen.base.number}/{seen.sequence}"
    took = 1000 * (time.perf_counter() - begun)
    return Found(wanted.text, moments, confident, took, notice, index, wanted.upto or seen.sequence)


def visible_ids(videos: "QuerySet[Video]") -> Ids:
    return np.fromiter(videos.order_by().values_list("pk", flat=True), np.int64)


# -- the query -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _vectors(text: str, looking: PictureEncoder, reading: SentenceEncoder) -> tuple[Vectors, Vectors]:
    return looking.encode_texts([queries.caption_of(text)])[0], reading.encode_queries([text])[0]


def encode(wanted: Wanted, recipe: Recipe) -> Query:
    """The query in the spaces of `recipe`, and in no other's. Raises `ModelMissing`."""
    query = words_only(wanted, recipe)
    visual, words = query.visual, query.words
    if wanted.text:
        visual, words = _vectors(wanted.text, engine.pictures(recipe), engine.sentences(recipe))
    if wanted.look is not None:
        visual = wanted.look if not wanted.text else fusion.mean_direction([visual, wanted.look])
    return replace(query, visual=visual, words=words).moved(
        examples(wanted.like, recipe), examples(wanted.unlike, recipe)
    )


def warm_up() -> None:
    """Load what a search needs, so that nobody's first one waits some seconds for it."""
    try:
        state = IndexState.objects.select_related("active").filter(pk=1).first()
        if state is not None and state.active is not None:
            encode(Wanted("a person"), snapshot.snapshot(state.active).recipe)
    except Exception:  # whatever is missing, the search itself will say it where a person sees it
        log.warning("the models of search could not be loaded beforehand", exc_info=True)
    finally:
        connection.close()


def words_only(wanted: Wanted, recipe: Recipe) -> Query:
    """A query that only the lexical channel can answer."""
    visual, words = (np.zeros(recipe.dims[space], np.float32) for space in fusion.SPACES)
    spoken = tuple(dict.fromkeys(terms(queries.caption_of(wanted.text))))
    return Query(wanted.text, spoken, visual, words, replace(queries.classify(wanted.text), off=wanted.off))


def examples(ids: Collection[int], recipe: Recipe) -> list[Example]:
    """Moments that a person pointed at; whether they may see them is the caller's to check."""
    rows = Segment.objects.filter(pk__in=ids, recipe=recipe).values_list(*fusion.SPACES) if ids else []
    vectors = [[unpack_sound(b, recipe.dims[s]) for b, s in zip(row, fusion.SPACES, strict=True)] for row in rows]
    return [Example(look, words) for look, words in vectors if look is not None and words is not None]


# -- ranking -------------------------------------------------------------------------------------------------------


def rank_all(wanted: Wanted, seen: snapshot.Snapshot, masks: tuple[Mask, Mask], pool: int = POOL) -> list[Ranked]:
    """Ranked moments; for "A, then B" also the stretches of a video in which one follows the other."""
    ranked = rank_one(encode(wanted, seen.recipe), wanted, seen, masks, pool)
    events = queries.split_events(wanted.text)
    if len(events) < 2:
        return ranked
    first, second = (
        rank_one(encode(replace(wanted, text=event), seen.recipe), wanted, seen, masks, pool) for event in events
    )
    stretches = [
        Ranked(
            one.candidate,
            (one.score + two.score) / 2,
            {name: (part + two.parts[name]) / 2 for name, part in one.parts.items()},
            Span(one.span.start, two.span.end),
            one.best_frame,
        )
        for one, two in in_order(first, second)
    ]
    return sorted([*stretches, *ranked], key=lambda r: -r.score)


def rank_one(
    query: Query, wanted: Wanted, seen: snapshot.Snapshot, masks: tuple[Mask, Mask], pool: int
) -> list[Ranked]:
    candidates = load_candidates(gather(query, seen, masks, pool), seen, wanted.upto)
    pointed_at = {*wanted.like, *wanted.unlike}
    others = [c for c in candidates if c.segment not in pointed_at]
    return rank(query, others, seen.calibration, seen.rarity(query.terms))


# -- results -------------------------------------------------------------------------------------------------------


def present(chosen: Sequence[Chosen], seen: snapshot.Snapshot) -> list[Moment]:
    """Rows and pictures of the chosen, in two queries."""
    ids = [r.candidate.segment for c in chosen for r in (c.ranked, *c.copies)]
    segments = {s.pk: s for s in Segment.objects.filter(pk__in=ids).select_related("video", "video__owner")}
    files: dict[int, dict[float, str]] = defaultdict(dict)
    for segment, moment, file in Keyframe.objects.filter(segments__in=ids).values_list("segments", "time", "file"):
        files[segment][moment] = file

    def show(item: Ranked, span: Span, copies: Sequence[Ranked] = ()) -> Moment:
        segment = segments[item.candidate.segment]
        best = item.candidate.frame_times[item.best_frame] if item.best_frame >= 0 else span.start
        return Moment(
            segment.video,
            segment,
            round(span.start, 2),
            round(span.end, 2),
            round(item.score, 4),
            seen.calibration.confidence(item.score),
            {name: round(part, 4) for name, part in item.parts.items()},
            files[segment.pk].get(best, ""),
            best,
            tuple(show(copy, copy.span) for copy in copies if copy.candidate.segment in segments),
        )

    # A segment that is missing was deleted while we were ranking.
    return [show(c.ranked, c.span, c.copies) for c in chosen if c.ranked.candidate.segment in segments]


def per_video(moments: Sequence[Moment]) -> Mapping[int, list[Moment]]:
    """Moments by video, in the order of each video's best."""
    groups: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        groups[moment.video.pk].append(moment)
    return groups
