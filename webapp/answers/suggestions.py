"""What may be asked next: what the cited videos are known to answer."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from django.utils import translation
from django.utils.translation import gettext as _

from qa.questions import language_of
from webapp.models import Question, User, Video

MAX_NEXT, MAX_FIRST = 3, 5
MAX_LOOKED_AT = 10  # newest videos
_TIME = re.compile(r"\d:\d\d")  # "… on the screen at 1:20" is about the video that one looks at


def suggest_first(user: User) -> list[str]:
    """Questions to begin with, each with an answer: about the library, and about what came last."""
    newest = list(Video.objects.visible_to(user).filter(status=Video.Status.READY)[:MAX_LOOKED_AT])
    if not newest:
        return []
    about, known = _ask_about([video for video in newest if video.about]), _list_known(newest)
    return [*about[:2], *known[:1], _("Which video is the longest?"), _("What was added this week?")][:MAX_FIRST]


def suggest_next(questions: Sequence[Question], cited: Mapping[int, Video]) -> list[str]:
    """Questions that follow the last of `questions`, in its language: what a video is about, and what it was found to
    answer when it was described. None that was asked before, nor one in another language.
    """
    last = questions[-1]
    before, language = {question.text for question in questions}, language_of(last.text)
    videos = [cited[pk] for pk in dict.fromkeys(c["video"] for c in last.citations) if pk in cited]
    with translation.override(language):
        if last.video:
            general = [_("What is this video about?"), _("What are the main points?")]
            known = list(last.video.suggestions)
        else:
            general, known = _ask_about(videos[:1]), _list_known(videos[:2])
    proposed = dict.fromkeys([*known, *general])
    return list(islice((q for q in proposed if q not in before and language_of(q) == language), MAX_NEXT))


def _ask_about(videos: Sequence[Video]) -> list[str]:
    return [_("What is “%(title)s” about?") % {"title": video.title} for video in videos]


def _list_known(videos: Sequence[Video]) -> list[str]:
    """What these videos were found to answer, as far as it can be asked of the library."""
    return [text for video in videos for text in video.suggestions if not _TIME.search(text)]
