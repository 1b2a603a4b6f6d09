"""Labels that are taught by up to ten examples, against what their names alone find: `bench classify`.

Half of the recordings (or what the data calls the training part) is there to be learned from, the other half is asked
about. Of each class the examples, and as many counter-examples, are those that a search for its name shows first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.classifier import MIN_EXAMPLES, Classifier, learn
from indexer.measures import Outcomes, Record, average_precision, measure_reliability
from indexer.types import Ids, Vectors
from webapp.benchmarks.judged import Classed
from webapp.benchmarks.library import Shelf
from webapp.index import recipes
from webapp.models import Label, Segment
from webapp.pipeline.classifiers import describe, load_stretches

MAX_EXAMPLES = 10
MIN_HELD_OUT = 3  # videos of a class that are asked about


@dataclass(frozen=True)
class Rows:
    """Segments (n, d) and the place of their videos in the list of the classed ones (n,)."""

    vectors: Vectors
    videos: Ids

    def of(self, chosen: Sequence[int]) -> "Rows":
        kept = np.isin(self.videos, chosen)
        return Rows(self.vectors[kept], self.videos[kept])

    def best(self, scores: Vectors) -> dict[int, float]:
        """The best score of each video."""
        return {int(v): float(scores[self.videos == v].max()) for v in np.unique(self.videos)}


def classify(shelf: Shelf) -> Iterator[Outcomes | Record]:
    """Raises `LookupError` where no class has enough videos in the library."""
    classed = [row for row in shelf.truth.classed if row.video in shelf.videos]
    training, held_out = divide(classed)
    recipe = recipes.active()
    videos = [shelf.videos[row.video].pk for row in classed]
    kind = Label(kind=Label.Kind.ACTION)
    stretches = load_stretches(kind, recipe, Segment.objects.filter(video__in=videos))
    place = {pk: number for number, pk in enumerate(videos)}
    rows = Rows(stretches.vectors, np.array([place[video] for video, _span in stretches.places], np.int64))
    asked = rows.of(held_out)
    named, taught = Outcomes("classes by their names"), Outcomes(f"classes by up to {MAX_EXAMPLES} examples")
    said: list[float] = []
    right: list[bool] = []
    guesses: list[tuple[dict[int, float], dict[int, float]]] = []
    names = [
        name
        for name in sorted({c for row in classed for c in row.classes})
        if is_enough(name, classed, training, held_out)
    ]
    if not names:
        raise LookupError(f"No class has {MIN_EXAMPLES} videos to learn from and {MIN_HELD_OUT} others in the library.")
    for name in names:
        described = describe(Label(name=name, kind=Label.Kind.ACTION), recipe)
        ones = {number for number, row in enumerate(classed) if name in row.classes}
        learned = teach(rows.of(training), ones, described)
        scores = asked.best(asked.vectors @ described), asked.best(learned.judge(asked.vectors))
        relevant = [str(number) for number in held_out if number in ones]
        for outcomes, found in zip((named, taught), scores, strict=True):
            ranking = [str(v) for v in sorted(found, key=lambda v: -found[v])]
            outcomes.add(name, name, {"mAP": average_precision(ranking, relevant)})
        guesses.append(scores)
        said += scores[1].values()
        right += [video in ones for video in scores[1]]
    yield named
    yield taught
    if all(len(row.classes) == 1 for row in classed):
        yield tell_first(classed, names, guesses)
    sure = [(s, r) for s, r in zip(said, right, strict=True) if s >= 0.5]
    yield {
        "bench": "tags at a confidence of one half",
        "precision %": round(100 * float(np.mean([r for _s, r in sure])), 1) if sure else None,
        "recall %": round(100 * sum(r for _s, r in sure) / max(1, sum(right)), 1),
        **measure_reliability(said, right),
    }


def divide(classed: Sequence[Classed]) -> tuple[list[int], list[int]]:
    """Rows to learn from and rows to ask about, as the data has it; else every second group."""
    groups = {group: number for number, group in enumerate(sorted({row.group for row in classed}))}
    held_out = [row.held_out if row.held_out is not None else groups[row.group] % 2 == 1 for row in classed]
    return [i for i, out in enumerate(held_out) if not out], [i for i, out in enumerate(held_out) if out]


def is_enough(name: str, classed: Sequence[Classed], training: Sequence[int], held_out: Sequence[int]) -> bool:
    known, others = (sum(name in classed[i].classes for i in rows) for rows in (training, held_out))
    return known >= MIN_EXAMPLES and others >= MIN_HELD_OUT


def teach(rows: Rows, ones: set[int], described: Vectors) -> Classifier:
    """As an admin does: look for the name, say yes to the first right ones and no to as many wrong ones."""
    nearness = rows.vectors @ described
    first = [int(np.flatnonzero(rows.videos == v)[nearness[rows.videos == v].argmax()]) for v in np.unique(rows.videos)]
    first.sort(key=lambda row: -nearness[row])
    good = [row for row in first if int(rows.videos[row]) in ones][:MAX_EXAMPLES]
    bad = [row for row in first if int(rows.videos[row]) not in ones][:MAX_EXAMPLES]
    chosen = [*good, *bad]
    rest = np.setdiff1d(np.arange(len(rows.videos)), chosen)
    is_one = np.arange(len(chosen)) < len(good)
    learned, _report = learn(rows.vectors[chosen], is_one, rows.videos[chosen], rows.vectors[rest], described)
    return learned


def tell_first(
    classed: Sequence[Classed], names: Sequence[str], guesses: Sequence[tuple[dict[int, float], dict[int, float]]]
) -> Record:
    """Share of the videos whose class comes first of all classes."""
    told: dict[str, float | str | int] = {"bench": "first of all classes", "classes": len(names)}
    for way, of in (("by names %", 0), ("by examples %", 1)):
        videos = [v for v in guesses[0][of] if classed[v].classes <= set(names)]
        best = [max(range(len(names)), key=lambda k: guesses[k][of][v]) for v in videos]
        told[way] = round(
            100 * float(np.mean([names[k] in classed[v].classes for v, k in zip(videos, best, strict=True)])), 1
        )
    return told
