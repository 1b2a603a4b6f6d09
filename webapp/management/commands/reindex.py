"""`manage.py reindex`: rebuild the index from the database, or build the one of other models beside it and switch."""

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from django.core.management.base import CommandParser

from indexer.errors import IndexerError
from indexer.measures import recalls
from webapp.catalogue import installations
from webapp.index import generations, recipes
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.models import Recipe, User
from webapp.pipeline import succession
from webapp.pipeline.worker import IDLE_SECONDS, StepWorker
from webapp.search import background
from webapp.search.comparison import average
from webapp.search.moments import find_moments


class Command(DatabaseCommand, JsonCommand):
    help = (
        "Without options: write the index anew from the database and queue what is missing; when the settings name "
        "other models (or segment lengths) than the active ones, build theirs beside them. New videos go to both."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--wait", action="store_true", help="work until nothing is missing")
        what.add_argument(
            "--compare", metavar="FILE", help='judged queries, a line each: {"text", "relevant": [files]}'
        )
        what.add_argument("--activate", action="store_true", help="let the recipe of the settings answer from now on")
        what.add_argument("--rollback", action="store_true", help="let the other recipe that is kept answer again")
        parser.add_argument("--user", help="--compare as this person (default: the first admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["compare"]:
                self.compare(Path(options["compare"]), find_user(options["user"]), options["json"])
            elif options["activate"]:
                self.switch(recipes.wanted(), options["json"])
            elif options["rollback"]:
                self.switch(self.other(), options["json"])
            else:
                self.build(options["wait"], options["json"])
        except IndexerError as error:
            raise usage(str(error)) from None

    def build(self, wait: bool, as_json: bool) -> None:
        active, recipe = recipes.active(), recipes.wanted()
        dropped = succession.build_beside(recipe)
        worker = StepWorker()
        while wait and recipes.pending(recipe).exists() and not succession.is_over(recipe):
            if worker.work_one(["reembed"]) is None:
                time.sleep(IDLE_SECONDS)
        number = generations.publish(recipe)
        background.refresh(recipe)
        record = {**self.state(recipe), "generation": number, "dropped": dropped}
        text = (
            f"{recipe}: generation {number}, {record['pending']} videos to embed"
            + ("" if recipe != active else ", active")
            + ("; then `reindex --activate`" if recipe != active else "")
        )
        self.emit(record, text, as_json)
        if wait and record["pending"]:
            raise SystemExit(1)

    def switch(self, recipe: Recipe, as_json: bool) -> None:
        pending = succession.queue_pending(recipe)
        if pending:
            raise usage(
                f"{pending} videos have no vectors of {recipe} yet; they are queued. Run `reindex --wait` first."
            )
        succession.take_over(recipe)
        installations.follow(recipe)
        self.emit(self.state(recipe), f"{recipe} answers from now on; `reindex --rollback` goes back.", as_json)

    def other(self) -> Recipe:
        recipe = recipes.beside()
        if recipe is None:
            raise usage("There is no other recipe to go back to.")
        return recipe

    def state(self, recipe: Recipe) -> dict[str, Any]:
        return {
            "recipe": recipe.fingerprint,
            "active": recipes.active() == recipe,
            "segments": recipe.segments.count(),
            "pending": recipes.pending(recipe).count(),
        }

    def compare(self, path: Path, user: User, as_json: bool) -> None:
        """Recall of both recipes on the same queries, side by side."""
        queries = read_judged(path)
        for recipe in [recipes.active(), *recipes.others()]:
            ranks, taken = [], []
            for text, relevant in queries:
                found = find_moments(user, text, 50, "video", recipe=recipe)
                order = [m.video.file_name for m in found.moments]
                ranks.append(min((order.index(f) + 1 for f in relevant if f in order), default=len(order) + 1))
                taken.append(found.took_ms)
            videos = recipe.segments.values("video").distinct().count()
            record = {**self.state(recipe), **recall(ranks, videos), "ms": round(sum(taken) / len(taken), 1)}
            numbers = "  ".join(f"{k} {v}" for k, v in record.items() if k != "recipe")
            self.emit(record, f"{recipe}\n    {numbers}", as_json)


def recall(ranks: list[int], items: int) -> dict[str, Any]:
    """R@1/5/10 in per cent and the median of 1-based ranks among `items`, with the R@1 of chance."""
    return {
        **average([recalls(rank) for rank in ranks]),
        "MdR": median(ranks),
        "queries": len(ranks),
        "chance R@1": round(100 / max(items, 1), 1),
    }


def read_judged(path: Path) -> list[tuple[str, list[str]]]:
    """One JSON object a line: {"text": …, "relevant": [file name, …]}."""
    if not path.is_file():
        raise usage(f"{path} does not exist.")
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            found.append((str(row["text"]), [str(f) for f in row["relevant"]]))
        except (ValueError, KeyError, TypeError) as error:
            raise usage(f"{path}, line {number}: expected an object with text and relevant ({error!r}).") from None
    if not found:
        raise usage(f"{path} holds no queries.")
    return found
