"""Search: a sentence, a picture or a moment becomes moments that this person may see.

reading = understand(parsed) → query = read(reading) → ids = snapshot.propose(query) → candidates = load(ids)
→ ranked = rank(query, candidates) → present(choose(ranked))
"""

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import QuerySet

from indexer.calibration import NEUTRAL
from indexer.errors import EngineAway, IndexerError
from indexer.moments import Chosen, choose
from indexer.queries import Query
from indexer.query_language import parse, take_literally
from indexer.retriever import Ranked, rank_all
from indexer.snapshot import Masks, Snapshot
from indexer.types import Ids, Span
from webapp.index import recipes, vector_engine
from webapp.index.snapshot import current_snapshot
from webapp.instruments import SEARCHES
from webapp.models import IndexState, Keyframe, Recipe, Segment, User, Video
from webapp.search.candidates import CANDIDATES_PER_CHANNEL, cache, load_candidates
from webapp.search.options import find_spoken_by, narrow_videos
from webapp.search.queries import Reading, Wanted, narrow, read_all, understand
from webapp.search.speech import Said, find_said

log = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.5  # probability that a match is none of chance
MAX_QUERY_CHARACTERS = 500
LITERAL_CONFIDENCE = 0.7  # of a moment in which every word of the query is said or written, however it looks
# Columns of no result, some of them long.
NOT_SHOWN = (
    *("visual", "text", "field_vectors", "tokens"),
    *(f"video__{name}" for name in ("media_info", "streams", "summary", "detailed", "about", "suggestions", "sound")),
)
LEAD_IN = 0.5  # seconds before words at which they are played from


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
    said_at: tuple[float, ...] = ()  # seconds at which the words that were searched are said in it

    @property
    def excerpt(self) -> str:
        """What is said or written there: whichever of the two brought the moment here."""
        said, screen = self.segment.speech, self.segment.screen
        return (screen or said if self.why["screen"] > self.why["speech"] else said or screen) or self.segment.guess

    @property
    def plays_from(self) -> float:
        """A little before its words, so that they are heard from the beginning."""
        return max(0.0, self.start - LEAD_IN) if self.said_at else self.start


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
    reading: Reading | None = None


def find_moments(
    user: User | AnonymousUser,
    wanted: Wanted | str,
    limit: int = 20,
    by: str = "moment",
    videos: Collection[int] | None = None,
    recipe: Recipe | None = None,
) -> Found:
    """Moments (or the best moment of each video) that match, best first; `videos` narrows the scope.

    What a person wants may hold operators; a mere text is natural language. One snapshot answers the whole search,
    asked with the encoders of its own recipe: the active one unless given. While one of them is missing, the words of
    the query are still looked up, and `missing` says why there is no more.
    """
    begun = time.perf_counter()
    read = take_literally if isinstance(wanted, str) else parse
    wanted = wanted if isinstance(wanted, Wanted) else Wanted(wanted)
    wanted = replace(wanted, text=wanted.text.strip()[:MAX_QUERY_CHARACTERS])
    parsed = read(wanted.text)
    if not wanted:
        return Found("")
    visible = Video.objects.visible_to(user)
    narrowed = narrow_videos(visible if videos is None else visible.filter(pk__in=videos), user, parsed)
    may_see = visible_ids(narrowed.videos)
    recipe = recipe or recipes.answering()
    snapshot = current_snapshot(recipe)
    masks = snapshot.masks(may_see, vector_engine.audience_of(user))
    lexicon = snapshot.lexicon(masks)
    reading = understand(parsed, lexicon, wanted.literal, narrowed.problems)
    if not reading.texts and wanted.picture_vector is None and not wanted.like:
        return Found(wanted.text, reading=reading)  # nothing is left to search for
    if speakers := parsed.values("speaker"):
        masks = snapshot.only(masks, find_spoken_by(speakers, recipe, may_see))
    masks = narrow(masks, parsed, snapshot, lexicon)
    asked, missing = read_all(reading, wanted, lexicon, recipe)
    reading = replace(reading, terms=tuple({term.text: term for query in asked for term in query.terms}.values()))
    if missing is not None:
        snapshot = replace(snapshot, calibration=NEUTRAL)
    pool = max(CANDIDATES_PER_CHANNEL, 2 * limit)
    ranked, away = search_as_far(asked, snapshot, masks, pool, recipe, wanted)
    chosen = choose(ranked, limit, by)
    moments = present(chosen, snapshot, find_said(chosen, asked, recipe))
    confident = bool(moments) and max(m.confidence for m in moments[:3]) >= MIN_CONFIDENCE
    index = f"{recipe.pk}/{snapshot.base.number}/{snapshot.sequence}"
    took = time.perf_counter() - begun
    SEARCHES.observe(took)
    return Found(
        wanted.text, moments, confident, 1000 * took, missing or away, index, wanted.upto or snapshot.sequence, reading
    )


def visible_ids(videos: QuerySet[Video]) -> Ids:
    return np.fromiter(videos.order_by().values_list("pk", flat=True), np.int64)


