"""Who answers which kind of question. An executor is handed what is wanted, what may be read and the turns before."""

from collections.abc import Callable, Iterator, Sequence

from qa.question_forms import Kind
from qa.questions import Intent
from qa.types import Sentence, Turn
from webapp.answers.executors import chat, facts, library, moments, overview, words
from webapp.answers.scope import VisibleScope

Executor = Callable[[Intent, VisibleScope, Sequence[Turn]], Iterator[Sentence]]

EXECUTORS: dict[Kind, Executor] = {
    Kind.LIST: moments.list_videos,
    Kind.EXISTS: moments.tell_whether,
    Kind.COUNT: moments.list_videos,
    Kind.WHEN: moments.tell_when,
    Kind.ABOUT: overview.tell_overview,
    Kind.SUMMARY: overview.tell_overview,
    Kind.POINTS: overview.tell_overview,
    Kind.CHAPTERS: overview.tell_overview,
    Kind.COMPARE: overview.compare,
    Kind.SAID: words.tell_said,
    Kind.MENTIONS: words.tell_mentions,
    Kind.SPEAKERS: words.tell_speakers,
    Kind.SEEN: facts.answer_fact,
    Kind.FACT: facts.answer_fact,
    Kind.LIBRARY: library.tell_library,
    Kind.SHOW: chat.show_again,
    Kind.CHAT: chat.chat,
}
