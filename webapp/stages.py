"""The stages of a video, in order. Each computes without holding a transaction and returns how to store its result.

probe -> glance -> look -> speech -> screen_text -> embed -> index -> describe     (proxy runs beside)
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from indexer import box
from indexer.media import playable_type
from indexer.ports import Progress
from indexer.segments import build_segments
from indexer.speech import join_sentences
from indexer.types import MediaInfo, ScreenLine, Span
from webapp import calibrating, describing, engine, models
from webapp.embedding import (
    encode_pictures,
    load_picture,
    mark_changed,
    pack,
    passage,
    plan_segments,
    replace_keyframes,
    save_segment,
)
from webapp.models import Keyframe, Shot, Video

Store = Callable[[], None]
Compute = Callable[[Video, Progress], Store]

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
    return follow


def media_info(video: Video) -> MediaInfo:
    return MediaInfo(**video.media_info)


def fresh_folder(video: Video, name: str) -> Path:
    """An empty folder for a stage's files, beside what is in use."""
    folder = video.derived / f".{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def adopt(folder: Path, video: Video) -> None:
    """Move a stage's finished files into place (renames on one file system)."""
    for path in folder.iterdir():
        path.replace(video.derived / path.name)
    folder.rmdir()


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
    folder = fresh_folder(video, "glance")
    found = box.glance(video.path, folder)
    vectors = encode_pictures([Path(k.path) for k in found], progress)
    adopt(folder, video)
    spans = build_segments([], [], [], video.duration)

    def store() -> None:
        frames = [
            Keyframe(video=video, time=k.time, file=Path(k.path).name, vector=pack(v))
            for k, v in zip(found, vectors, strict=True)
        ]
        replace_keyframes(video, frames)
        video.segments.all().delete()
        for span in spans:
            inside = [f for f in frames if span.start <= f.time < span.end or len(spans) == 1]
            if inside:
                save_segment(video, Span(span.start, span.end), inside)
        mark_changed()

    return store


# -- look ----------------------------------------------------------------------------------------------------------


def look(video: Video, progress: Progress) -> Store:
    """One decode pass: shots, keyframes and the storyboard."""
    folder = fresh_folder(video, "look")
    seen = box.look(video.path, folder, media_info(video), progress)
    adopt(folder, video)
    if seen.decode_errors and not video.warning:
        video.warning = f"{seen.decode_errors} damaged places were skipped while reading the picture."
    video.storyboard_step, video.storyboard_tiles = seen.storyboard_step, seen.storyboard_tiles

    def store() -> None:
        video.shots.all().delete()
        Shot.objects.bulk_create(Shot(video=video, start=s.start, end=s.end) for s in seen.shots)
        # The glance's keyframes serve search until `embed` replaces them; those without a segment are for it.
        video.keyframes.filter(segment=None).delete()
        Keyframe.objects.bulk_create(Keyframe(video=video, time=k.time, file=Path(k.path).name) for k in seen.keyframes)
        video.save(update_fields=["warning", "storyboard_step", "storyboard_tiles"])

    return store


# -- speech --------------------------------------------------------------------------------------------------------


def speech(video: Video, progress: Progress) -> Store:
    """Voice activity first, so that music and silence give no words; then words with times."""
    with tempfile.TemporaryDirectory(dir=video.path.parent.parent / "incoming") as folder:
        audio = np.fromfile(box.extract_audio(video.path, Path(folder), media_info(video)), np.float32)
    voiced = engine.voice().detect(audio)
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
        video.language = heard.language
        video.save(update_fields=["language"])

    return store


# -- screen text ---------------------------------------------------------------------------------------------------


def screen_text(video: Video, progress: Progress) -> Store:
    """Text on keyframes, at most one picture every three seconds of a shot."""
    frames = list(video.keyframes.filter(segment=None)) or list(video.keyframes.all())
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


# -- embed, index ----------------------------------------------------------------------------------------


def embed(video: Video, progress: Progress) -> Store:
    """Vectors of every keyframe and of every segment's words."""
    frames = list(video.keyframes.filter(segment=None)) or list(video.keyframes.all())
    paths = [video.derived / f.file for f in frames]
    for frame, vector in zip(frames, encode_pictures(paths, lambda s: progress(0.8 * s)), strict=True):
        frame.vector = pack(vector)
    plan = plan_segments(video)
    texts = [passage(video.title, said, screen) for _, said, screen in plan]
    encoded = engine.sentences().encode_passages(texts)

    def store() -> None:
        video.segments.all().delete()
        fresh = [Keyframe(video=video, time=f.time, file=f.file, vector=f.vector) for f in frames]
        replace_keyframes(video, fresh)
        for (span, said, screen), vector in zip(plan, encoded, strict=True):
            inside = [f for f in fresh if span.start <= f.time < span.end]
            save_segment(video, span, inside, speech=said, screen=screen, text=pack(vector))
        mark_changed()

    return store


def index(video: Video, progress: Progress) -> Store:
    """Measure what a chance match looks like in the library as it is now."""
    measured = calibrating.measure()
    return lambda: calibrating.save(measured)


# -- describe ------------------------------------------------------------------------------------------------------


def describe(video: Video, progress: Progress) -> Store:
    """Captions per segment, tags, chapters and the summary."""
    return describing.describe(video, progress)


# -- proxy ---------------------------------------------------------------------------------------------------------


def proxy(video: Video, progress: Progress) -> Store:
    """A rendition that browsers play, for files that they don't."""
    folder = fresh_folder(video, "proxy")
    box.render_proxy(video.path, folder, media_info(video), progress)
    adopt(folder, video)

    def store() -> None:
        video.has_proxy, video.content_type = True, "video/mp4" if video.width else "audio/mp4"
        video.save(update_fields=["has_proxy", "content_type"])

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
}
