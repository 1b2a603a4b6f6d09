"""`manage.py doctor [--fix]`: is everything in order? Each line says what to do."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import JsonCommand
from webapp.operations import doctor


class Command(JsonCommand):
    help = "Check database, models, vectors, index, files, queue and disk. Exit code 1: broken, 2: can't even look."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--fix", action="store_true", help="repair what can be repaired without losing anything")

    def handle(self, *args: Any, **options: Any) -> None:
        worst = 0
        for found in doctor.examine():
            fixed = False
            if options["fix"] and found.fix is not None:
                found.fix()
                fixed = True
            else:
                worst = max(worst, {"error": 1, "fatal": 2}.get(found.level, 0))
            record = {"level": found.level, "what": found.what, "remedy": found.remedy, "fixed": fixed}
            text = f"{found.level:7} {found.what}" + (f" → {found.remedy}" if found.remedy else "")
            self.emit(record, text + (" [fixed]" if fixed else ""), options["json"])
        if worst:
            raise SystemExit(worst)
