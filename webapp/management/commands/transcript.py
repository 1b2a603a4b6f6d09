"""`manage.py transcript ID --format vtt|srt|json|txt|md`."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, find_user, find_video
from webapp.media import documents


class Command(DatabaseCommand):
    help = "Print the transcript of a video, or its chapters, its summary or what you asked it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("video")
        parser.add_argument("--format", choices=sorted(documents.FORMATS), default="txt")
        parser.add_argument("--of", choices=sorted(documents.KINDS), default="transcript", help="what to print")
        parser.add_argument("--user", help="whose questions (default: the first admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        asker = find_user(options["user"]) if options["of"] == "answers" else None
        self.stdout.write(documents.write(options["of"], options["format"], find_video(options["video"]), asker))
