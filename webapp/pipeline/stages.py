"""What each step of the plan computes, in order: without holding a transaction; it returns how to store its result."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from indexer import box
from indexer.legibility import read_tiles
from indexer.media import playable_type
from indexer.ports import Progress, narrow
from indexer.types import ScreenLine, Vectors
from webapp import engine, models
from webapp.index import generations, recipes
from webapp.models import Keyframe, Video, title_from
from webapp.parsing import parse_moment, parse_place
from webapp.pipeline import checkpoints
from webapp.pipeline.describe import describe, embed_evidence
from webapp.pipeline.embed import (
    BATCH,
    best_keyframes,
    embed_frames,
    embed_video,
    encode_pictures,
    glance_segments,
    load_picture,
)
from webapp.pipeline.look import look
from webapp.pipeline.outputs import adopt, note_file, workspace
from webapp.pipeline.speech import speech
from webapp.search import background

Store = Callable[[], None]
Compute = Callable[[Video, Progress], Store]

KEPT_PICTURES = 100  # whose text is read between two checkpoints: half a minute of work
SCREEN_TEXT_SECONDS = 3.0  # seconds: text on screen stays at least about this long


# -- probe ---------------------------------------------------------------------------------------------------------


def probe(video: Video, progress: Progress) -> Store:
    """What is this file? Refuses what may not be opened."""
    with video.media.fetch() as path, workspace(video) as folder:
        info = box.probe(path, settings.LANGUAGE_CODE[:2])
        cover = None if info.has_video else box.read_cover(path, folder)
        names = adopt(folder, video)
    video.media_info = asdict(info)
    described = note_tags(video, info.tags)
    video.duration, video.width, video.height = info.duration, info.width, info.height
    video.warning, video.warning_values = info.warning, info.warning_values
    video.content_type = playable_type(info)

    def store() -> None:
        video.save(
            update_fields=[
                "media_info", "duration", "width", "height", "warning", "warning_values", "content_type", *described,
            ]
        )  # fmt: skip
        note_file(video, "cover", names[cover.name] if cover else None)
        video.utterances.filter(start__gte=info.duration).delete()  # of subtitles that came with the file

    return store


def note_tags(video: Video, tags: dict[str, Any]) -> list[str]:
    """What the file says of itself, where nobody said otherwise; the names of the fields that it fills."""
    filled = ["description", "artist", "recorded_at", "place", "latitude", "longitude"]
    if tags.get("title") and video.title == title_from(video.file_name):
        video.title = tags["title"][:200]
        filled.append("title")
    video.description = tags.get("description") or tags.get("synopsis") or tags.get("comment") or ""
    video.artist = tags.get("artist", "")[:200]
    video.recorded_at = parse_moment(tags.get("creation_time") or tags.get("date") or "")
    place, video.latitude, video.longitude = tags.get("location", ""), None, None
    degrees = parse_place(place)
    if degrees is not None:
        video.latitude, video.longitude = degrees
        place = f"{degrees[0]:.4f}, {degrees[1]:.4f}"
    video.place = place[:200]
    return filled


# -- glance --------------------------------------------------------------------------------------------------------


def glance(video: Video, progress: Progress) -> Store:
    """Key frames only: searchable by picture within seconds. The later stages replace these segments."""
    recipe = recipes.active()
    picture_encoder = engine.pictures(recipe)
    with video.media.fetch() as path, workspace(video) as folder:
        found = box.glance(path, folder)
        pictures = [load_picture(Path(k.path).read_bytes()) for k in found]
        vectors: list[Vectors] = []
        for first in range(0, len(pictures), BATCH):
            vectors += list(encode_pictures(picture_encoder, pictures[first : first + BATCH], False))
            progress(len(vectors) / len(pictures))
        names = adopt(folder, video)
    frames = [(k.time, names[Path(k.path).name], v) for k, v in zip(found, vectors, strict=True)]
    return glance_segments(video, frames, recipe, picture_encoder.name)


# -- screen text ---------------------------------------------------------------------------------------------------


def screen_text(video: Video, progress: Progress) -> Store:
    """Text on keyframes, at most one picture every three seconds of a shot."""
    frames = best_keyframes(video)
    cuts = [s.start for s in video.shots.all()]
    chosen: list[Keyframe] = []
    for frame in frames:
        last = chosen[-1].time if chosen else -1e9
        if frame.time - last >= SCREEN_TEXT_SECONDS or any(last < c <= frame.time for c in cuts):
            chosen.append(frame)
    kept, reader = checkpoints.load(video, "screen_text"), engine.screen()
    for number in range(len(kept), len(chosen)):
        frame = chosen[number]
        picture = load_picture(read_fullest(video, frame))
        kept.append({"lines": [asdict(line) for line in read_tiles(reader, picture, frame.time)]})
        if len(kept) % KEPT_PICTURES == 0:
            checkpoints.save(video, "screen_text", kept)
        progress((number + 1) / len(chosen))
    lines = [ScreenLine(**line) for each in kept for line in each["lines"]]

    def store() -> None:
        video.screen_lines.all().delete()
        models.ScreenLine.objects.bulk_create(
            models.ScreenLine(
                video=video, time=line.time, text=line.text, confidence=line.confidence, box=list(line.box)
            )
            for line in lines
        )
        fulls = [video.derived(name) for name in video.keyframes.exclude(full="").values_list("full", flat=True)]
        video.keyframes.update(full="")
        for full in fulls:
            transaction.on_commit(full.remove)

    return store


def read_fullest(video: Video, frame: Keyframe) -> bytes:
    """The frame at full size where that is still here."""
    try:
        return video.derived(frame.full or frame.file).read()
    except FileNotFoundError:
        return video.derived(frame.file).read()


# -- pictures, embed, index ----------------------------------------------------------------------------------------


def pictures(video: Video, progress: Progress) -> Store:
    """Vectors of every keyframe, which need not wait for the words; each batch is kept at once."""
    recipe = recipes.active()
    embed_frames(video, best_keyframes(video), engine.pictures(recipe), progress)
    return lambda: None


def embed(video: Video, progress: Progress) -> Store:
    """Vectors of every keyframe and of every segment's words, by the active recipe."""
    return embed_video(video, recipes.active(), progress)


