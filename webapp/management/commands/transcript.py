"""`manage.py transcript ID --format vtt|srt|json|txt`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from webapp.commands import find_video
from webapp.transcripts import FORMATS


class Command(BaseCommand):
    help = "Print the transcript of a video."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("video")
        parser.add_argument("--format", choices=sorted(FORMATS), default="txt")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(FORMATS[options["format"]](find_video(options["video"])))
