"""`manage.py bench NAME… --data DIR` prints the numbers of README."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from webapp import benchmarks, file_benchmarks
from webapp.commands import JsonCommand, find_user, usage


class Command(JsonCommand):
    help = "Measure on judged data. The first four read the library; the others read files of DIR only."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", nargs="+", choices=[*benchmarks.BENCHES, *file_benchmarks.BENCHES])
        parser.add_argument("--data", required=True, help="a folder with benchmark.json and the groups' manifests")
        parser.add_argument("--user", help="search as this person (default: the first admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        data = Path(options["data"])
        judged = benchmarks.Judged(data, find_user(options["user"]))
        for what in options["what"]:
            try:
                if what in benchmarks.BENCHES:
                    rows = benchmarks.BENCHES[what](judged)
                else:
                    rows = file_benchmarks.BENCHES[what](data)
                for row in rows:
                    numbers = "  ".join(f"{k} {v}" for k, v in row.items() if k != "bench")
                    self.emit(row, f"{row['bench']}: {numbers}", options["json"])
            except (LookupError, OSError) as error:
                raise usage(f"bench {what}: {error} Ingest {data} first, or check --data.") from None
