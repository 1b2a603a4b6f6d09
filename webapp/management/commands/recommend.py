"""`manage.py recommend --user NAME`: what this person may like next, and why."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, find_user
from webapp.search import recommendations


class Command(DatabaseCommand, JsonCommand):
    help = "Recommendations for a person."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", required=True)
        parser.add_argument("--limit", type=int, default=8)

    def handle(self, *args: Any, **options: Any) -> None:
        for item in recommendations.recommend(find_user(options["user"]), options["limit"]):
            because = item.because.file_name if item.because else None
            record = {
                "video": item.video.pk,
                "file": item.video.file_name,
                "start": round(item.start, 2),
                "score": round(item.score, 4),
                "because": because,
            }
            reason = f"because you watched {because}" if because else "new here"
            self.emit(record, f"{item.video.file_name}  ({reason})", options["json"])
