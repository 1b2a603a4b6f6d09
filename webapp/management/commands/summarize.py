"""`manage.py summarize ID`: the summary, each sentence with its time."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.commands import JsonCommand, find_video


class Command(JsonCommand):
    help = "Summary and chapters of a video."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("video")

    def handle(self, *args: Any, **options: Any) -> None:
        video = find_video(options["video"])
        chapters = [{"start": c.start, "end": c.end, "title": c.title} for c in video.chapters.all()]
        record = {
            "video": video.pk,
            "file": video.file_name,
            "summary": video.summary,
            "chapters": chapters,
            "tags": video.tags,
            "language": video.language,
        }
        lines = [f"{s['start']:.1f} s  {s['text']}" for s in video.summary]
        self.emit(record, "\n".join(lines or ["There is no summary yet."]), options["json"])
