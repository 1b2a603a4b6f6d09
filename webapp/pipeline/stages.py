"""The stages of a video, in order. Each computes without holding a transaction and returns how to store its result.

probe -> glance -> look -> speech -> screen_text -> embed -> index -> describe
proxy runs beside; reembed follows where a second recipe is kept (see `recipes`)
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from indexer import box
from indexer.errors import UnreadableMedia
from indexer.media import playable_type
from indexer.ports import Progress
from indexer.speech import join_sentences, share_sound
from indexer.types import MediaInfo, ScreenLine, Vectors
from webapp import engine, models
from webapp.index import generations, recipes
from webapp.models import Keyframe, Shot, Video
from webapp.pipeline import describe, embed
from webapp.pipeline.embed import load_picture
from webapp.pipeline.outputs import adopt, workspace
from webapp.search import background

Store = Callable[[], None]
Compute = Callable[[Video, Progress], Store]

MOST_DAMAGED = 0.5  # share of frames with decode errors above which a picture is not worth keeping
SCREEN_EVERY = 3.0  # seconds: text on screen stays at least about this long


@dataclass(frozen=True)
class Stage:
    """`priority`: lower runs first, over all videos; `queue`: which kind of Celery worker takes it."""

    compute: Compute
    priority: int
    queue: str


def following(video: Video, name: str) -> list[str]:
    """What may start once `name` is done."""
    info = media_info(video)
    order = ["probe", "glance", "look", "speech", "screen_text", "embed", "index", "describe"]
    if not info.has_video:
        order = [n for n in order if n not in ("glance", "look", "screen_text")]
    if not info.has_audio:
        order.remove("speech")
    follow = order[order.index(name) + 1 :][:1] if name in order else []
    if name == "probe" and not video.content_type:
        follow.append("proxy")
    if name == "describe" and recipes.others().exists():
        follow.append("reembed")
    return follow


def media_info(video: Video) -> MediaInfo:
    return MediaInfo(**video.media_info)


# -- probe ---------------------------------------------------------------------------------------------------------


def probe(video: Video, progress: Progress) -> Store:
    """What is this file? Refuses what may not be opened."""
    info = box.probe(video.path)
    video.media_info = asdict(info)
    video.duration, video.width, video.height = info.duration, info.width, info.height
    video.warning = info.warning
    video.content_type = playable_type(info)

    def store() -> None:
        video.save(update_fields=["media_info", "duration", "width", "height", "warning", "content_type"])

    return store


# -- glance --------------------------------------------------------------------------------------------------------


def glance(video: Video, progress: Progress) -> Store:
    """Key frames only: searchable by picture within seconds. The later stages replace these segments."""
    recipe = recipes.active()
    encoder = engine.pictures(recipe)
    with workspace(video) as folder:
        found = box.glance(video.path, folder)
        pictures = [load_picture(Path(k.path)) for k in found]
        vectors: list[Vectors] = []
        for first in range(0, len(pictures), embed.BATCH):
            vectors += list(embed.encode_pictures(encoder, pictures[first : first + embed.BATCH], False))
            progress(len(vectors) / len(pictures))
        names = adopt(folder, video)
    frames = [(k.time, names[Path(k.path).name], v) for k, v in zip(found, vectors, strict=True)]
    return embed.glance_segments(video, frames, recipe, encoder.name)


# -- look ----------------------------------------------------------------------------------------------------------


def look(video: Video, progress: Progress) -> Store:
    """One decode pass: shots, keyframes and the storyboard."""
    with workspace(video) as folder:
        seen = box.look(video.path, folder, media_info(video), progress)
        if seen.decode_errors > MOST_DAMAGED * seen.frames:
            raise UnreadableMedia(
                f"The picture is damaged in {seen.decode_errors} places of {seen.frames} frames.",
                "Upload another copy.",
            )
        names = adopt(folder, video)
    if seen.decode_errors and not video.warning:
        video.warning = f"{seen.decode_errors} damaged places were skipped while reading the picture."
    video.storyboard_step, video.storyboard_tiles = seen.storyboard_step, seen.storyboard_tiles

    def store() -> None:
        video.shots.all().delete()
        Shot.objects.bulk_create(Shot(video=video, start=s.start, end=s.end) for s in seen.shots)
        video.keyframes.filter(glanced=False).delete()
        Keyframe.objects.bulk_create(
            Keyframe(video=video, time=k.time, file=names[Path(k.path).name]) for k in seen.keyframes
        )
        keep_file(video, "storyboard", names.get(Path(seen.storyboard).name))
        video.save(update_fields=["warning", "storyboard_step", "storyboard_tiles"])

    return store


def keep_file(video: Video, role: str, name: str | None) -> None:
    """Name a file of the video. `proxy` and `look` may commit at once: read and write under the row's lock."""
    files = Video.objects.select_for_update().values_list("files", flat=True).get(pk=video.pk)
    if name:
        video.files = {**files, role: name}
        Video.objects.filter(pk=video.pk).update(files=video.files)


