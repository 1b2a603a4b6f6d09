"""The step `look`: one decode pass, window by window, for shots, keyframes and the storyboard."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.db import transaction

from indexer import box
from indexer.errors import UnreadableMedia, translatable
from indexer.look import join
from indexer.ports import Progress
from indexer.types import Keyframe as Picture
from indexer.types import LookPart
from webapp.models import Keyframe, Shot, Video
from webapp.pipeline import checkpoints
from webapp.pipeline.outputs import adopt, note_file, workspace
from webapp.storage.store import store

Store = Callable[[], None]

MAX_DAMAGED_SHARE = 0.5  # share of frames with decode errors above which a picture is not worth keeping


def look(video: Video, progress: Progress) -> Store:
    """Each window is a checkpoint, its pictures in the video's folder."""
    parts = load_parts(video)
    with video.media.fetch() as path, workspace(video) as folder, ExitStack() as held:
        for seen in box.look_on(path, folder, video.info, tuple(parts), progress):
            parts.append(place(seen, adopt(folder, video)))
            checkpoints.save(video, "look", [asdict(part) for part in parts])
        here = [
            replace(part, tiles=[str(held.enter_context(video.derived(tile).fetch())) for tile in part.tiles])
            for part in parts
        ]
        found = join(here, video.duration, folder)
        storyboard = adopt(folder, video)[Path(found.storyboard).name]
    if found.decode_errors > MAX_DAMAGED_SHARE * found.frames:
        raise UnreadableMedia(
            "The picture is damaged in %(places)s places of %(frames)s frames. Upload another copy.",
            places=found.decode_errors,
            frames=found.frames,
        )
    if found.decode_errors and not video.warning:
        video.warning = translatable("%(count)s damaged places were skipped while reading the picture.")
        video.warning_values = {"count": found.decode_errors}
    video.storyboard_step, video.storyboard_tiles = found.storyboard_step, found.storyboard_tiles

    def store() -> None:
        video.shots.all().delete()
        Shot.objects.bulk_create(Shot(video=video, start=s.start, end=s.end) for s in found.shots)
        video.keyframes.filter(glanced=False).delete()
        Keyframe.objects.bulk_create(
            Keyframe(video=video, time=k.time, file=k.path, full=k.full) for k in found.keyframes
        )
        note_file(video, "storyboard", storyboard)
        video.save(update_fields=["warning", "warning_values", "storyboard_step", "storyboard_tiles"])
        transaction.on_commit(lambda: remove_tiles(video, parts))

    return store


def load_parts(video: Video) -> list[LookPart]:
    """What an earlier attempt saw; nothing when its pictures were swept meanwhile."""
    parts = [read_record(record) for record in checkpoints.load(video, "look")]
    files = [name for part in parts for name in [*part.tiles, *(k.path for k in part.keyframes)]]
    kept = {stored.name for stored in store().list(video.folder)} if parts else set()
    return parts if all(video.derived(name).name in kept for name in files) else []


def read_record(record: dict[str, Any]) -> LookPart:
    return LookPart(**{**record, "keyframes": [Picture(**k) for k in record["keyframes"]]})


def place(part: LookPart, kept: dict[str, str]) -> LookPart:
    """The same, its pictures under the names that they are kept under."""
    return replace(
        part,
        keyframes=[
            replace(k, path=kept[Path(k.path).name], full=kept[Path(k.full).name] if k.full else "")
            for k in part.keyframes
        ],
        tiles=[kept[Path(tile).name] for tile in part.tiles],
    )


def remove_tiles(video: Video, parts: list[LookPart]) -> None:
    for part in parts:
        for tile in part.tiles:
            video.derived(tile).remove()
