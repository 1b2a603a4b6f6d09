"""`manage.py bench NAME… --data DIR` prints the numbers of README."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from webapp import benchmarks, file_benchmarks, ledger_benchmark
from webapp.commands import JsonCommand, find_user, usage


class Command(JsonCommand):
    help = "Measure on judged data: the library, or files of DIR only. `ledger` needs none and a database of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", nargs="+", choices=[*benchmarks.BENCHES, *file_benchmarks.BENCHES, "ledger"])
        parser.add_argument("--data", help="a folder with benchmark.json and the groups' manifests")
        parser.add_argument("--user", help="search as this person (default: the first admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        for what in options["what"]:
            try:
                for row in self.measure(what, options["data"], options["user"]):
                    numbers = "  ".join(f"{k} {v}" for k, v in row.items() if k != "bench")
                    self.emit(row, f"{row['bench']}: {numbers}", options["json"])
            except (LookupError, OSError) as error:
                raise usage(f"bench {what}: {error} Ingest {options['data']} first, or check --data.") from None

    def measure(self, what: str, data: str | None, user: str | None) -> Iterator[benchmarks.Record]:
        if what == "ledger":
            return ledger_benchmark.run()
        if data is None:
            raise usage(f"bench {what} needs --data DIR.")
        if what in benchmarks.BENCHES:
            return benchmarks.BENCHES[what](benchmarks.Judged(Path(data), find_user(user)))
        return file_benchmarks.BENCHES[what](Path(data))
