"""Questions: understand → narrow → execute → tell. Every sentence about a video cites a moment that one can play.

Understanding, reading and checking are `qa`'s; the executors say what is known of each kind of question.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import translation
from django.utils.translation import gettext as _

from qa.question_forms import Kind
from qa.questions import Intent, language_of, split_parts, understand
from qa.restrictions import NOT_RESTRICTED
from qa.types import Answer, Sentence, Turn
from webapp import engine
from webapp.answers.composer import ABSENT, COMPOSED, NEAREST
from webapp.answers.executors import EXECUTORS
from webapp.answers.scope import VisibleScope, narrow
from webapp.index import recipes
from webapp.instruments import ANSWERS, FIRST_WORDS
from webapp.models import User, Video
from webapp.search.moments import MAX_QUERY_CHARACTERS


@dataclass(frozen=True)
class Reply:
    """An answer with the videos it cites and how long it took; `unanswered` are parts of the question, `why` says how
    each was understood and what was read for it.
    """

    question: str
    answer: Answer
    videos: dict[int, Video]
    took_ms: float
    unanswered: tuple[str, ...] = ()
    why: tuple[dict[str, Any], ...] = field(default=())

    def record(self) -> dict[str, Any]:
        """JSON-ready, in the shape that commands print."""
        language = language_of(self.question)
        sentences = [
            {
                "text": tell(asdict(sentence), language),
                "citations": [
                    {**asdict(c), "file": self.videos[c.video].file_name}
                    for c in sentence.citations
                    if c.video in self.videos
                ],
            }
            for sentence in self.answer.sentences
        ]
        return {
            "question": self.question,
            "answer": " ".join(str(s["text"]) for s in sentences),
            "abstained": self.answer.abstained,
            "sentences": sentences,
            "unanswered": list(self.unanswered),
            "took_ms": round(self.took_ms, 1),
        }

    def row(self) -> dict[str, Any]:
        """JSON to be kept: what was found, not yet told in any language."""
        return {
            "abstained": self.answer.abstained,
            "sentences": [asdict(sentence) for sentence in self.answer.sentences],
            "unanswered": list(self.unanswered),
            "why": list(self.why),
        }


def is_shown(sentence: Mapping[str, Any], visible: Collection[int]) -> bool:
    """Whether somebody who may see these videos may read a kept sentence. One that was composed names all videos that
    it cites; a quotation is of the first.
    """
    cited = [c["video"] for c in sentence.get("citations", [])]
    if sentence.get("kind", "") in COMPOSED:
        return all(video in visible for video in cited)
    return any(video in visible for video in cited)


def tell(sentence: Mapping[str, Any], language: str) -> str:
    """A kept sentence with what it is, in the language of the question; words of a decoder or composer stay."""
    with translation.override(language):
        return _tell(sentence)


def _tell(sentence: Mapping[str, Any]) -> str:
    text = sentence["text"]
    match sentence.get("kind", ""):
        case "speech":
            quoted = _("“%(text)s”") % {"text": text}
            short = sentence.get("short_answer")
            return _("%(answer)s: %(quotation)s") % {"answer": short, "quotation": quoted} if short else quoted
        case "screen":
            return _("On screen: “%(text)s”") % {"text": text}
        case "chapter":
            return _("The chapter “%(text)s”") % {"text": text}
        case "caption" | "tag":
            return _("Guessed from the picture: %(text)s") % {"text": text[:1].lower() + text[1:]}
        case "frame":
            return _("Guessed from the picture: %(text)s.") % {"text": text}
        case _:
            return str(text)


def ask(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Reply:
    """Answer from what this person may see; `videos` narrows the scope."""
    *_sentences, reply = stream(user, question, videos, turns)
    assert isinstance(reply, Reply)
    return reply


def stream(
    user: User | AnonymousUser, question: str, videos: Collection[int] | None = None, turns: Sequence[Turn] = ()
) -> Iterator[Sentence | Reply]:
    """The sentences of the answer as they are found, and the whole reply at the end."""
    begun = time.perf_counter()
    question = question.strip()[:MAX_QUERY_CHARACTERS]
    visible = Video.objects.visible_to(user)
    if videos is not None:
        visible = visible.filter(pk__in=videos)
    recipe = recipes.answering()
    encoder = engine.sentences(recipe)
    sentences: list[Sentence] = []
    unanswered, why = [], []
    for intent in understand_all(question, turns):
        narrowed = narrow(user, visible, intent.restriction) if intent.restriction != NOT_RESTRICTED else visible
        chosen = list(narrowed[:2]) if videos is not None or intent.restriction != NOT_RESTRICTED else []
        alone = chosen[0] if len(chosen) == 1 else None
        scope = VisibleScope(user, narrowed, alone, recipe, encoder)
        before = len(sentences)
        for sentence in _in_language(EXECUTORS[intent.kind](intent, scope, turns), language_of(question)):
            if sentence not in sentences:
                if not sentences:
                    FIRST_WORDS.observe(time.perf_counter() - begun)
                sentences.append(sentence)
                yield sentence
        if len(sentences) == before:
            unanswered.append(intent.text)
        why.append(explain(intent, scope))
    cited = {c.video for s in sentences for c in s.citations}
    abstained = all(s.kind in (ABSENT, NEAREST) for s in sentences)
    answer = Answer(sentences, abstained, sum(row["searched"] for row in why))
    took = time.perf_counter() - begun
    ANSWERS.observe(took)
    left = tuple(unanswered) if sentences else ()
    yield Reply(question, answer, visible.in_bulk(cited), 1000 * took, left, tuple(why))


def understand_all(question: str, turns: Sequence[Turn]) -> list[Intent]:
    """What is wanted: one intent where the whole is understood as one, else one for each part of the question."""
    whole = understand(question, turns)
    parts = split_parts(question)
    if whole.kind not in (Kind.FACT, Kind.SEEN) or len(parts) == 1:
        return [whole]
    return [understand(part, turns) for part in parts]


def explain(intent: Intent, scope: VisibleScope) -> dict[str, Any]:
    """Why this answer: how the question was understood, what was searched, and what was read with its confidence."""
    restriction = {name: str(value) for name, value in asdict(intent.restriction).items() if value}
    return {
        "kind": intent.kind.value,
        "topic": intent.topic if intent.topic != intent.text else "",
        "restriction": restriction,
        "videos": len(scope.ids),
        "searched": scope.trace.searched,
        "passages": scope.trace.passages,
    }


def _in_language(sentences: Iterator[Sentence], language: str) -> Iterator[Sentence]:
    """Each is composed in this language; between them the reader's own stays active."""
    while True:
        with translation.override(language):
            sentence = next(sentences, None)
        if sentence is None:
            return
        yield sentence
