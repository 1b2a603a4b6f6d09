"""Metrics, and how sure one may be of them: every number comes with a bootstrap interval over videos.

Queries of one video are not independent, so whole videos are drawn (Efron & Tibshirani 1993, ch. 8). Two settings are
compared on the same draws (paired bootstrap, Koehn 2004, https://aclanthology.org/W04-3250).
"""

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Record = dict[str, Any]

DRAWS = 1000
IOUS = tuple(0.5 + 0.05 * i for i in range(10))  # thresholds of the moment mAP, as in QVHighlights


@dataclass
class Outcomes:
    """What single queries scored: `values[metric]` (n,), with the video that each query belongs to."""

    name: str
    clusters: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, query: str, cluster: str, values: Mapping[str, float]) -> None:
        self.queries.append(query)
        self.clusters.append(cluster)
        for metric, value in values.items():
            self.values.setdefault(metric, []).append(float(value))

    def summarize(self) -> Record:
        """Means (medians of ranks) with their 95 % intervals."""
        record: Record = {"bench": self.name}
        draws = draw(self.clusters)
        for metric, values in self.values.items():
            average = _average(metric)
            array = np.asarray(values)
            low, high = np.percentile([average(array[rows]) for rows in draws], [2.5, 97.5])
            record[metric] = round(average(array), 1)
            record[f"{metric} ±"] = [round(float(low), 1), round(float(high), 1)]
        return {**record, "queries": len(self.queries)}

    def compare(self, before: "Outcomes") -> Record:
        """Difference to `before` on the queries that both have: mean, 95 % interval, share of draws that are worse."""
        place = {query: i for i, query in enumerate(before.queries)}
        rows = [i for i, query in enumerate(self.queries) if query in place]
        record: Record = {"bench": f"{self.name}, change", "queries": len(rows)}
        draws = draw([self.clusters[i] for i in rows])
        for metric in set(self.values) & set(before.values):
            now = np.asarray(self.values[metric])[rows]
            then = np.asarray(before.values[metric])[[place[self.queries[i]] for i in rows]]
            differences = [float((now[d] - then[d]).mean()) for d in draws]
            low, high = np.percentile(differences, [2.5, 97.5])
            record[metric] = round(float((now - then).mean()), 1)
            record[f"{metric} ±"] = [round(float(low), 1), round(float(high), 1)]
            record[f"{metric} worse in %"] = round(100 * float(np.mean(np.asarray(differences) < 0)), 1)
        return record


def _average(metric: str) -> Callable[[npt.NDArray[np.float64]], float]:
    if metric == "MdR":
        return lambda values: float(np.median(values))
    return lambda values: float(values.mean())


def draw(clusters: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """Rows of `DRAWS` samples of whole clusters, with replacement; the same on every run."""
    names, of = np.unique(np.asarray(clusters), return_inverse=True)
    rows = [np.flatnonzero(of == i) for i in range(len(names))]
    dice = np.random.default_rng(1)
    return [np.concatenate([rows[i] for i in dice.integers(0, len(names), len(names))]) for _ in range(DRAWS)]


def recalls(rank: int) -> dict[str, float]:
    """R@1/5/10 in per cent and the rank (1-based) itself, of which the median is reported."""
    return {**{f"R@{k}": 100.0 * (rank <= k) for k in (1, 5, 10)}, "MdR": rank}


def average_precision(ranking: Sequence[str], relevant: Sequence[str]) -> float:
    """Of one query, in per cent; as trec_eval has it (https://ir-measur.es)."""
    import ir_measures

    judged = [ir_measures.Qrel("query", name, 1) for name in relevant]
    run = [ir_measures.ScoredDoc("query", name, -place) for place, name in enumerate(ranking)]
    return 100 * float(ir_measures.calc_aggregate([ir_measures.AP], judged, run)[ir_measures.AP])


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two spans."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0])) if shared else 0.0


def moment_scores(found: Sequence[Sequence[float]], truth: Sequence[Sequence[float]]) -> dict[str, float]:
    """R1 at IoU 0.3/0.5/0.7, whether the middle of the best moment lies in a right span, and mAP (QVHighlights,
    https://arxiv.org/abs/2107.09609); `found` best first, at most ten count.
    """
    best = found[0] if found else (0.0, 0.0)
    middle = (best[0] + best[1]) / 2
    scores = {f"R1@{t}": 100.0 * (max(iou(best, g) for g in truth) >= t) for t in (0.3, 0.5, 0.7)}
    scores["point hit"] = 100.0 * any(g[0] <= middle <= g[1] for g in truth)
    return {**scores, "mAP": 100 * statistics.fmean(span_precision(found[:10], truth, t) for t in IOUS)}


def span_precision(found: Sequence[Sequence[float]], truth: Sequence[Sequence[float]], least: float) -> float:
    """Interpolated average precision of spans at one IoU; each true span can be found once."""
    taken: set[int] = set()
    precision, recall = [], []
    for place, span in enumerate(found, 1):
        overlaps = [(iou(span, g), i) for i, g in enumerate(truth) if i not in taken]
        if overlaps and max(overlaps)[0] >= least:
            taken.add(max(overlaps)[1])
        precision.append(len(taken) / place)
        recall.append(len(taken) / len(truth))
    total, reached = 0.0, 0.0
    for i, value in enumerate(recall):
        if value > reached:
            total += (value - reached) * max(precision[i:])
            reached = value
    return total


def auroc(present: Sequence[float], absent: Sequence[float]) -> float:
    """Chance in per cent that a query with a right answer scores above one without."""
    a, b = np.asarray(present)[:, None], np.asarray(absent)[None]
    return 100 * float(((a > b) + 0.5 * (a == b)).mean())


def measure_reliability(said: Sequence[float], right: Sequence[bool], bins: int = 5) -> Record:
    """How often what was said with about the same confidence was right, in bins of equal size, and the expected
    calibration error: the mean gap between the two (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
    """
    claimed, was = np.asarray(said, float), np.asarray(right, float)
    parts = [p for p in np.array_split(np.argsort(claimed, kind="stable"), bins) if len(p)]
    curve = [[round(float(claimed[p].mean()), 2), round(float(was[p].mean()), 2)] for p in parts]
    gap = sum(len(p) * abs(float(claimed[p].mean() - was[p].mean())) for p in parts) / max(len(claimed), 1)
    return {"said and right": curve, "calibration error %": round(100 * gap, 1), "judged": len(claimed)}


def count_word_errors(reference: str, heard: str, by_character: bool = False) -> tuple[int, int]:
    """Errors (substitutions, deletions, insertions) and words of the reference, or characters (jiwer)."""
    import jiwer

    found = jiwer.process_characters(reference, heard) if by_character else jiwer.process_words(reference, heard)
    errors = found.substitutions + found.deletions + found.insertions
    return errors, found.hits + found.substitutions + found.deletions


def normal(text: str) -> str:
    """Lower case, no punctuation, no articles: how answers are compared."""
    words = re.sub(r"[^\w\s]", " ", text.lower().replace("’", "'")).split()
    return f" {' '.join(w for w in words if w not in ('a', 'an', 'the'))} "
