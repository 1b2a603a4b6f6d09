"""`manage.py ingest PATH… [--wait] [--json]`: files and folders into the library."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexer import cues
from indexer.media import MAX_DURATION, MEDIA_SUFFIXES
from webapp.management.base import DatabaseCommand, JsonCommand, find_user, usage
from webapp.media import subtitles
from webapp.models import Step, Video
from webapp.pipeline.worker import IDLE_SECONDS, StepWorker
from webapp.uploads import intake


class Command(DatabaseCommand, JsonCommand):
    help = "Add files (or all media files below folders) to the library, and say of each what became of it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+")
        parser.add_argument("--wait", action="store_true", help="work until the videos are ready or failed")
        parser.add_argument("--user", help="who owns them (default: the first admin)")
        parser.add_argument("--visibility", choices=Video.Visibility.values, default=Video.Visibility.PRIVATE)

    def handle(self, *args: Any, **options: Any) -> None:
        owner = find_user(options["user"])
        files = [file for path in options["paths"] for file in find_files(Path(path))]
        named = {Path(path) for path in options["paths"]}
        taken = {beside for file in files if (beside := subtitles.find_beside(file)) is not None and is_media(file)}
        failed = False
        accepted: list[tuple[Video, str, float]] = []
        for file in files:
            begun = time.monotonic()
            copy = None
            if not is_media(file):
                reason = "taken as subtitles" if file in taken else "it is not named like a video or a sound file"
                failed |= file in named and file not in taken  # asked for by name, and not had
                self.report(None, file.name, "left out", reason, begun, options["json"])
                continue
            try:
                copy = intake.copy_in(file)
                video = intake.accept(owner, copy, file.name, visibility=options["visibility"])
                self.take_subtitles(video, file)
                accepted.append((video, file.name, begun))
                if not options["wait"]:
                    self.report(video, file.name, "processing", None, begun, options["json"])
            except intake.Duplicate as twin:
                self.report(twin.video, file.name, "duplicate", None, begun, options["json"])
            except (intake.Refused, OSError) as error:
                failed = True
                self.report(None, file.name, "failed", str(error), begun, options["json"])
            finally:
                if copy is not None:
                    copy.unlink(missing_ok=True)
        if options["wait"]:
            failed |= self.wait_for(accepted, options["json"])
        if failed:
            raise SystemExit(1)

    def take_subtitles(self, video: Video, file: Path) -> None:
        """Those that lie beside the file become its transcript."""
        beside = subtitles.find_beside(file)
        if beside is not None:
            try:
                with beside.open("rb") as opened:
                    data = opened.read(cues.MAX_BYTES + 1)
                subtitles.replace(video, cues.read_file(beside.name, data, MAX_DURATION))
            except (cues.BadSubtitles, OSError) as error:
                self.stderr.write(f"left out: {beside.name}: {error}")

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


def is_media(path: Path) -> bool:
    return path.suffix.lower() in MEDIA_SUFFIXES


def first_error(video: Video) -> str | None:
    failed = video.steps.filter(status__in=[Step.Status.FAILED, Step.Status.CANCELLED]).first()
    return (failed.error or failed.get_status_display()) if failed else None
