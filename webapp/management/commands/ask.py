"""`manage.py ask TEXT`: an answer whose sentences cite moments."""

from typing import Any

from django.core.management.base import CommandParser

from webapp.answers import replies
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, find_video, read_batch, usage


class Command(DatabaseCommand, JsonCommand):
    help = "Ask the library, or some of its videos."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("text", nargs="?")
        parser.add_argument("--video", action="append", metavar="ID", help="only this video (may be repeated)")
        parser.add_argument("--user", help="ask as this person (default: the first admin)")
        parser.add_argument("--batch", metavar="FILE", help='one {"id", "text", "video"?} a line')

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"])
        if bool(options["text"]) == bool(options["batch"]):
            raise usage("Give a question or --batch FILE.")
        scope = [find_video(v).pk for v in options["video"]] if options["video"] else None
        rows = read_batch(options["batch"]) if options["batch"] else [{"text": options["text"], "video": None}]
        for row in rows:
            videos = [find_video(str(row["video"])).pk] if row["video"] is not None else scope
            record = replies.ask(user, row["text"], videos).record()
            if "id" in row:
                record = {"id": row["id"], **record}
            self.emit(record, in_words(record), options["json"])


def in_words(record: dict[str, Any]) -> str:
    if record["abstained"]:
        return "Nothing in these videos answers that."
    return "\n".join(
        s["text"] + "".join(f"  [{c['file']} {c['start']:.1f}-{c['end']:.1f} s]" for c in s["citations"])
        for s in record["sentences"]
    )
