"""`manage.py similar ID`: neighbours of a video, near-duplicates marked."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, find_user, find_video
from webapp.search import recommendations


class Command(DatabaseCommand, JsonCommand):
    help = "Videos like this one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("video")
        parser.add_argument("--limit", type=int, default=8)
        parser.add_argument("--user")

    def handle(self, *args: Any, **options: Any) -> None:
        video = find_video(options["video"])
        for near in recommendations.similar(find_user(options["user"]), video, options["limit"]):
            record = {
                "video": near.video.pk,
                "file": near.video.file_name,
                "start": round(near.start, 2),
                "score": round(near.score, 4),
                "near_duplicate": near.near_duplicate,
            }
            mark = "  (near-duplicate)" if near.near_duplicate else ""
            self.emit(record, f"{near.video.file_name}  {near.score:.2f}{mark}", options["json"])
