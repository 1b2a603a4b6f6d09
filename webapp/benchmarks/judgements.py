"""Search and answers by what people of this installation judged: is what they called right still found and said?"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from indexer.measures import Record
from webapp.answers import replies
from webapp.models import Judgement, Question, Recipe, User
from webapp.search.feedback import meets
from webapp.search.moments import Moment, find_moments

DEPTH = 10  # results that count


def judgements() -> Iterator[Record]:
    """One row per recipe that has vectors: of the good moments, how many come among the first; of the bad ones, too."""
    yield from answered()
    judged: dict[tuple[int, str], list[Judgement]] = defaultdict(list)
    for row in Judgement.objects.select_related("judge"):
        judged[row.judge_id, row.query].append(row)
    for recipe in Recipe.objects.filter(segments__isnull=False).distinct():
        found: dict[bool, list[bool]] = {True: [], False: []}
        for (_judge, query), rows in judged.items():
            moments = look(rows[0].judge, query, recipe)
            for row in rows:
                found[row.good].append(any(meets(moment, row) for moment in moments))
        yield {
            "bench": f"judged by people, recipe {recipe.pk}",
            "queries": len(judged),
            **{
                f"{name} among the first {DEPTH} %": share(found[good])
                for good, name in ((True, "good"), (False, "bad"))
            },
        }


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


def look(user: User, query: str, recipe: Recipe) -> list[Moment]:
    return find_moments(user, query, DEPTH, recipe=recipe).moments


def share(hits: list[bool]) -> float | None:
    return round(100 * float(np.mean(hits)), 1) if hits else None
