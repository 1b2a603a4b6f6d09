"""Conversations: questions that follow each other, kept with their answers and told to who asks on."""

import uuid
from collections.abc import Callable, Mapping, Sequence

from django.db.models import Max, Min, QuerySet
from django.urls import reverse

from qa.questions import language_of
from qa.types import Turn
from webapp.answers import replies
from webapp.answers.composer import CARDS, NEAREST
from webapp.answers.replies import Reply
from webapp.messages import clock
from webapp.models import Question, User, Video

MAX_TURNS = 3  # earlier exchanges a decoder is told
MAX_THREADS = 20  # listed


def ask(user: User, text: str, video: Video | None, thread: uuid.UUID, instead: int | None = None) -> Question:
    """Ask, keep question and answer (in the place of an earlier one that is asked again), return the row."""
    reply = replies.ask(user, text, [video.pk] if video else None, earlier_turns(user, video, thread))
    return store_answer(user, video, thread, reply, instead)


def earlier_turns(user: User, video: Video | None, thread: uuid.UUID) -> list[Turn]:
    last = user.questions.filter(video=video, thread=thread)[:MAX_TURNS]
    return [read_turn(q) for q in reversed(last)]


def read_turn(question: Question) -> Turn:
    sentences = question.answer.get("sentences", [])
    cited = tuple((c["video"], c["start"], c["end"]) for c in question.citations)
    return Turn(question.text, " ".join(s["text"] for s in sentences), cited)


def store_answer(user: User, video: Video | None, thread: uuid.UUID, reply: Reply, instead: int | None) -> Question:
    question = Question(asker=user, video=video, thread=thread, text=reply.question, answer=reply.row())
    if instead is not None:
        former = user.questions.filter(pk=instead, video=video, thread=thread).first()
        if former is not None:  # the same row, so that it keeps its place in the conversation
            question.pk, question.asked_at = former.pk, former.asked_at
    question.save()
    question.cited.set({c.video for s in reply.answer.sentences for c in s.citations})
    return question


def list_threads(user: User, video: Video | None) -> list[Question]:
    """The first question of each conversation about this video (or the library), the latest conversation first."""
    mine = user.questions.filter(video=video)
    begun = mine.values("thread").annotate(first=Min("pk"), last=Max("pk")).order_by("-last")[:MAX_THREADS]
    threads = mine.select_related("video").in_bulk([row["first"] for row in begun])
    return [threads[row["first"]] for row in begun]


def write_markdown(questions: Sequence[Question], cited: Mapping[int, Video], absolute: Callable[[str], str]) -> str:
    """The conversation to be kept elsewhere: only what its person may still see."""
    lines = [f"# {questions[0].thread_title}", ""]
    for question in questions:
        lines += [f"## {question.text}", ""]
        for sentence in question.answer.get("sentences", []):
            if not replies.is_shown(sentence, cited):
                continue
            links = [
                f"[{cited[c['video']].title} {clock(c['start'])}]"
                f"({absolute(reverse('watch', args=[cited[c['video']].key]))}?t={c['start']:.1f})"
                for c in sentence.get("citations", [])
                if c["video"] in cited
            ]
            lines += [" ".join([replies.tell(sentence, language_of(question.text)), *links]), ""]
    return "\n".join(lines)


def address(question: Question) -> str:
    """The page on which the conversation of this question goes on."""
    page = reverse("watch", args=[question.video.key]) if question.video else reverse("ask")
    return f"{page}?thread={question.thread}#ask"


def cited_videos(user: User, questions: Sequence[Question]) -> dict[int, Video]:
    """Videos that the citations name, as far as the person may (still) see them."""
    visible = Video.objects.visible_to(user)
    kinds = {s.get("kind") for q in questions for s in q.answer.get("sentences", [])}
    return cited_in(visible.prefetch_related("keyframes") if kinds & {CARDS, NEAREST} else visible, questions)


def cited_in(videos: QuerySet[Video], questions: Sequence[Question]) -> dict[int, Video]:
    """Those of `videos` that the answers cite."""
    return videos.in_bulk({c["video"] for question in questions for c in question.citations})
