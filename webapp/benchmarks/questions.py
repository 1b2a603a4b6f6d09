"""What people ask a whole library: lists, whether there is one, when, what about, the library itself, small talk.

Read from `library_questions.json` of the data: {"id", "kind", "text", "videos" | "video", "span", "facts", "answer"}.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from indexer.measures import Record
from webapp.answers import replies
from webapp.benchmarks.library import Shelf

Row = Mapping[str, Any]
Scores = dict[str, float]


def questions(shelf: Shelf) -> Iterator[Record]:
    """One row a kind; then the ten answers that scored worst, to be read. Raises `LookupError` without the file."""
    path = shelf.data / "library_questions.json"
    if not path.exists():
        raise LookupError(f"{path} is not there.")
    questions: list[Row] = json.loads(path.read_text())
    scores: dict[str, list[Scores]] = defaultdict(list)
    read: list[tuple[float, Row, replies.Reply]] = []
    taken: list[float] = []
    for row in questions:
        scope = shelf.scope([row["video"]]) if row.get("video") else None
        reply = replies.ask(shelf.user, row["text"], scope)
        taken.append(reply.took_ms)
        scored = SCORERS[row["kind"]](row, reply, shelf)
        scores[row["kind"]].append(scored)
        read.append((min(scored.values()), row, reply))
    for kind, rows in scores.items():
        names = dict.fromkeys(name for row in rows for name in row)
        means = {n: round(100 * float(np.mean([r[n] for r in rows if n in r])), 1) for n in names}
        yield {"bench": f"library questions, {kind}", "asked": len(rows), **{f"{n} %": v for n, v in means.items()}}
    yield {"bench": "library questions, time", "p50 ms": round(float(np.median(taken))), "p95 ms": p95(taken)}
    for _worst, row, reply in sorted(read, key=lambda item: item[0])[:10]:
        yield {"bench": "worst", "asked": row["text"], "answered": reply.record()["answer"][:160]}


def p95(taken: list[float]) -> int:
    return round(float(np.percentile(taken, 95)))


def cited(reply: replies.Reply, shelf: Shelf) -> list[tuple[str, float, float]]:
    return [(shelf.names[c.video], c.start, c.end) for s in reply.answer.sentences for c in s.citations]


def score_list(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    named = {name for name, _start, _end in cited(reply, shelf)}
    right = len(named & set(row["videos"]))
    precision, recall = right / max(len(named), 1), right / len(row["videos"])
    return {
        "F1": 2 * precision * recall / (precision + recall) if right else 0.0,
        "precision": precision,
        "recall": recall,
    }


def score_exists(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    """ "No" is right when it is denied or nothing was found; "yes" when one of the judged videos is cited."""
    denied = reply.answer.abstained or not cited(reply, shelf)
    if row["answer"] == "no":
        return {"right no": float(denied)}
    named = {name for name, _start, _end in cited(reply, shelf)}
    return {"right yes": float(not denied and bool(named & set(row["videos"])))}


def score_when(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    start, end = row["span"]
    hits = [name == row["video"] and a < end and b > start for name, a, b in cited(reply, shelf)]
    return {"first": float(any(hits[:1])), "any of three": float(any(hits[:3]))}


def score_about(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    text = reply.record()["answer"].lower()
    spoken = sum(len(u.text) for u in shelf.videos[row["video"]].utterances.all())
    held = [any(fact.lower() in text for fact in facts) for facts in row["facts"]]
    return {
        "answered": float(not reply.answer.abstained),
        "facts": float(np.mean(held)),
        "length of transcript": len(text) / max(spoken, 1),
    }


def score_metadata(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    right = {"count": str(len(shelf.videos)) in reply.record()["answer"]} if row["field"] == "count" else {}
    return {"answered": float(not reply.answer.abstained), **{k: float(v) for k, v in right.items()}}


def score_chat(row: Row, reply: replies.Reply, shelf: Shelf) -> Scores:
    return {"nothing cited": float(not cited(reply, shelf))}


SCORERS: dict[str, Callable[[Row, replies.Reply, Shelf], Scores]] = {
    "list": score_list,
    "exists": score_exists,
    "when": score_when,
    "about": score_about,
    "metadata": score_metadata,
    "chat": score_chat,
}
