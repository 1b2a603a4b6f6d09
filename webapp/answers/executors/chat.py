"""Small talk, help, and what was cited before, to look at again."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from qa.questions import Intent
from qa.types import Citation, Sentence, Turn
from webapp.answers.composer import ABSENT, CARDS, say
from webapp.answers.scope import VisibleScope
from webapp.models import Video


def chat(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """A short word back, and what may be asked. Nothing is cited."""
    words = {
        "hello": _("Hello! Ask me about the videos here."),
        "thanks": _("You are welcome."),
        "bye": _("Goodbye!"),
        "help": _("I answer from the videos that you may see, and show the moments that support each sentence."),
        "unclear": _("I did not understand that. Ask in a few words what you are looking for."),
    }
    yield say(words[intent.detail])
    if intent.detail in ("hello", "help", "unclear"):
        yield say(
            _(
                "You may ask which videos show something, whether there is one, when it can be seen, what is said "
                "about it, what a video is about, how often a word is said, or how many videos there are."
            )
        )


def show_again(intent: Intent, scope: VisibleScope, turns: Sequence[Turn]) -> Iterator[Sentence]:
    """The moments that the answer before cited."""
    cited = [c for turn in turns[-1:] for c in turn.citations]
    visible = set(scope.ids)
    moments = [Citation(video, start, end) for video, start, end in cited if video in visible]
    if not moments:
        yield say(_("There is nothing to show yet. Ask for something first."), kind=ABSENT)
        return
    titles = dict(Video.objects.filter(pk__in=[m.video for m in moments]).values_list("pk", "title"))
    yield say(_("From “%(title)s”:") % {"title": titles[moments[0].video]}, moments, CARDS)
