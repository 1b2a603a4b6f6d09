"""`manage.py restore`: an installation as it was backed up."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from webapp.management.base import JsonCommand, follow, usage
from webapp.operations import backup
from webapp.storage.store import open_store


class Command(JsonCommand):
    help = "Restore a backup into an empty installation (a new KINOSCOPE_HOME, an empty database)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("source", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--at", metavar="TIME", default="", help="of the backup, as it was printed; the newest")

    def handle(self, *args: Any, **options: Any) -> None:
        source = open_store(options["source"])
        kept = (m for m in backup.read_manifests(source) if m.made_at.startswith(options["at"]))
        manifest = next(kept, None)
        if manifest is None:
            raise usage(f"There is no such backup in {options['source']}.")
        try:
            backup.restore(source, manifest, follow(self.stderr))
        except backup.BackupFailed as failure:
            raise usage(str(failure)) from None
        call_command("migrate", verbosity=0)  # of an older version
        record = {"made_at": manifest.made_at, "files": len(manifest.files)}
        text = f"Restored the backup of {manifest.made_at}: {len(manifest.files)} files. Start the site and a worker."
        self.emit(record, text, options["json"])
