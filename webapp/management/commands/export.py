"""`manage.py export NAME FILE`: a person's data as a ZIP."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexer.files import write_whole
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.media import export
from webapp.people import audit


class Command(DatabaseCommand, JsonCommand):
    help = "Write everything that is kept of a person (originals, transcripts, questions, answers) into a new ZIP file."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        user, target = find_user(options["name"]), options["file"].absolute()
        if target.exists() or not target.parent.is_dir():
            raise usage(f"{target} exists already, or its folder does not.")
        made = export.archive(user)

        def write(path: Path) -> None:
            with path.open("wb") as file:
                file.writelines(made)

        write_whole(target, write)
        target.chmod(0o600)
        audit.record(None, "export", user)
        record = {"user": user.username, "file": str(target), "bytes": target.stat().st_size}
        self.emit(record, f"{record['bytes']} bytes in {target}", options["json"])
