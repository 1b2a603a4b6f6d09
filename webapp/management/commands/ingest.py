"""`manage.py ingest PATH… [--wait] [--json]`: files and folders into the library."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexer.media import is_media
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.media import subtitles
from webapp.models import Step, Video
from webapp.operations import folders
from webapp.pipeline.worker import IDLE_SECONDS, StepWorker


class Command(DatabaseCommand, JsonCommand):
    help = "Add files (or all media files below folders) to the library, and say of each what became of it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+")
        parser.add_argument("--in-place", action="store_true", help="use the files where they lie, without copying")
        parser.add_argument("--wait", action="store_true", help="work until the videos are ready or failed")
        parser.add_argument("--user", help="who owns them (default: the first admin)")
        parser.add_argument("--visibility", choices=Video.Visibility.values, default=Video.Visibility.PRIVATE)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = find_user(options["user"])
        files = [file for path in options["paths"] for file in find_files(Path(path))]
        named = {Path(path) for path in options["paths"]}
        taken = {subtitles.find_beside(file) for file in files if is_media(file)}
        failed = False
        accepted: list[tuple[Video, str, float]] = []
        for file in files:
            begun = time.monotonic()
            if not is_media(file):
                reason = "taken as subtitles" if file in taken else "it is not named like a video or a sound file"
                failed |= file in named and file not in taken  # asked for by name, and not had
                self.report(None, file.name, "left out", reason, begun, options["json"])
                continue
            outcome = folders.take(owner, file, options["visibility"], options["in_place"])
            failed |= outcome.status == "failed"
            if outcome.warning:
                self.stderr.write(f"left out: {outcome.warning}")
            if outcome.status == "processing" and outcome.video is not None:
                accepted.append((outcome.video, file.name, begun))
            if outcome.status != "processing" or not options["wait"]:
                self.report(outcome.video, file.name, outcome.status, outcome.reason or None, begun, options["json"])
        if options["wait"]:
            failed |= self.wait_for(accepted, options["json"])
        if failed:
            raise SystemExit(1)

    def wait_for(self, accepted: list[tuple[Video, str, float]], as_json: bool) -> bool:
        """Work in this process (beside other workers, if there are any) until all are finished."""
        worker, failed = StepWorker(), False
        waiting = {video.pk: (name, begun) for video, name, begun in accepted}
        said: set[str] = set()
        while waiting:
            idle = worker.work_one() is None
            finished = (Video.Status.READY, Video.Status.FAILED)
            for video in Video.objects.filter(pk__in=waiting, status__in=finished):
                name, begun = waiting.pop(video.pk)
                error = first_error(video)
                failed |= video.status == Video.Status.FAILED
                self.report(video, name, video.status, error, begun, as_json)
            gone = set(waiting) - set(Video.objects.filter(pk__in=waiting).values_list("pk", flat=True))
            for pk in gone:
                waiting.pop(pk)
            if idle and waiting:
                self.say_reasons(waiting, said)
                time.sleep(IDLE_SECONDS)
        while worker.work_one(["index"]) is not None:
            pass
        return failed

    def say_reasons(self, videos: Iterable[int], said: set[str]) -> None:
        """What the work waits for, once each, on standard error."""
        steps = Step.objects.filter(video__in=videos, status=Step.Status.WAITING)
        for reason in {step.error for step in steps} - said:
            said.add(reason)
            self.stderr.write(f"waiting: {reason}")

    def report(
        self, video: Video | None, name: str, status: str, error: str | None, begun: float, as_json: bool
    ) -> None:
        # The time its steps took; waiting behind other videos of the same command is not counted.
        steps = sum(s or 0 for s in video.steps.values_list("seconds", flat=True)) if video else 0
        seconds = round(steps or time.monotonic() - begun, 2)
        record = {
            "video": video.pk if video else None,
            "file": name,
            "status": status,
            "error": error,
            "seconds": seconds,
        }
        self.emit(record, f"{name}: {status} ({seconds} s) {error or ''}".rstrip(), as_json)


def find_files(path: Path) -> list[Path]:
    """The file itself, or everything below a folder."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    if not path.exists():
        raise usage(f"{path} does not exist.")
    return [path]


def first_error(video: Video) -> str | None:
    failed = video.steps.filter(status__in=[Step.Status.FAILED, Step.Status.CANCELLED]).first()
    return (failed.error or failed.get_status_display()) if failed else None
