"""`manage.py backup`: copy database and files to a folder or a bucket, or check what was copied."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, follow, usage
from webapp.operations import backup
from webapp.storage.store import open_store


class Command(DatabaseCommand, JsonCommand):
    help = "Copy everything that can't be made again; what an earlier backup has is not copied twice. Nothing stops."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("target", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--verify", action="store_true", help="read the newest backup there and compare it instead")

    def handle(self, *args: Any, **options: Any) -> None:
        target = open_store(options["target"])
        if options["verify"]:
            manifest = next(backup.read_manifests(target), None)
            if manifest is None:
                raise usage(f"There is no backup in {options['target']}.")
            wrong = backup.verify(target, manifest)
            record = {"made_at": manifest.made_at, "files": len(manifest.files), "wrong": wrong}
            told = f"{len(wrong)} files are gone or damaged: {', '.join(wrong[:5])}" if wrong else "all is as it was"
            self.emit(record, f"Backup of {manifest.made_at}, {len(manifest.files)} files: {told}.", options["json"])
            if wrong:
                raise SystemExit(1)
            return
        try:
            manifest = backup.back_up(target, follow(self.stderr))
        except backup.BackupFailed as failure:
            raise usage(str(failure)) from None
        record = {"made_at": manifest.made_at, "files": len(manifest.files)}
        self.emit(
            record, f"Backup of {manifest.made_at}: the database and {len(manifest.files)} files.", options["json"]
        )
