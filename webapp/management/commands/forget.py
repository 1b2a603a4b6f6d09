"""`manage.py forget NAME`: delete a person and everything that is theirs."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.models import User
from webapp.people import audit
from webapp.uploads import removal


class Command(DatabaseCommand, JsonCommand):
    help = "Delete a person with their videos, questions, uploads and every trace in index and database files."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--noinput", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["name"])
        if user.is_superuser and not User.objects.filter(is_superuser=True).exclude(pk=user.pk).exists():
            raise usage(f"{user.username} is the only admin. Make another one first.")
        if not options["noinput"] and input(f"Type {user.username} to delete this person for good: ") != user.username:
            raise usage("Nothing was deleted.")
        audit.record(None, "forget", user)
        count = removal.forget(user)
        removal.purge()  # at once; otherwise a worker's next sweep does it
        record = {"user": options["name"], "videos": count}
        self.emit(record, f"{options['name']} and {count} videos are gone.", options["json"])
