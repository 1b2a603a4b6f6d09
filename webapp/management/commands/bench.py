"""`manage.py bench NAME… --data DIR` prints the numbers of README."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from indexer.measures import Outcomes, Record
from webapp.benchmarks import (
    captions,
    cases,
    changes,
    classes,
    engines,
    fusion,
    gpu,
    heat,
    ingest,
    installed,
    judged,
    judgements,
    ledger,
    library,
    models,
    questions,
    recommendations,
    scale,
    towers,
)
from webapp.index import recipes
from webapp.management.base import JsonCommand, find_user, prepare_database, usage
from webapp.models import Measurement

OF_A_LIBRARY = {
    **library.BENCHES,
    "questions": questions.questions,
    "classify": classes.classify,
    "fusion": fusion.fusion,
    "recommend": recommendations.recommend,
}
OF_FILES = {**models.BENCHES, "captions": captions.captions, "pointing": heat.pointing, "ingest": ingest.ingest}
ALONE = {
    "gpu": gpu.gpu,
    "judgements": judgements.judgements,
    "models": installed.models,
    "ledger": ledger.run,
    "scale": scale.scale,
    "towers": towers.towers,
}  # need no data
OF_MOMENTS = ("simulate", "engines")  # as many as --moments says


class Command(JsonCommand):
    help = (
        "Measure on judged data. What needs a library ingests the videos of DIR into a home folder of its own first, "
        "once; --here measures the library of this installation instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", nargs="+", choices=[*OF_A_LIBRARY, *OF_FILES, *ALONE, *OF_MOMENTS, "cases"])
        parser.add_argument(
            "--data", help="judged data: as Kinoscope, MSR-VTT, QVHighlights, Kinetics or UCF101 have it"
        )
        parser.add_argument("--here", action="store_true", help="the library of this installation, as it is")
        parser.add_argument("--user", help="search as this person (default: the first admin)")
        parser.add_argument("--set", action="append", default=[], metavar="MODULE.NAME=VALUE", help="change a constant")
        parser.add_argument(
            "--moments", type=lambda text: int(float(text)), default=1_000_000, help="for simulate and engines"
        )
        parser.add_argument("--hours-per-day", type=float, default=24, metavar="H", help="for simulate")
        parser.add_argument("--keep", action="store_true", help="write the numbers down for the quality page")
        parser.add_argument("--save", type=Path, metavar="FILE", help="write what every single query scored")
        parser.add_argument(
            "--against", type=Path, metavar="FILE", help="compare with what --save wrote, query by query"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data = Path(options["data"]).resolve() if options["data"] else None
        if options["here"] or set(options["what"]) & {"judgements", "ledger", "models", "gpu", "cases", *OF_MOMENTS}:
            prepare_database(self.stderr)
        if not options["here"] and data is not None and set(options["what"]) & {*OF_A_LIBRARY, "steps"}:
            raise SystemExit(self.run_in_scratch(data))
        kept: list[Outcomes] = []
        before = {r["name"]: Outcomes(**r) for r in read_saved(options["against"])} if options["against"] else {}
        try:
            self.run_all(options, data, before, kept)
        except LookupError as error:
            raise usage(str(error)) from None
        if options["save"]:
            options["save"].write_text(json.dumps([asdict(outcomes) for outcomes in kept]))

    def run_all(
        self, options: dict[str, Any], data: Path | None, before: dict[str, Outcomes], kept: list[Outcomes]
    ) -> None:
        with changes.applied(options["set"]):
            for what in options["what"]:
                for result in self.measure(what, data, options):
                    if isinstance(result, Outcomes):
                        kept.append(result)
                    for record in rows_of(result, before):
                        numbers = "  ".join(f"{k} {v}" for k, v in record.items() if k != "bench")
                        if options["keep"]:
                            keep(record)
                        self.emit(record, f"{record['bench']}: {numbers}", options["json"])

    def measure(self, what: str, data: Path | None, options: dict[str, Any]) -> Iterator[Outcomes | Record]:
        user = options["user"]
        if what == "simulate":
            try:
                from webapp.benchmarks import simulate
            except ImportError as error:
                raise usage(f"bench simulate needs {error.name}: uv sync --frozen --inexact --extra bench") from None
            yield from simulate.simulate(options["moments"], options["hours_per_day"])
            return
        if what == "engines":
            yield from engines.engines(options["moments"])
            return
        if what in ALONE:
            yield from ALONE[what]()
            return
        if data is None:
            raise usage(f"bench {what} needs --data DIR.")
        try:
            if what == "cases":
                yield from cases.cases(data, find_user(user))
            elif what in OF_A_LIBRARY:
                yield from OF_A_LIBRARY[what](library.Shelf(data, find_user(user)))
            else:
                yield from OF_FILES[what](data)
        except (LookupError, OSError) as error:
            raise usage(f"bench {what}: {error} Check --data, or ingest its videos where --here is measured.") from None

    def run_in_scratch(self, data: Path) -> int:
        """Ingest the videos of `data` into a home folder of their own, and measure there, in child processes."""
        digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
        home = settings.KINOSCOPE_HOME / "benchmarks" / digest
        home.mkdir(parents=True, exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        environment = {**kept, "KINOSCOPE_HOME": str(home)}
        name = "DJANGO_SUPERUSER_PASSWORD"
        arguments = [
            ["migrate", "-v0"],
            ["createsuperuser", "--noinput", "--username", "bench", "--email", "bench@localhost.localdomain"],
            ["ingest", "--wait", "--json", *map(str, judged.media(data))],
        ]
        for command in arguments:
            done = subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=settings.BASE_DIR,
                env={**environment, name: os.urandom(20).hex()},
                stdout=subprocess.DEVNULL,
                stderr=None if command[0] == "ingest" else subprocess.DEVNULL,
                check=False,
            )
            if command[0] == "migrate" and done.returncode:
                raise usage(f"{home} could not be prepared.")
        return subprocess.run(
            [sys.executable, *sys.argv, "--here"], cwd=settings.BASE_DIR, env=environment, check=False
        ).returncode


def keep(record: Record) -> None:
    numbers = {name: value for name, value in record.items() if name != "bench"}
    Measurement.objects.create(bench=record["bench"][:100], numbers=numbers, recipe=recipes.active())


def rows_of(result: Outcomes | Record, before: dict[str, Outcomes]) -> list[Record]:
    if not isinstance(result, Outcomes):
        return [result]
    compared = [result.compare(before[result.name])] if result.name in before else []
    return [result.summarize(), *compared]


def read_saved(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise usage(f"{path} is not what --save wrote: {error}") from None
    return rows
