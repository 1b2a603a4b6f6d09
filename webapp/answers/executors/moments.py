"""What is seen or said somewhere: which videos, whether any, how many, when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from indexer.terms import terms
from qa.question_forms import Kind
from qa.questions import Intent
from qa.types import Citation, Sentence, Turn
from webapp.answers import composer
from webapp.answers.composer import ABSENT, CARDS, NEAREST, say
from webapp.answers.executors.relevance import PRESENT, SURELY_ABSENT, Citable, Relevant, find_relevant
from webapp.answers.executors.words import find_mentions, group_by_video
from webapp.answers.scope import VisibleScope
from webapp.models import Video
from webapp.search.moments import find_moments

MAX_WHEN = 3  # moments that answer "when"
MAX_BEHIND = 0.15  # share of the best score by which a second moment may fit less well
MIN_CLOSE_TERMS = 3  # words that tell, from which on a description is close


def list_videos(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """The videos, best first, each with its best moment."""
    relevant = find(intent, scope)
    if not relevant.moments:
        yield from tell_absent(intent, relevant)
    elif scope.alone:
        yield from tell_when(intent, scope, turns)
    else:
        titles = [m.video.title for m in relevant.moments]
        first = composer.count_of if intent.kind is Kind.COUNT else composer.found_in
        yield say(first(len(titles), titles), map(cite, relevant.moments), CARDS)


def tell_whether(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """Yes with where; no where the search is confident of absence; else that nothing was found, with the nearest."""
    relevant = find(intent, scope)
    if not relevant.moments:
        yield from tell_absent(intent, relevant)
    elif scope.alone:
        yield say(
            _("Yes. %(when)s") % {"when": composer.at_times([relevant.moments[0].start])}, [cite(relevant.moments[0])]
        )
    else:
        titles = [m.video.title for m in relevant.moments]
        yield say(composer.yes_in(len(titles), titles), map(cite, relevant.moments), CARDS)


def tell_when(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """The moments, in the order of how well they fit."""
    found = find_moments(scope.user, intent.topic, MAX_WHEN, videos=scope.ids)
    best = found.moments[:1] if scope.alone else [m for m in found.moments if m.confidence >= PRESENT]
    if not best or (scope.alone and best[0].confidence < SURELY_ABSENT):
        yield from tell_absent(intent, Relevant([], found.moments[:1], 0.0))
        return
    least = best[0].score - MAX_BEHIND * max(best[0].score, 0.0)
    near = [m for m in found.moments[1:] if m.score >= least]
    shown = [*best, *(m for m in near if m not in best)]
    yield say(composer.at_times([m.start for m in shown]), map(cite, shown), CARDS)


def tell_absent(intent: Intent, relevant: Relevant) -> Iterator[Sentence]:
    # What is general ("animals") fits nothing very well: only what is described closely can be missing for sure.
    surely = relevant.confidence <= SURELY_ABSENT and len(terms(intent.topic)) >= MIN_CLOSE_TERMS
    if relevant.nearest and surely and intent.kind is Kind.EXISTS and not intent.source:
        yield say(composer.none_of(intent.topic))
        return
    yield say(composer.not_found(intent.topic), kind=ABSENT)
    shown = relevant.nearest if intent.kind in (Kind.LIST, Kind.COUNT) else relevant.nearest[:1]
    if shown:
        yield say(composer.nearest([m.video.title for m in shown]), map(cite, shown), NEAREST)


def find(intent: Intent, scope: VisibleScope) -> Relevant:
    """By the words that are said where the question says so; else by what is seen, said and written."""
    if intent.source != "speech":
        return find_relevant(scope.user, intent.topic, scope.ids)
    spoken = group_by_video(find_mentions(intent.topic, scope.ids))
    if not spoken:
        near = find_relevant(scope.user, intent.topic, scope.ids)
        return Relevant([], near.moments[:1] or near.nearest[:1], 0.5)
    rows = Video.objects.in_bulk(spoken)
    most_first = sorted(spoken, key=lambda pk: -len(spoken[pk]))
    return Relevant([Said(rows[pk], *spoken[pk][0]) for pk in most_first], [], 1.0)


@dataclass(frozen=True)
class Said:
    """A place where words are said."""

    video: Video
    start: float
    end: float


def cite(moment: Citable) -> Citation:
    return Citation(moment.video.pk, moment.start, moment.end)
