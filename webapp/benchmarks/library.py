"""Benchmarks of the library that this installation holds: search, moments, answers. They read and change nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from indexer.measures import (
    Outcomes,
    Record,
    auroc,
    average_precision,
    measure_reliability,
    moment_scores,
    normal,
    recalls,
)
from indexer.queries import PARTS
from qa.types import Sentence
from webapp import engine
from webapp.answers import replies
from webapp.answers.executors import facts
from webapp.benchmarks import judged
from webapp.benchmarks.judged import Described, Judgements, Placed
from webapp.models import Evidence, User, Video
from webapp.search.moments import Moment, find_moments
from webapp.search.queries import Wanted

# Which parts are switched off for "the part alone".
ALONE = {
    "all": frozenset[str](),
    "vision": frozenset(PARTS) - {"visual"},
    "speech": frozenset(PARTS) - {"speech"},
    "screen text": frozenset(PARTS) - {"screen"},
}
Result = Outcomes | Record
MAX_RANK = 20  # moments that are looked at
FALSE_ALARMS = 0.05  # share of queries without an answer that may be called confident


class Shelf:
    """Judgements and the videos of the library that they are about."""

    def __init__(self, data: Path, user: User) -> None:
        self.data, self.user = data, user
        self.truth: Judgements = judged.read(data)
        self.videos = {Path(v.file_name).stem: v for v in Video.objects.visible_to(user)}
        self.names = {v.pk: name for name, v in self.videos.items()}
        if not Video.objects.visible_to(user).filter(segments__isnull=False).exists():
            raise LookupError("The index is empty: there is nothing to score.")

    def scope(self, names: Sequence[str]) -> list[int]:
        """Videos to search; raises `LookupError` when some are not in the library: a partial score misleads."""
        missing = [n for n in names if n not in self.videos]
        if missing:
            raise LookupError(f"{len(missing)} of {len(names)} videos are not in the library, {missing[0]} for one.")
        return [self.videos[n].pk for n in names]


def retrieval(shelf: Shelf) -> Iterator[Result]:
    """Text → video: all parts together and each alone, per language; categories; queries without a right answer."""
    truth = shelf.truth
    scope = shelf.scope(truth.gallery)
    taken: list[float] = []
    for part, off in ALONE.items():
        for language in sorted({judged.language(d.text) for d in truth.described}):
            rows = [d for d in truth.described if judged.language(d.text) == language]
            outcomes = Outcomes(f"text → video, {part}, {language}")
            for row in rows:
                ranking = order(shelf, row, scope, off, taken if part == "all" else [])
                places = [ranking.index(r) + 1 for r in row.relevant if r in ranking]
                outcomes.add(row.query, row.relevant[0], recalls(min(places, default=len(scope) + 1)))
            yield outcomes
    if taken:
        yield {
            "bench": "search",
            "p50 ms": round(float(np.median(taken))),
            "p95 ms": round(float(np.percentile(taken, 95))),
        }
    if truth.categories:
        outcomes = Outcomes("category queries")
        for row in truth.categories:
            outcomes.add(row.query, row.query, {"mAP": average_precision(order(shelf, row, scope), row.relevant)})
        yield outcomes
    if truth.absent:
        yield nothing_to_find(shelf, scope)
        yield {"bench": "confidence of search", **rely_on_search(shelf, scope)}


def order(
    shelf: Shelf,
    row: Described,
    scope: Sequence[int],
    off: frozenset[str] = frozenset(),
    taken: list[float] | None = None,
) -> list[str]:
    """Names of the videos, best first."""
    found = find_moments(shelf.user, Wanted(row.text, off=off), len(scope), "video", scope)
    if taken is not None:
        taken.append(found.took_ms)
    return [shelf.names[m.video.pk] for m in found.moments]


def nothing_to_find(shelf: Shelf, scope: Sequence[int]) -> Record:
    """AUROC of the best moment's lead: queries with a right answer against queries without; how many of the former lead
    further than all but `FALSE_ALARMS` of the latter.
    """
    texts = {"present": [d.text for d in shelf.truth.described], "absent": shelf.truth.absent}
    found = {k: [find_moments(shelf.user, t, 3, videos=scope) for t in group] for k, group in texts.items()}
    best = {k: [f.moments[0].lead if f.moments else -9.0 for f in group] for k, group in found.items()}
    shares = {
        f"confident when {k} %": round(100 * float(np.mean([f.confident for f in g])), 1) for k, g in found.items()
    }
    edge = np.quantile(best["absent"], 1 - FALSE_ALARMS)
    kept = round(100 * float(np.mean(np.array(best["present"]) > edge)), 1)
    area = round(auroc(best["present"], best["absent"]), 1)
    return {"bench": "nothing to find", "AUROC %": area, f"kept at {FALSE_ALARMS:.0%} false alarms %": kept, **shares}


def rely_on_search(shelf: Shelf, scope: Sequence[int]) -> Record:
    """Whether the best moment is of a right video, by its confidence; of nothing that is not there it is."""
    rows = [*shelf.truth.described, *shelf.truth.categories]
    asked = [(row.text, row.relevant) for row in rows] + [(text, ()) for text in shelf.truth.absent]
    said, right = [], []
    for text, relevant in asked:
        for moment in find_moments(shelf.user, text, 1, videos=scope).moments:
            said.append(moment.confidence)
            right.append(shelf.names[moment.video.pk] in relevant)
    return measure_reliability(said, right)


def moments(shelf: Shelf) -> Iterator[Result]:
    """Moments inside a given video, short and long."""
    for name, rows in (("moments in clips", shelf.truth.placed), ("moments in long videos", shelf.truth.long)):
        if rows:
            outcomes = Outcomes(name)
            for row in rows:
                outcomes.add(row.query, row.video if name == "moments in clips" else row.query, place(shelf, row))
            yield outcomes


def slideshows(shelf: Shelf) -> Iterator[Result]:
    """Photos as shots of slideshows, asked of all slideshows: the rank of the first moment that plays the shot."""
    scope = shelf.scope(sorted({row.video for row in shelf.truth.shown})) if shelf.truth.shown else []
    for language in ("en", "zh") if scope else ():
        outcomes = Outcomes(f"photos as shots of slideshows, {language}")
        for row in (row for row in shelf.truth.shown if judged.language(row.text) == language):
            found = find_moments(shelf.user, row.text, MAX_RANK, videos=scope).moments
            outcomes.add(row.query, row.video, recalls(find_rank(shelf, found, row)))
        yield outcomes


def find_rank(shelf: Shelf, found: Sequence[Moment], row: Placed) -> int:
    """1-based; a moment plays the shot when its middle lies in it."""
    ((start, end),) = row.spans
    hits = (
        rank
        for rank, m in enumerate(found, 1)
        if shelf.names[m.video.pk] == row.video and start <= (m.start + m.end) / 2 < end
    )
    return next(hits, MAX_RANK + 1)


def place(shelf: Shelf, row: Placed) -> dict[str, float]:
    found = find_moments(shelf.user, row.text, 10, videos=shelf.scope([row.video])).moments
    return moment_scores([(m.start, m.end) for m in found], row.spans)


def qa(shelf: Shelf) -> Iterator[Result]:
    """Answers: right, citing the right time, refused."""
    talks = [row for row in shelf.truth.questions if row.get("talk")]
    clips = [row for row in shelf.truth.questions if not row.get("talk")]
    if talks:
        yield {"bench": "questions on talks", **answer_all(shelf, talks)}
        if engine.decoder() is not None:
            with facts.quotations_alone():
                yield {"bench": "questions on talks, quotations alone", **answer_all(shelf, talks)}
        if across := [row for row in talks if "crosslingual" in row["type"]]:
            yield {"bench": "questions on talks, in another language than the talk", **answer_all(shelf, across)}
        yield from ask_library(shelf, talks)
    yield {"bench": "confidence of quoted answers", **rely_on_quotations(shelf)}
    for kind in ["all", *sorted({row["type"] for row in clips})] if clips else []:
        chosen = [row for row in clips if kind in ("all", row["type"])]
        yield {"bench": f"questions on clips, {kind}", **answer_all(shelf, chosen)}


def rely_on_quotations(shelf: Shelf) -> Record:
    """Whether the likeliest passage holds the answer, by its confidence, where one does or the question has none."""
    said, right = [], []
    for row in shelf.truth.questions:
        answers = [] if row["type"] == "unanswerable" else [normal(a) for a in row["answers"]]
        video = shelf.videos[row["video"]]
        spoken = normal(" ".join(video.utterances.values_list("text", flat=True)))
        if answers and not any(a in spoken for a in answers):
            continue  # it is seen, or was misheard: nothing that could be quoted
        for why in replies.ask(shelf.user, row["q"], [video.pk]).why:
            for passage in why["passages"][:1]:
                said.append(passage["confidence"])
                right.append(any(a in normal(passage["text"]) for a in answers))
    return measure_reliability(said, right)


def ask_library(shelf: Shelf, rows: Sequence[Record]) -> Iterator[Record]:
    """The same questions without saying which video they are about: the first words, and the whole answer."""
    first, whole, found = [], [], 0
    for row in rows:
        begun = time.perf_counter()
        parts = replies.stream(shelf.user, row["q"])
        item = next(parts)
        first.append(1000 * (time.perf_counter() - begun))
        *_, reply = (item, *parts)
        assert isinstance(reply, replies.Reply)
        whole.append(reply.took_ms)
        found += row["type"] != "unanswerable" and any(
            normal(a) in normal(reply.record()["answer"]) for a in row["answers"]
        )
    yield {
        "bench": f"the same, asked of all {len(shelf.videos)} videos",
        "right": round(100 * found / sum(r["type"] != "unanswerable" for r in rows), 1),
        "first words p95 ms": round(float(np.percentile(first, 95))),
        "whole p95 ms": round(float(np.percentile(whole, 95))),
    }


def summary(shelf: Shelf) -> Iterator[Result]:
    """How many of the answers about talks are still contained in their summaries; whether every time can be played."""
    talks = [row for row in shelf.truth.questions if row.get("talk") and row["type"] != "unanswerable"]
    shelf.scope([row["video"] for row in talks])
    for kind in ("summary", "detailed"):
        told = {name: getattr(video, kind) for name, video in shelf.videos.items()}
        texts = {name: normal(" ".join(s["text"] for s in said)) for name, said in told.items()}
        spoken = {r["video"]: sum(len(u.text) for u in shelf.videos[r["video"]].utterances.all()) for r in talks}
        wrong = [
            s
            for name, said in told.items()
            for s in said
            if not 0 <= s["start"] < s["end"] <= shelf.videos[name].duration + 0.5
        ]
        kept = [any(normal(a) in texts[row["video"]] for a in row["answers"]) for row in talks]
        yield {
            "bench": f"summaries, {kind}",
            "answers contained %": round(100 * float(np.mean(kept)), 1),
            "length, of what is spoken %": round(100 * sum(len(texts[v]) for v in spoken) / sum(spoken.values())),
            "sentences": sum(map(len, told.values())),
            "times that are not valid": len(wrong),
        }


def answer_all(shelf: Shelf, rows: Sequence[Record]) -> Record:
    shelf.scope([row["video"] for row in rows])
    right = cited = timed = refused = refused_rightly = wrong = 0
    taken: list[float] = []
    held: list[bool] = []
    unanswerable = sum(row["type"] == "unanswerable" for row in rows)
    for row in rows:
        reply = replies.ask(shelf.user, row["q"], [shelf.videos[row["video"]].pk])
        answer = reply.answer
        taken.append(reply.took_ms)
        held += [holds_quotation(s) for s in answer.sentences if s.kind in ("speech", "screen", "chapter")]
        if row["type"] == "unanswerable":
            refused_rightly += answer.abstained
            continue
        refused += answer.abstained
        holds = any(normal(a) in normal(reply.record()["answer"]) for a in row["answers"])
        right, wrong = right + holds, wrong + (not holds and not answer.abstained)
        if row["span"] and not answer.abstained:
            timed += 1
            middles = [(c.start + c.end) / 2 for s in answer.sentences for c in s.citations]
            cited += any(row["span"][0] - 1 <= m <= row["span"][1] + 1 for m in middles)
    asked = len(rows) - unanswerable
    return {
        "right": round(100 * right / asked, 1),
        "wrong": round(100 * wrong / asked, 1),
        "cited time hit, of answered": round(100 * cited / timed, 1) if timed else None,
        "refused": round(100 * refused / asked, 1),
        "answerable": asked,
        "unanswerable refused": f"{refused_rightly}/{unanswerable}",
        "citations that hold what is quoted %": round(100 * float(np.mean(held)), 1) if held else None,
        "p95 ms": round(float(np.percentile(taken, 95))),
    }


def holds_quotation(sentence: Sentence) -> bool:
    """Do the cited spans contain what the sentence quotes, by the rows of the transcript and the screen?"""
    quoted = normal(sentence.text)
    for cited in sentence.citations:
        inside = Evidence.objects.filter(video=cited.video, start__lt=cited.end + 0.01, end__gt=cited.start - 0.01)
        if any(quoted in normal(text) for row in inside for text in (row.text, row.sentence)):
            return True
    return False


BENCHES: dict[str, Callable[[Shelf], Iterator[Result]]] = {
    "retrieval": retrieval,
    "moments": moments,
    "slideshows": slideshows,
    "qa": qa,
    "summary": summary,
}