def index(video: Video, progress: Progress) -> Store:
    """Measure what a chance match looks like in the library as it is now; write a generation when one is due."""
    recipe = recipes.active()
    if generations.is_due(recipe):
        generations.publish(recipe)
    measured = background.measure(recipe)
    return lambda: background.save(recipe, measured)


def reembed(video: Video, progress: Progress) -> Store:
    """The same vectors by every other recipe that is kept, so that one can switch and go back at any time."""
    all_recipes = [r for r in (recipes.active(), *recipes.others()) if not engine.is_gone(r)]
    stores: list[Store] = []
    for number, recipe in enumerate(all_recipes):
        if not video.segments.filter(recipe=recipe).exists():
            stores.append(embed_video(video, recipe, narrow(progress, number, len(all_recipes))))
        stores.append(embed_evidence(video, recipe))

    def store() -> None:
        for each in stores:
            each()

    return store


# -- proxy ---------------------------------------------------------------------------------------------------------


def proxy(video: Video, progress: Progress) -> Store:
    """A rendition that browsers play, for files that they don't."""
    with video.media.fetch() as path, workspace(video) as folder:
        made = box.render_proxy(path, folder, video.info, progress)
        names = adopt(folder, video)

    def store() -> None:
        note_file(video, "proxy", names[made.name])
        video.content_type = f"{'video' if video.width else 'audio'}/{made.suffix[1:]}"
        video.save(update_fields=["content_type"])

    return store


def streams(video: Video, progress: Progress) -> Store:
    """Several qualities and every sound, for players that choose as they go; only where a person wants it."""
    with video.media.fetch() as path, workspace(video) as folder:
        made = box.render_streams(path, folder, video.info, progress)
        names = adopt(folder, video)

    def store() -> None:
        for record in [*made["pictures"], *made["sounds"]]:
            note_file(video, f"stream {record['name']}", names[f"{record['name']}.mp4"])
        video.streams = made
        video.save(update_fields=["streams"])

    return store


STAGES: dict[str, Compute] = {
    "probe": probe,
    "glance": glance,
    "look": look,
    "speech": speech,
    "screen_text": screen_text,
    "pictures": pictures,
    "embed": embed,
    "index": index,
    "describe": describe,
    "proxy": proxy,
    "streams": streams,
    "reembed": reembed,
}
