"""Search: a sentence, a picture or a moment becomes moments that this person may see.

query = read(wanted) → ids = snapshot.propose(query) → candidates = load(ids) → ranked = rank(query, candidates)
→ present(choose(ranked))
"""

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
from indexer.errors import IndexerError, ModelMissing
from indexer.moments import Chosen, choose
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.queries import Example, Query
from indexer.retriever import Ranked, rank_all
from indexer.snapshot import Masks, Snapshot
from indexer.terms import terms
from indexer.types import Ids, Span, Vectors
from indexer.vectors import unpack_valid
from webapp import engine
from webapp.index import recipes
from webapp.index.snapshot import current_snapshot
from webapp.models import IndexState, Keyframe, Recipe, Segment, User, Video
from webapp.search.candidates import CANDIDATES_PER_CHANNEL, load_candidates
from webapp.search.speech import find_said

log = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.5  # probability that a match is none of chance
MAX_QUERY_CHARACTERS = 500


@dataclass(frozen=True)
class Wanted:
    """What is searched: words, a picture's vector (dv,), moments to be more (or less) like; `off` parts don't count."""

    text: str = ""
    picture_vector: Vectors | None = None
    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    off: frozenset[str] = frozenset()
    upto: int | None = None  # sequence of the index that the first page saw: later ones must not shift its moments

    def __bool__(self) -> bool:
        return bool(self.text or self.picture_vector is not None or self.like)


@dataclass(frozen=True)
class Moment:
    """What a person sees: where it is, how it looks, what is said, and why it is here."""

    video: Video
    segment: Segment
    start: float
    end: float
    score: float
    lead: float
    confidence: float
    why: dict[str, float]
    picture: str  # keyframe file, "" without one
    picture_time: float = 0.0
    copies: tuple["Moment", ...] = ()  # the same picture and words elsewhere

    @property
    def excerpt(self) -> str:
        """What is said or written there: whichever of the two brought the moment here."""
        said, screen = self.segment.speech, self.segment.screen
        return (screen or said if self.why["screen"] > self.why["speech"] else said or screen) or self.segment.guess


@dataclass(frozen=True)
class Found:
    """The answer to one search; `confident` is False when nothing beats a chance match."""

    query: str
    moments: list[Moment] = field(default_factory=list)
    confident: bool = False
    took_ms: float = 0.0
    missing: IndexerError | None = None  # why this is not all that could be found
    index: str = ""  # recipe/generation/sequence that answered
    sequence: int = 0


def find_moments(
    user: User | AnonymousUser,
    wanted: Wanted | str,
    limit: int = 20,
    by: str = "moment",
    videos: Collection[int] | None = None,
    recipe: Recipe | None = None,
) -> Found:
    """Moments (or the best moment of each video) that match, best first; `videos` narrows the scope.

    One snapshot answers the whole search, asked with the encoders of its own recipe: the active one unless given. While
    one of them is missing, the words of the query are still looked up, and `missing` says why there is no more.
    """
    begun = time.perf_counter()
    wanted = wanted if isinstance(wanted, Wanted) else Wanted(wanted)
    wanted = replace(wanted, text=wanted.text.strip()[:MAX_QUERY_CHARACTERS])
    if not wanted:
        return Found("")
    visible = Video.objects.visible_to(user)
    may_see = visible_ids(visible if videos is None else visible.filter(pk__in=videos))
    recipe = recipe or recipes.active()
    snapshot, missing = current_snapshot(recipe), None
    try:
        query = read(wanted, recipe)
    except ModelMissing as error:
        query, snapshot, missing = read_words(wanted, recipe), replace(snapshot, calibration=NEUTRAL), error
    pool = max(CANDIDATES_PER_CHANNEL, 2 * limit)
    ranked = search(query, snapshot, snapshot.masks(may_see), pool, recipe, wanted)
    chosen = choose(ranked, limit, by)
    said = find_said(chosen, query, snapshot, recipe)
    moments = present(chosen, snapshot, said)
    confident = bool(moments) and max(m.confidence for m in moments[:3]) >= MIN_CONFIDENCE
    index = f"{recipe.pk}/{snapshot.base.number}/{snapshot.sequence}"
    took = 1000 * (time.perf_counter() - begun)
    return Found(wanted.text, moments, confident, took, missing, index, wanted.upto or snapshot.sequence)


def visible_ids(videos: QuerySet[Video]) -> Ids:
    return np.fromiter(videos.order_by().values_list("pk", flat=True), np.int64)


# -- the query -----------------------------------------------------------------------------------------------------


def read(wanted: Wanted, recipe: Recipe) -> Query:
    """The query in the spaces of `recipe`, and in no other's, with its events. Raises `ModelMissing`."""
    events = queries.split_events(wanted.text)
    parts = [encode(replace(wanted, text=event), recipe) for event in events] if len(events) > 1 else []
    return replace(encode(wanted, recipe), events=tuple(parts))


