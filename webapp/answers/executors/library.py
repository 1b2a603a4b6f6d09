"""The library itself: how many videos, the longest, the newest, languages, length, by whom; what came in."""

from collections.abc import Callable, Iterator, Sequence

from django.db.models import Count, QuerySet, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from qa.questions import Intent
from qa.types import Citation, Sentence, Turn
from webapp.answers import composer
from webapp.answers.composer import ABSENT, CARDS, say
from webapp.answers.executors.facts import answer_fact
from webapp.answers.scope import VisibleScope
from webapp.messages import language_named
from webapp.models import Video

MAX_DIGEST = 6  # videos told of


def tell_library(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """One fact about the videos that this person may see, from their rows."""
    if intent.detail == "digest" and scope.alone:  # "What was added?" asked of one video is a question about its words
        yield from answer_fact(intent, scope, turns)
    elif intent.detail == "digest":
        yield from digest(intent, scope, turns)
    elif not scope.videos.exists():
        yield say(_("There are no such videos."))
    else:
        yield FACTS[intent.detail](scope.videos)


def digest(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """How many there are, how long, and what the newest are about."""
    count = scope.videos.count()
    if not count:
        yield say(_("There are no such videos."), kind=ABSENT)
        return
    yield say(count_and_length(scope.videos))
    for video in scope.videos[:MAX_DIGEST]:
        topics = [row["text"] for row in video.about[:3]] or list(video.tags[:3])
        about = composer.enumerate_words(topics) or _("nothing that could be recognised")
        text = _("“%(title)s”: %(about)s.") % {"title": video.title, "about": about}
        yield say(text, [first_moment(video)])


def count_and_length(videos: QuerySet[Video]) -> str:
    seconds = videos.aggregate(total=Sum("duration"))["total"] or 0.0
    return _("%(videos)s, %(length)s together.") % {
        "videos": composer.videos(videos.count()),
        "length": composer.length(seconds),
    }


def count(videos: QuerySet[Video]) -> Sentence:
    return say(_("There are %(videos)s.") % {"videos": composer.videos(videos.count())})


def total(videos: QuerySet[Video]) -> Sentence:
    return say(count_and_length(videos))


def length(videos: QuerySet[Video]) -> Sentence:
    """Of the one that is asked; of several, together."""
    return one(videos[0], _("“%(title)s” takes %(length)s.")) if videos.count() == 1 else total(videos)


def longest(videos: QuerySet[Video]) -> Sentence:
    return one(videos.order_by("-duration")[0], _("The longest is “%(title)s” with %(length)s."))


def shortest(videos: QuerySet[Video]) -> Sentence:
    return one(videos.order_by("duration")[0], _("The shortest is “%(title)s” with %(length)s."))


def newest(videos: QuerySet[Video]) -> Sentence:
    return one(
        videos.order_by("-created_at", "-pk")[0], _("The newest is “%(title)s”, added on %(day)s by %(person)s.")
    )


def oldest(videos: QuerySet[Video]) -> Sentence:
    return one(videos.order_by("created_at", "pk")[0], _("The oldest is “%(title)s”, added on %(day)s by %(person)s."))


def languages(videos: QuerySet[Video]) -> Sentence:
    rows = (
        videos.exclude(language="")
        .order_by()
        .values_list("language")
        .annotate(n=Count("pk"))
        .order_by("-n", "language")
    )
    if not rows:
        return say(_("In none of the videos is speech recognised."))
    named = [f"{language_named(code)} ({n})" for code, n in rows]
    return say(_("Spoken are %(languages)s.") % {"languages": composer.enumerate_words(named)})


def people(videos: QuerySet[Video]) -> Sentence:
    rows = videos.order_by().values_list("owner__username").annotate(n=Count("pk")).order_by("-n", "owner__username")
    named = [f"{name} ({n})" for name, n in rows[: composer.MAX_NAMED]]
    return say(_("Uploaded by %(people)s.") % {"people": composer.enumerate_words(named)})


def one(video: Video, template: str) -> Sentence:
    values = {
        "title": video.title,
        "length": composer.length(video.duration),
        "day": date_format(video.created_at, "DATE_FORMAT"),
        "person": video.owner.username,
    }
    return say(template % values, [first_moment(video)], CARDS)


def first_moment(video: Video) -> Citation:
    return Citation(video.pk, 0.0, min(video.duration, 5.0))


FACTS: dict[str, Callable[[QuerySet[Video]], Sentence]] = {
    "count": count,
    "total": total,
    "length": length,
    "longest": longest,
    "shortest": shortest,
    "newest": newest,
    "oldest": oldest,
    "languages": languages,
    "people": people,
}