# -- speech --------------------------------------------------------------------------------------------------------


def speech(video: Video, progress: Progress) -> Store:
    """Where somebody speaks first, so that music and silence give no words; then words with times."""
    with workspace(video) as folder:
        audio = np.fromfile(box.extract_audio(video.path, folder, media_info(video)), np.float32)
    voiced = engine.voice().detect(audio)
    music = engine.music().detect(audio)
    progress(0.1)
    heard = engine.transcriber().transcribe(audio, voiced, lambda share: progress(0.1 + 0.9 * share))

    def store() -> None:
        video.utterances.all().delete()
        models.Utterance.objects.bulk_create(
            models.Utterance(
                video=video,
                start=u.start,
                end=u.end,
                text=u.text,
                confidence=u.confidence,
                words=[[w.text, w.start, w.end] for w in u.words],
            )
            for u in join_sentences(heard.utterances)
        )
        video.language, video.sound = heard.language, share_sound(audio, voiced, music)
        video.save(update_fields=["language", "sound"])

    return store


# -- screen text ---------------------------------------------------------------------------------------------------


def screen_text(video: Video, progress: Progress) -> Store:
    """Text on keyframes, at most one picture every three seconds of a shot."""
    frames = embed.best_keyframes(video)
    cuts = [s.start for s in video.shots.all()]
    chosen: list[Keyframe] = []
    for frame in frames:
        last = chosen[-1].time if chosen else -1e9
        if frame.time - last >= SCREEN_EVERY or any(last < c <= frame.time for c in cuts):
            chosen.append(frame)
    lines: list[ScreenLine] = []
    for number, frame in enumerate(chosen):
        lines += engine.screen().read(load_picture(video.derived / frame.file), frame.time)
        progress((number + 1) / len(chosen))

    def store() -> None:
        video.screen_lines.all().delete()
        models.ScreenLine.objects.bulk_create(
            models.ScreenLine(
                video=video, time=line.time, text=line.text, confidence=line.confidence, box=list(line.box)
            )
            for line in lines
        )

    return store


# -- embed, index --------------------------------------------------------------------------------------------------


def embed(video: Video, progress: Progress) -> Store:
    """Vectors of every keyframe and of every segment's words, by the active recipe."""
    return embed.embed(video, recipes.active(), progress)


def index(video: Video, progress: Progress) -> Store:
    """Measure what a chance match looks like in the library as it is now; write a generation when one is due."""
    recipe = recipes.active()
    if generations.is_due(recipe):
        generations.publish(recipe)
    measured = background.measure(recipe)
    return lambda: background.save(recipe, measured)


def reembed(video: Video, progress: Progress) -> Store:
    """The same vectors by every other recipe that is kept, so that one can switch and go back at any time."""
    kept = [recipes.active(), *recipes.others()]
    stores: list[Store] = []
    for number, recipe in enumerate(kept):
        if not video.segments.filter(recipe=recipe).exists():
            stores.append(embed.embed(video, recipe, lambda s, n=number: progress((n + s) / len(kept))))  # type: ignore[misc]
        stores.append(describe.embed_evidence(video, recipe))

    def store() -> None:
        for each in stores:
            each()

    return store


# -- describe ------------------------------------------------------------------------------------------------------


def describe(video: Video, progress: Progress) -> Store:
    """Captions per segment, tags, chapters and the summary."""
    return describe.describe(video, progress)


# -- proxy ---------------------------------------------------------------------------------------------------------


def proxy(video: Video, progress: Progress) -> Store:
    """A rendition that browsers play, for files that they don't."""
    with workspace(video) as folder:
        made = box.render_proxy(video.path, folder, media_info(video), progress)
        names = adopt(folder, video)

    def store() -> None:
        keep_file(video, "proxy", names[made.name])
        video.content_type = "video/mp4" if video.width else "audio/mp4"
        video.save(update_fields=["content_type"])

    return store


STAGES: dict[str, Stage] = {
    "probe": Stage(probe, 0, "io"),
    "glance": Stage(glance, 1, "models"),
    "look": Stage(look, 4, "cpu"),
    "speech": Stage(speech, 4, "models"),
    "screen_text": Stage(screen_text, 4, "models"),
    "embed": Stage(embed, 3, "models"),
    "index": Stage(index, 3, "models"),
    "describe": Stage(describe, 3, "models"),
    "proxy": Stage(proxy, 5, "cpu"),
    "reembed": Stage(reembed, 9, "models"),  # a change of models waits for what people just uploaded
}


def names_of(queues: Sequence[str]) -> list[str]:
    """Steps that the workers of these queues take."""
    return [name for name, stage in STAGES.items() if stage.queue in queues]