def warm_up() -> None:
    """Load what a search needs, so that nobody's first one waits some seconds for it."""
    try:
        state = IndexState.objects.read()
        if state is not None and state.active is not None:
            find_moments(AnonymousUser(), "a person", recipe=state.active)
    except Exception:  # whatever is missing, the search itself will say it where a person sees it
        log.warning("the models of search could not be loaded beforehand", exc_info=True)
    finally:
        connection.close()


# -- ranking -------------------------------------------------------------------------------------------------------


def search(
    asked: Sequence[Query], snapshot: Snapshot, masks: Masks, pool: int, recipe: Recipe, wanted: Wanted | None = None
) -> list[Ranked]:
    """Ranked moments of what may be seen, each by the alternative that fits best; without those that `wanted` points
    at.
    """
    wanted = wanted or Wanted()
    pointed_at = {*wanted.like, *wanted.unlike}
    proposed = [[snapshot.propose(p, masks, pool) - pointed_at for p in (query, *query.events)] for query in asked]
    wanted_ids = {pk for some in proposed for ids in some for pk in ids}
    if wanted.upto:
        candidates = load_candidates(wanted_ids, recipe, wanted.upto)
    else:
        candidates = cache.load(wanted_ids, recipe, snapshot.sequence)
    ranked = []
    for query, some in zip(asked, proposed, strict=True):
        each = [[candidates[pk] for pk in ids if pk in candidates] for ids in some]
        ranked += rank_all(query, each, snapshot.calibration)
    return ranked if len(asked) == 1 else best_of_each(ranked)


def search_as_far(
    asked: Sequence[Query], snapshot: Snapshot, masks: Masks, pool: int, recipe: Recipe, wanted: Wanted
) -> tuple[list[Ranked], EngineAway | None]:
    """As `search`; while the engine of the vectors is away by words and by what is newer alone, and why."""
    try:
        return search(asked, snapshot, masks, pool, recipe, wanted), None
    except EngineAway as away:
        return search(asked, snapshot.without_engine(), masks, pool, recipe, wanted), away


def best_of_each(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Best first, every segment once."""
    best: dict[int, Ranked] = {}
    for item in sorted(ranked, key=lambda r: -r.score):
        best.setdefault(item.candidate.segment, item)
    return list(best.values())


# -- results -------------------------------------------------------------------------------------------------------


def present(chosen: Sequence[Chosen], snapshot: Snapshot, said: Mapping[int, Said]) -> list[Moment]:
    """Rows and pictures of the chosen, in two queries; what is `said` begins where its words do."""
    ids = [r.candidate.segment for c in chosen for r in (c.ranked, *c.copies)]
    rows = Segment.objects.filter(pk__in=ids).select_related("video", "video__owner").defer(*NOT_SHOWN)
    segments = {s.pk: s for s in rows}
    files: dict[int, dict[float, str]] = defaultdict(dict)
    frames = Keyframe.segments.through.objects.filter(segment__in=ids)
    for segment, moment, file in frames.values_list("segment", "keyframe__time", "keyframe__file"):
        files[segment][moment] = file

    def show(item: Ranked, span: Span, copies: Sequence[Ranked] = ()) -> Moment:
        segment = segments[item.candidate.segment]
        heard = said.get(segment.pk)
        best = item.candidate.frame_times[item.best_frame] if item.best_frame >= 0 else span.start
        return Moment(
            segment.video,
            segment,
            round(heard.start if heard else span.start, 2),
            round(span.end, 2),
            round(item.score, 4),
            item.lead,
            max(snapshot.calibration.confidence(item.lead), LITERAL_CONFIDENCE if item.literal else 0.0),
            {name: round(part, 4) for name, part in item.parts.items()},
            files[segment.pk].get(best, ""),
            best,
            tuple(show(copy, copy.span) for copy in copies if copy.candidate.segment in segments),
            heard.places if heard else (),
        )

    # A segment that is missing was deleted while we were ranking.
    return [show(c.ranked, c.span, c.copies) for c in chosen if c.ranked.candidate.segment in segments]


def group_by_video(moments: Sequence[Moment]) -> Mapping[int, list[Moment]]:
    """Moments by video, in the order of each video's best."""
    groups: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        groups[moment.video.pk].append(moment)
    return groups


def find_pictures(places: Sequence[tuple[int, Span]]) -> list[str]:
    """Of each stretch of a video the keyframe nearest to its middle, "" without any."""
    frames: dict[int, list[tuple[float, str]]] = defaultdict(list)
    kept = Keyframe.objects.filter(video__in={video for video, _span in places})
    for video, moment, file in kept.values_list("video", "time", "file"):
        frames[video].append((moment, file))

    def distance(frame: tuple[float, str], span: Span) -> float:
        return abs(frame[0] - (span.start + span.end) / 2)

    return [min(frames[video], key=lambda frame: distance(frame, span), default=(0.0, ""))[1] for video, span in places]
