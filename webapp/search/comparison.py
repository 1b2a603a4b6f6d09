"""Two recipes side by side, before one is switched to: on what people judged, and on the library's own titles.

A title that a person gave says what its video shows: does the search find the video by it, when the title itself does
not count? That is known-item search (Beitzel et al. 2003, https://doi.org/10.1145/860435.860512), with queries that
need no judge.
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

from django.contrib.auth.models import AnonymousUser

from indexer.errors import translatable
from indexer.measures import Record, recalls
from webapp.index import recipes
from webapp.models import Judgement, Measurement, Recipe, User, Video, title_from
from webapp.search.feedback import meets
from webapp.search.moments import find_moments
from webapp.search.queries import Wanted

PREFIX = "compared: "  # before the name of a set, where numbers are kept
DEPTH = 10  # results that count
MAX_TITLES = 100
MIN_WORDS = 2  # of a title that says anything
JUDGED = translatable("judged by people")
TITLES = translatable("own titles")
PICTURES = translatable("own titles, by pictures alone")
GOOD, BAD = translatable("right ones among the first ten, %"), translatable("wrong ones among the first ten, %")
OFF = {TITLES: frozenset({"title"}), PICTURES: frozenset({"title", "speech", "screen"})}


def sweep() -> None:
    """Compare as soon as every video has the vectors of a recipe beside the active one."""
    beside = recipes.beside()
    if beside is None or recipes.pending(beside).exists() or not beside.segments.exists():
        return
    measured = Measurement.objects.filter(bench__startswith=PREFIX)
    if measured.filter(recipe=beside).exists():
        return
    measured.delete()  # of pairs that are no longer asked about
    for recipe in (recipes.active(), beside):
        for record in compare(recipe):
            numbers = {name: value for name, value in record.items() if name != "bench"}
            Measurement.objects.create(bench=PREFIX + record["bench"], numbers=numbers, recipe=recipe)


def compare(recipe: Recipe) -> Iterator[Record]:
    """One row for each set of queries; those without any are told, too."""
    yield {"bench": JUDGED, **ask_judged(recipe)}
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    titled = list_titled()
    for bench, off in OFF.items():
        scored = []
        for title, video in titled:
            wanted = Wanted(title, off=off, literal=True)
            found = find_moments(admin or AnonymousUser(), wanted, DEPTH, "video", recipe=recipe)
            order = [moment.video.pk for moment in found.moments]
            scored.append(recalls(order.index(video) + 1 if video in order else DEPTH + 1))
        yield {"bench": bench, "queries": len(scored), **average(scored)}


def list_titled() -> list[tuple[str, int]]:
    """Titles that are not the file's name, each of one video only, newest first."""
    rows = Video.objects.filter(status=Video.Status.READY).order_by("-pk").values_list("title", "pk", "file_name")
    by_title: dict[str, list[int]] = defaultdict(list)
    for title, pk, file_name in rows:
        if title != title_from(file_name) and len(title.split()) >= MIN_WORDS:
            by_title[title].append(pk)
    return [(title, pks[0]) for title, pks in by_title.items() if len(pks) == 1][:MAX_TITLES]


def ask_judged(recipe: Recipe) -> Record:
    """Of the moments that people called right, and wrong, how many come among the first."""
    judged: dict[tuple[int, str], list[Judgement]] = defaultdict(list)
    for row in Judgement.objects.select_related("judge"):
        judged[row.judge_id, row.query].append(row)
    found: dict[bool, list[bool]] = {True: [], False: []}
    for (_judge, query), rows in judged.items():
        moments = find_moments(rows[0].judge, query, DEPTH, recipe=recipe).moments
        for row in rows:
            found[row.good].append(any(meets(moment, row) for moment in moments))
    return {"queries": len(judged), GOOD: share(found[True]), BAD: share(found[False])}


def average(scored: list[dict[str, float]]) -> dict[str, float]:
    """R@1/5/10 in per cent; nothing without queries."""
    names = ("R@1", "R@5", "R@10")
    return {name: round(fmean(row[name] for row in scored), 1) for name in names} if scored else {}


def share(hits: list[bool]) -> float | None:
    return round(100 * fmean(hits), 1) if hits else None
