"""The words of an answer, in the language that is active: a direct first sentence, then what supports it."""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qa.types import Citation, Sentence
from webapp.messages import clock

MOSTLY = 0.5  # share of the sound that makes a kind
MAX_NAMED = 5  # titles named in a sentence: the cards show all

# Kinds of sentences that say that nothing was found, and what comes nearest to it.
ABSENT, NEAREST = "absent", "nearest"
CARDS = "cards"  # each citation is shown as a picture
COMPOSED = frozenset({"told", ABSENT, NEAREST, CARDS})


def say(text: str, citations: Iterable[Citation] = (), kind: str = "told") -> Sentence:
    return Sentence(text, list(citations), kind)


def found_in(count: int, titles: Sequence[str]) -> str:
    """ "In 3 videos: A, B, C." """
    return ngettext("In one video: %(titles)s.", "In %(count)d videos: %(titles)s.", count) % {
        "count": count,
        "titles": join(titles),
    }


def yes_in(count: int, titles: Sequence[str]) -> str:
    return ngettext("Yes, in one video: %(titles)s.", "Yes, in %(count)d videos: %(titles)s.", count) % {
        "count": count,
        "titles": join(titles),
    }


def count_of(count: int, titles: Sequence[str]) -> str:
    return ngettext("One: %(titles)s.", "%(count)d: %(titles)s.", count) % {"count": count, "titles": join(titles)}


def about(topics: str, speakers: Sequence[str], language: str) -> str:
    """ "Ada and Bob speak about bees and honey." """
    values = {"topics": topics, "names": enumerate_words(speakers), "language": language}
    if not speakers:
        return _("Speech in %(language)s about %(topics)s.") % values
    return ngettext("%(names)s speaks about %(topics)s.", "%(names)s speak about %(topics)s.", len(speakers)) % values


def kind_of(sound: Mapping[str, float]) -> str:
    """What a video without speech sounds like, by the shares of its sound; "" where somebody speaks."""
    if sound.get("speech", 0.0):
        return ""
    if not sound or sound.get("silence", 0.0) >= MOSTLY:
        return _("A silent video.")
    if sound.get("music", 0.0) >= MOSTLY:
        return _("A video with music.")
    return _("A video without speech.")


def at_times(moments: Sequence[float]) -> str:
    """ "At 2:31 and 4:05." """
    return _("At %(times)s.") % {"times": enumerate_words([clock(m) for m in moments])}


def mentioned(topic: str, count: int) -> str:
    return ngettext("“%(topic)s” is mentioned once.", "“%(topic)s” is mentioned %(count)d times.", count) % {
        "topic": topic,
        "count": count,
    }


def not_mentioned(topic: str) -> str:
    return _("“%(topic)s” is not mentioned, as far as can be heard.") % {"topic": topic}


def not_found(topic: str) -> str:
    return _("I did not find “%(topic)s”.") % {"topic": topic}


def none_of(topic: str) -> str:
    return _("No: no video shows “%(topic)s”, as far as can be told.") % {"topic": topic}


def nearest(titles: Sequence[str]) -> str:
    return _("What comes nearest, without being sure: %(titles)s.") % {"titles": join(titles)}


def videos(count: int) -> str:
    return ngettext("%(count)d video", "%(count)d videos", count) % {"count": count}


def length(seconds: float) -> str:
    """ "1 hour 5 minutes", "3 minutes 20 seconds", "48 seconds"."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = []
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    if minutes:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes})
    if (rest and not hours) or not parts:
        parts.append(ngettext("%(n)d second", "%(n)d seconds", rest) % {"n": rest})
    return " ".join(parts)


def join(titles: Sequence[str]) -> str:
    """The first titles, and how many more there are."""
    named = [_("“%(title)s”") % {"title": title} for title in titles[:MAX_NAMED]]
    more = len(titles) - len(named)
    if more > 0:
        named.append(ngettext("%(n)d more", "%(n)d more", more) % {"n": more})
    return enumerate_words(named)


def enumerate_words(words: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {"first": _(", ").join(words[:-1]), "last": words[-1]}
