"""`manage.py summarize ID`: the summary, each sentence with its time."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, find_video
from webapp.pipeline import tags


class Command(DatabaseCommand, JsonCommand):
    help = "Summary and chapters of a video."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("video")
        parser.add_argument("--detailed", action="store_true", help="chapter by chapter")

    def handle(self, *args: Any, **options: Any) -> None:
        video = find_video(options["video"])
        chapters = [{"start": c.start, "end": c.end, "title": c.title} for c in video.chapters.all()]
        record = {
            "video": video.pk,
            "file": video.file_name,
            "summary": video.summary,
            "detailed": video.detailed,
            "chapters": chapters,
            "tags": video.tags,
            "timeline": tags.records(video),
            "sound": video.sound,
            "language": video.language,
        }
        sentences = video.detailed if options["detailed"] else video.summary
        lines = [f"{s['start']:.1f} s  {s['text']}" for s in sentences]
        self.emit(record, "\n".join(lines or ["There is no summary yet."]), options["json"])