def encode(wanted: Wanted, recipe: Recipe) -> Query:
    query = read_words(wanted, recipe)
    visual, text = query.visual, query.text_vector
    if wanted.text:
        visual, text = _encode_text(wanted.text, engine.pictures(recipe), engine.sentences(recipe))
    if wanted.picture_vector is not None:
        picture = wanted.picture_vector
        visual = picture if not wanted.text else fusion.mean_direction([visual, picture])
    liked, disliked = load_examples(wanted.like, recipe), load_examples(wanted.unlike, recipe)
    return replace(query, visual=visual, text_vector=text).moved(liked, disliked)


@lru_cache(maxsize=1000)
def _encode_text(
    text: str, picture_encoder: PictureEncoder, sentence_encoder: SentenceEncoder
) -> tuple[Vectors, Vectors]:
    visual = picture_encoder.encode_texts([queries.caption_of(text)])[0]
    return visual, sentence_encoder.encode_queries([text])[0]


def read_words(wanted: Wanted, recipe: Recipe) -> Query:
    """A query that only the lexical channel can answer."""
    visual, text = (np.zeros(recipe.dims[space], np.float32) for space in fusion.SPACES)
    spoken = tuple(dict.fromkeys(terms(queries.caption_of(wanted.text))))
    return Query(wanted.text, spoken, visual, text, replace(queries.classify(wanted.text), off=wanted.off))


def load_examples(ids: Collection[int], recipe: Recipe) -> list[Example]:
    """Moments that a person pointed at; whether they may see them is the caller's to check."""
    rows = Segment.objects.filter(pk__in=ids, recipe=recipe).values_list(*fusion.SPACES) if ids else []
    vectors = [[unpack_valid(b, recipe.dims[s]) for b, s in zip(row, fusion.SPACES, strict=True)] for row in rows]
    return [Example(visual, text) for visual, text in vectors if visual is not None and text is not None]


def warm_up() -> None:
    """Load what a search needs, so that nobody's first one waits some seconds for it."""
    try:
        state = IndexState.objects.select_related("active").filter(pk=1).first()
        if state is not None and state.active is not None:
            current_snapshot(state.active)
            read(Wanted("a person"), state.active)
    except Exception:  # whatever is missing, the search itself will say it where a person sees it
        log.warning("the models of search could not be loaded beforehand", exc_info=True)
    finally:
        connection.close()


# -- ranking -------------------------------------------------------------------------------------------------------


def search(
    query: Query, snapshot: Snapshot, masks: Masks, pool: int, recipe: Recipe, wanted: Wanted | None = None
) -> list[Ranked]:
    """Ranked moments of what may be seen; those that `wanted` points at are left out."""
    wanted = wanted or Wanted()
    pointed_at = {*wanted.like, *wanted.unlike}
    proposed = [snapshot.propose(part, masks, pool) - pointed_at for part in (query, *query.events)]
    candidates = load_candidates(set().union(*proposed), recipe, wanted.upto)
    each = [[candidates[pk] for pk in ids if pk in candidates] for ids in proposed]
    rarity = snapshot.rarity([term for part in (query, *query.events) for term in part.terms])
    return rank_all(query, each, snapshot.calibration, rarity)


# -- results -------------------------------------------------------------------------------------------------------


def present(chosen: Sequence[Chosen], snapshot: Snapshot, said: Mapping[int, float]) -> list[Moment]:
    """Rows and pictures of the chosen, in two queries; what is `said` begins where its words do."""
    ids = [r.candidate.segment for c in chosen for r in (c.ranked, *c.copies)]
    segments = {s.pk: s for s in Segment.objects.filter(pk__in=ids).select_related("video", "video__owner")}
    files: dict[int, dict[float, str]] = defaultdict(dict)
    frames = Keyframe.segments.through.objects.filter(segment__in=ids)
    for segment, moment, file in frames.values_list("segment", "keyframe__time", "keyframe__file"):
        files[segment][moment] = file

    def show(item: Ranked, span: Span, copies: Sequence[Ranked] = ()) -> Moment:
        segment = segments[item.candidate.segment]
        best = item.candidate.frame_times[item.best_frame] if item.best_frame >= 0 else span.start
        return Moment(
            segment.video,
            segment,
            round(max(span.start, said.get(segment.pk, span.start)), 2),
            round(span.end, 2),
            round(item.score, 4),
            item.lead,
            snapshot.calibration.confidence(item.lead),
            {name: round(part, 4) for name, part in item.parts.items()},
            files[segment.pk].get(best, ""),
            best,
            tuple(show(copy, copy.span) for copy in copies if copy.candidate.segment in segments),
        )

    # A segment that is missing was deleted while we were ranking.
    return [show(c.ranked, c.span, c.copies) for c in chosen if c.ranked.candidate.segment in segments]


def group_by_video(moments: Sequence[Moment]) -> Mapping[int, list[Moment]]:
    """Moments by video, in the order of each video's best."""
    groups: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        groups[moment.video.pk].append(moment)
    return groups
