"""Search and answers by what people of this installation judged: is what they called right still found and said?"""

from collections.abc import Iterator

from indexer.measures import Record
from webapp.answers import replies
from webapp.models import Question, Recipe
from webapp.search.comparison import JUDGED, ask_judged, share


def judgements() -> Iterator[Record]:
    """One row per recipe that has vectors: of the good moments, how many come among the first; of the bad ones, too."""
    yield from answered()
    for recipe in Recipe.objects.filter(segments__isnull=False).distinct():
        yield {"bench": f"{JUDGED}, recipe {recipe.pk}", **ask_judged(recipe)}


def answered() -> Iterator[Record]:
    """Of the answers that people judged, asked again: how many are still given, by what people said of them."""
    judged = list(Question.objects.exclude(good=None).select_related("asker", "video"))
    again = [replies.ask(q.asker, q.text, [q.video.pk] if q.video else None) for q in judged]
    kept = [(q, not reply.answer.abstained) for q, reply in zip(judged, again, strict=True)]
    if judged:
        yield {
            "bench": "answers judged by people",
            "judged": len(judged),
            "good %": share([bool(q.good) for q in judged]),
            "good ones answered again %": share([given for q, given in kept if q.good]),
            "bad ones answered again %": share([given for q, given in kept if not q.good]),
        }
