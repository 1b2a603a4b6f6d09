"""What is said: words and where they fall, what is said at a time, who speaks."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from django.db.models import Q
from django.utils.translation import gettext as _

from indexer.terms import terms
from qa.questions import Intent
from qa.speakers import find_introduction
from qa.types import Citation, Sentence, Turn
from qa.windows import AROUND_SECONDS, Window, find_event, find_window
from webapp.answers import composer
from webapp.answers.composer import ABSENT, CARDS, say
from webapp.answers.executors.facts import answer_fact
from webapp.answers.scope import VisibleScope
from webapp.messages import language_named
from webapp.models import Evidence, Utterance, Video

MAX_SHOWN = 8  # mentions that are cited
MAX_SAID = 3  # sentences that are quoted of a window

Timed = TypeVar("Timed", Utterance, Evidence)
Place = tuple[int, float, float]  # video, start, end


def tell_mentions(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """How often words are said, and the moments at which they fall."""
    places = find_mentions(intent.topic, scope.ids)
    if not places:
        yield say(composer.not_mentioned(intent.topic), kind="told" if intent.detail else ABSENT)
        return
    shown = [Citation(*place) for place in places[:MAX_SHOWN]]
    said = composer.mentioned(intent.topic, len(places))
    yield say(_("Yes: %(said)s") % {"said": said} if intent.detail == "yesno" else said, shown, CARDS)


def find_mentions(topic: str, videos: Collection[int]) -> list[Place]:
    """Where the words of `topic` are said one after the other, in any inflection, by video and time."""
    wanted = terms(topic)
    if not wanted:
        return []
    near = Q()
    for word in topic.split() if topic.isascii() else [topic]:
        if stems := terms(word):
            near &= Q(text__icontains=min(stems, key=len)[:4] if word.isascii() else stems[0])
    places: list[Place] = []
    for spoken in Utterance.objects.filter(near, video__in=videos).order_by("video_id", "start"):
        places += [(spoken.video_id, start, end) for start, end in locate(wanted, spoken)]
    return places


def locate(wanted: Sequence[str], spoken: Utterance) -> list[tuple[float, float]]:
    """The spans of a sentence in which these terms follow each other."""
    heard = [(term, start, end) for text, start, end in spoken.words for term in terms(text)]
    last = len(wanted) - 1
    found = [(heard[i][1], heard[i + last][2]) for i in find_runs(wanted, [term for term, _start, _end in heard])]
    # Chinese words may be cut by the recogniser otherwise than by us: then the sentence is the place.
    return found or [(spoken.start, spoken.end) for _run in find_runs(wanted, terms(spoken.text))[:1]]


def find_runs(wanted: Sequence[str], said: Sequence[str]) -> list[int]:
    """Where in `said` these terms begin to follow each other."""
    size = len(wanted)
    return [i for i in range(len(said) - size + 1) if list(said[i : i + size]) == list(wanted)]


def group_by_video(places: Sequence[Place]) -> Mapping[int, list[tuple[float, float]]]:
    grouped: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for video, start, end in places:
        grouped[video].append((start, end))
    return grouped


def tell_said(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """The sentences of the stretch that is named; the first or the last one where the question says so."""
    if scope.alone is None or find_event(intent.text):
        yield from answer_fact(intent, scope, turns)
        return
    if intent.source == "screen":
        yield from tell_written(intent, scope, turns)
        return
    spoken = list(scope.alone.utterances.all())
    text = intent.text.lower()
    window = find_window(intent.text, scope.alone.duration)
    if re.search(r"\b(?:last|final|closing|end|finish|close|ends)\b|最后|结尾", text):
        chosen = spoken[-1:] if re.search(r"sentence|thing|word|line|一句", text) else spoken[-2:]
    elif window is not None and window.firm:
        chosen = pick_within(window, spoken)
    else:
        chosen = spoken[:1] if re.search(r"sentence|thing|word|line|一句", text) else spoken[:2]
    if not chosen:
        yield say(_("Nothing is said there."), kind=ABSENT)
    for u in chosen:
        yield Sentence(u.text, [Citation(scope.alone.pk, u.start, u.end)], "speech")


def pick_within(window: Window, pieces: Iterable[Timed]) -> list[Timed]:
    """What stands at a point in time, else the first pieces of a stretch."""
    middle = (window.start + window.end) / 2
    inside = [p for p in pieces if window.overlaps(p.start, p.end)]
    is_point = window.end - window.start <= 2 * AROUND_SECONDS
    return [p for p in inside if is_point and p.start <= middle < p.end] or inside[:MAX_SAID]


def tell_written(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """What stands on the screen in the stretch that is named; without one it is looked for as any fact is."""
    assert scope.alone is not None
    window = find_window(intent.text, scope.alone.duration)
    if window is None or not window.firm:
        yield from answer_fact(intent, scope, turns)
        return
    chosen = pick_within(window, scope.alone.evidence.filter(kind="screen"))
    if not chosen:
        yield say(_("Nothing is written there, as far as could be read."), kind=ABSENT)
    for e in chosen:
        yield Sentence(e.text, [Citation(scope.alone.pk, e.start, e.end)], "screen")


def tell_speakers(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """Names by which people introduce themselves; voices are not told apart, and that is said."""
    introduced = False
    rows = Utterance.objects.filter(video__in=scope.ids).order_by("video_id", "start").iterator()
    named = ((spoken, name) for spoken in rows if (name := find_introduction(spoken.text)))
    for spoken, name in islice(named, MAX_SAID):
        introduced = True
        yield Sentence(spoken.text, [Citation(spoken.video_id, spoken.start, spoken.end)], "speech", name)
    if introduced:
        return
    talks = Video.objects.filter(pk__in=scope.ids).exclude(language="")
    spans = Utterance.objects.filter(video__in=talks).values_list("start", "end")
    seconds = sum(end - start for start, end in spans)
    if not seconds:
        yield say(_("Nobody speaks, as far as can be heard."), kind=ABSENT)
        return
    codes = dict.fromkeys(talks.order_by().values_list("language", flat=True))
    names = composer.enumerate_words([language_named(code) for code in codes])
    text = _("No name is said. %(length)s are spoken in %(languages)s; voices are not told apart.")
    yield say(text % {"length": composer.length(seconds), "languages": names})
