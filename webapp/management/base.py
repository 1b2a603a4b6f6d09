"""What all commands share: `--json` (one object a line on stdout), exit codes 0, 1 and 2, finding rows by name."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from webapp.models import User, Video
from webapp.parsing import parse_key, parse_number
from webapp.people import first_run


class DatabaseCommand(BaseCommand):
    """A command that finds its tables: a new home is made ready first, an old one is named with the remedy."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        prepare_database(self.stderr)
        return super().execute(*args, **options)


def prepare_database(out: OutputWrapper) -> None:
    """Migrate a home that is new and make its first admin, as `serve` does."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    if any(app == "webapp" for app, _name in executor.loader.applied_migrations):
        raise usage(
            f"The database of {settings.KINOSCOPE_HOME} was made by an earlier version. Back it up, then run "
            "`manage.py migrate` (`manage.py serve` does it by itself)."
        )
    call_command("migrate", verbosity=0)
    greet_first_admin(out, "http://127.0.0.1:8000")


def greet_first_admin(out: OutputWrapper, origin: str) -> None:
    """On the first run: an admin with a password that is printed once, and a link to choose one's own."""
    if password := first_run.make_admin():
        out.write(f"First run: sign in as admin with the password {password} (shown only this once),")
        out.write(f"or choose your own name and password: {origin}{first_run.link()}")


class JsonCommand(BaseCommand):
    """0 = did it, 1 = some failed, 2 = usage or configuration (what `CommandError` gives here)."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output")

    def emit(self, record: dict[str, Any], text: str, as_json: bool) -> None:
        """Print `record` as JSON, or `text` for a person."""
        self.stdout.write(json.dumps(record, ensure_ascii=False) if as_json else text)
        self.stdout.flush()


def follow(out: OutputWrapper) -> Callable[[int, int, int], None]:
    """Tells of files that are copied, once a second."""
    told = time.monotonic()

    def report(done: int, count: int, copied: int) -> None:
        nonlocal told
        if time.monotonic() - told > 1:
            told = time.monotonic()
            out.write(f"{done} of {count} files, {copied >> 20} MB copied")

    return report


def usage(message: str) -> CommandError:
    return CommandError(message, returncode=2)


def find_user(name: str | None) -> User:
    """The named person; without a name the first admin, because whoever may run commands may see everything."""
    user = User.objects.filter(username=name) if name else User.objects.filter(is_superuser=True).order_by("pk")
    found = user.first()
    if found is None:
        raise usage(f"There is no user “{name}”." if name else "There is no admin yet: run `manage.py serve` once.")
    return found


def find_video(name: str) -> Video:
    """By number or by key (the one in the address of its page)."""
    if (number := parse_number(name)) is not None:
        video = Video.objects.filter(pk=number).first()
    elif (key := parse_key(name)) is not None:
        video = Video.objects.filter(key=key).first()
    else:
        raise usage(f"“{name}” is neither a video's number nor its key.")
    if video is None:
        raise usage(f"There is no video {name}.")
    return video


def read_batch(path: str) -> Iterator[dict[str, Any]]:
    """One JSON object a line: {"id": …, "text": …, "video": …?}."""
    if not Path(path).is_file():
        raise usage(f"{path} does not exist.")
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield {"id": row["id"], "text": str(row["text"]), "video": row.get("video")}
        except (ValueError, KeyError, TypeError) as error:
            raise usage(f"{path}, line {number}: expected an object with id and text ({error}).") from None
