"""A video as a whole: what it is about, summed up, its main points and chapters; two of them compared."""

import re
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from qa.question_forms import Kind
from qa.questions import Intent
from qa.speakers import find_introduction
from qa.types import Citation, Sentence, Turn
from webapp.answers import composer
from webapp.answers.composer import ABSENT, say
from webapp.answers.executors.library import digest, first_moment
from webapp.answers.scope import VisibleScope, find_subject
from webapp.messages import language_named
from webapp.models import Video
from webapp.pipeline.tags import translate

MAX_TAGS = 4
MAX_SPEAKERS = 3


def tell_overview(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """What one video is about, in the form that is wanted; of a whole library, its digest."""
    if scope.alone is None:
        yield from digest(intent, scope, turns)
        return
    video = scope.alone
    if intent.kind is Kind.CHAPTERS:
        yield from tell_chapters(video)
        return
    sentences = video.detailed if intent.detail == "detailed" else video.summary
    about = [] if intent.kind is Kind.POINTS else [describe(video)]
    yield from (sentence for sentence in about if sentence.text)
    for row in sentences:
        yield Sentence(row["text"], [Citation(video.pk, row["start"], row["end"])], row.get("kind", ""))
    if not sentences and not video.about:
        yield say(_("Nothing could be recognised in this video with confidence."), kind=ABSENT)


def describe(video: Video) -> Sentence:
    """The sentence that says what kind of video it is, who speaks, and what about; "" where that is not known."""
    if video.about:
        cited = [Citation(video.pk, row["start"], row["end"]) for row in video.about]
        topics = composer.enumerate_words([row["text"] for row in video.about])
        names = list(dict.fromkeys(name for u in video.utterances.all() if (name := find_introduction(u.text))))
        return say(composer.about(topics, names[:MAX_SPEAKERS], language_named(video.language)), cited)
    kind, seen = composer.kind_of(video.sound), [translate(tag) for tag in video.tags[:MAX_TAGS]]
    things = _("It shows %(things)s.") % {"things": composer.enumerate_words(seen)} if seen else ""
    return say(_("%(kind)s %(things)s") % {"kind": kind, "things": things} if kind and things else things)


def tell_chapters(video: Video) -> Iterator[Sentence]:
    chapters = list(video.chapters.all())
    if not chapters:
        yield say(_("This video has no chapters."), kind=ABSENT)
    for chapter in chapters:
        yield Sentence(chapter.title or _("untitled"), [Citation(video.pk, chapter.start, chapter.end)], "chapter")


def compare(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """Two videos side by side: length, language, topics."""
    names = _split_pair(intent.topic)
    cited = next((turn.videos for turn in reversed(turns) if len(turn.videos) > 1), ())
    found = [pk for name in names for pk in list(find_subject(scope.user, scope.videos, name))[:1]]
    chosen = list(dict.fromkeys(found)) if len(set(found)) == 2 else list(cited[:2])
    videos = [v for pk in chosen for v in scope.videos.filter(pk=pk)]
    if len(videos) < 2:
        yield say(_("I could not tell which two videos are meant. Name them by their titles."), kind=ABSENT)
        return
    for video in videos:
        about = describe(video)
        language = language_named(video.language) if video.language else _("no speech")
        text = _("“%(title)s” takes %(length)s (%(language)s). %(about)s") % {
            "title": video.title,
            "length": composer.length(video.duration),
            "language": language,
            "about": about.text,
        }
        yield say(text.strip(), about.citations or [first_moment(video)])


def _split_pair(topic: str) -> list[str]:
    parts = re.split(r"\s+(?:and|with|to|vs\.?|versus|or|differs? from|different from)\s+|和|与|跟", topic, maxsplit=1)
    return [re.sub(r"^(?:the |both |two )*(?:video|talk)?s?\s*", "", part).strip(' "“”') for part in parts]
