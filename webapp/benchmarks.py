"""Measuring this installation on judged data: `manage.py bench`. Read-only; the library must hold the videos already.

Reads `benchmark.json` and the groups' `manifest.json` of a data folder (clips, talks, photos, speech, slideshows) and
matches videos by file name. Metrics: recall at k and median rank as in the text-to-video literature, average precision,
R1@IoU as in QVHighlights (https://arxiv.org/abs/2107.09609), word error rate.
"""

import json
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer import retriever
from webapp import answering, searching
from webapp.models import User, Video

Record = dict[str, Any]


def recall(ranks: Sequence[int], items: int) -> Record:
    """R@1/5/10 in per cent and the median of 1-based ranks among `items`, with the R@1 of chance."""
    found: Record = {f"R@{k}": round(100 * sum(r <= k for r in ranks) / len(ranks), 1) for k in (1, 5, 10)}
    return {**found, "MdR": statistics.median(ranks), "queries": len(ranks), "chance R@1": round(100 / items, 1)}


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two spans."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0])) if shared else 0.0


def edit_distance(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance over words (or characters)."""
    row = list(range(len(heard) + 1))
    for i, expected in enumerate(reference, 1):
        before, row[0] = row[0], i
        for j, word in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (expected != word))
    return row[-1]


def normal(text: str) -> str:
    """Lower case, no punctuation, no articles: how answers are compared."""
    words = re.sub(r"[^\w\s]", " ", text.lower().replace("’", "'")).split()
    return f" {' '.join(w for w in words if w not in ('a', 'an', 'the'))} "


class Judged:
    """A data folder and the videos of the library that it knows."""

    def __init__(self, data: Path, user: User) -> None:
        self.data, self.user = data, user
        self.videos = {Path(v.file_name).stem: v for v in Video.objects.visible_to(user)}
        self.names = {v.pk: name for name, v in self.videos.items()}

    def read(self, name: str) -> Any:
        return json.loads((self.data / name).read_text())

    def scope(self, names: Sequence[str]) -> list[int]:
        """Videos to search; raises `LookupError` when some are not in the library: a partial score misleads."""
        missing = [n for n in names if n not in self.videos]
        if missing:
            raise LookupError(f"{len(missing)} of {len(names)} videos are not in the library, {missing[0]} for one.")
        return [self.videos[n].pk for n in names]


def retrieval(judged: Judged) -> Iterator[Record]:
    """Text → video with both channels together and each alone, and category queries."""
    truth = judged.read("benchmark.json")
    scope = judged.scope(truth["gallery"])
    parts: dict[str, dict[str, float]] = {"together": {}, "vision alone": {"text": 0.0}, "words alone": {"visual": 0.0}}
    usual, lexical = dict(retriever.PREFERENCE), retriever.LEXICAL
    for part, changed in parts.items():
        retriever.PREFERENCE.update(usual | changed)
        retriever.LEXICAL = lexical if changed.get("text", 1.0) else 0.0
        try:
            yield {"bench": f"text → video, {part}", **rank_videos(judged, truth["text_to_video"], scope)}
        finally:
            retriever.PREFERENCE.update(usual)
            retriever.LEXICAL = lexical
    precision = [average_precision(judged, row, scope) for row in truth["category_queries"]]
    yield {"bench": "category queries", "mAP": round(100 * float(np.mean(precision)), 1), "queries": len(precision)}
    yield {"bench": "nothing to find", **separate(judged, truth, scope)}


def rank_videos(judged: Judged, queries: list[Record], scope: list[int]) -> Record:
    ranks, taken = [], []
    for row in queries:
        found = searching.find(judged.user, row["text"], len(scope), "video", scope)
        order = [judged.names[m.video.pk] for m in found.moments]
        ranks.append(min((order.index(r) + 1 for r in row["relevant"] if r in order), default=len(scope) + 1))
        taken.append(found.took_ms)
    return {**recall(ranks, len(scope)), "p95 ms": round(float(np.percentile(taken, 95)))}


def average_precision(judged: Judged, row: Record, scope: list[int]) -> float:
    hits, total = 0, 0.0
    found = searching.find(judged.user, row["query"], len(scope), "video", scope)
    for place, moment in enumerate(found.moments, 1):
        if judged.names[moment.video.pk] in row["relevant"]:
            hits += 1
            total += hits / place
    return total / len(row["relevant"])


def separate(judged: Judged, truth: Record, scope: list[int]) -> Record:
    """AUROC of the best score: queries with a right answer against queries without."""
    present = [searching.find(judged.user, row["text"], 3, videos=scope) for row in truth["text_to_video"]]
    absent = [searching.find(judged.user, text, 3, videos=scope) for text in truth["no_answer_queries"]]
    wins = [p.moments[0].score > a.moments[0].score for p in present for a in absent]
    shares = {
        f"confident when {name}": round(100 * float(np.mean([f.confident for f in group])), 1)
        for name, group in (("present", present), ("absent", absent))
    }
    return {"AUROC": round(float(np.mean(wins)), 3), **shares}


def moments(judged: Judged) -> Iterator[Record]:
    """Moments inside a given video: R1 at IoU, and whether the middle of the best moment is inside the right span."""
    rows = judged.read("benchmark.json")["moments"]
    judged.scope([row["video"] for row in rows])
    best = []
    for row in rows:
        found = searching.find(judged.user, row["text"], 1, videos=[judged.videos[row["video"]].pk]).moments
        best.append((found[0].start, found[0].end) if found else (0.0, 0.0))
    truth = [(row["start"], row["end"]) for row in rows]
    pairs = list(zip(best, truth, strict=True))
    record = {
        f"R1@{t}": round(100 * float(np.mean([overlap(b, t_) >= t for b, t_ in pairs])), 1) for t in (0.3, 0.5, 0.7)
    }
    inside = [t_[0] <= (b[0] + b[1]) / 2 <= t_[1] for b, t_ in pairs]
    yield {"bench": "moments", **record, "point hit": round(100 * float(np.mean(inside)), 1), "queries": len(rows)}


def questions(judged: Judged) -> Iterator[Record]:
    """Answers on `talks` and on the clips: right, citing the right time, refused."""
    talks = [
        {**row, "video": item["id"], "type": row["type"] if row["type"] == "unanswerable" else "answerable"}
        for item in judged.read("talks/manifest.json")["items"]
        for row in item["qa"]
    ]
    yield {"bench": "questions on talks", **answer_all(judged, talks)}
    clips = judged.read("benchmark.json")["video_qa"]
    for kind in ["all", *sorted({row["type"] for row in clips})]:
        chosen = [row for row in clips if kind in ("all", row["type"])]
        yield {"bench": f"questions on clips, {kind}", **answer_all(judged, chosen)}


def answer_all(judged: Judged, rows: list[Record]) -> Record:
    judged.scope([row["video"] for row in rows])
    right = cited = timed = refused = refused_rightly = 0
    unanswerable = sum(row["type"] == "unanswerable" for row in rows)
    for row in rows:
        answer = answering.ask(judged.user, row["q"], [judged.videos[row["video"]].pk]).answer
        if row["type"] == "unanswerable":
            refused_rightly += answer.abstained
            continue
        refused += answer.abstained
        right += any(normal(a) in normal(answer.text) for a in row["answers"])
        if row["span"]:
            timed += 1
            middles = [(c.start + c.end) / 2 for s in answer.sentences for c in s.citations]
            cited += any(row["span"][0] - 1 <= m <= row["span"][1] + 1 for m in middles)
    asked = len(rows) - unanswerable
    return {
        "right": round(100 * right / asked, 1),
        "cited time hit": round(100 * cited / timed, 1) if timed else None,
        "refused": round(100 * refused / asked, 1),
        "answerable": asked,
        "unanswerable refused": f"{refused_rightly}/{unanswerable}",
    }


BENCHES: dict[str, Callable[[Judged], Iterator[Record]]] = {
    "retrieval": retrieval,
    "moments": moments,
    "questions": questions,
}
