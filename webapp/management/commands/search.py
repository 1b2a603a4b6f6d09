"""`manage.py search TEXT`: moments that match."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.management.base import DatabaseCommand, JsonCommand, find_user, read_batch, usage
from webapp.models import User
from webapp.search.moments import find_moments
from webapp.search.queries import Wanted


class Command(DatabaseCommand, JsonCommand):
    help = "Find moments (or videos) by a description."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("text", nargs="?")
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--by", choices=["moment", "video"], default="moment")
        parser.add_argument("--user", help="search as this person (default: the first admin)")
        parser.add_argument("--batch", metavar="FILE", help='one {"id", "text", "video"?} a line')

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"])
        if bool(options["text"]) == bool(options["batch"]):
            raise usage("Give a text or --batch FILE.")
        if options["limit"] < 1:
            raise usage("--limit must be at least 1.")
        if options["text"]:
            record = find(user, options["text"], options, None)
            self.emit(record, in_words(record), options["json"])
            return
        for row in read_batch(options["batch"]):
            record = {"id": row["id"], **find(user, row["text"], options, row["video"])}
            self.emit(record, in_words(record), options["json"])


def find(user: User, text: str, options: dict[str, Any], video: Any) -> dict[str, Any]:
    """The contract's record of one search."""
    scope = [int(video)] if video is not None else None
    found = find_moments(user, Wanted(text), options["limit"], options["by"], scope)
    return {
        "query": found.query,
        "confident": found.confident,
        "took_ms": round(found.took_ms, 1),
        "results": [
            {
                "video": m.video.pk,
                "file": m.video.file_name,
                "start": m.start,
                "end": m.end,
                "score": m.score,
                "why": m.why,
            }
            for m in found.moments
        ],
    }


def in_words(record: dict[str, Any]) -> str:
    lines = [f"{r['file']}  {r['start']:.1f}-{r['end']:.1f} s  {r['score']:.2f}" for r in record["results"]]
    head = record["query"] + ("" if record["confident"] else "   (no confident match)")
    return "\n".join([head, *lines])
