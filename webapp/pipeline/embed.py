"""Segments and their vectors in the database, the truth that every index is made from."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from PIL import Image as Pillow

from indexer import fusion
from indexer.errors import OutOfMemory
from indexer.nonlocal_means import smooth
from indexer.ports import PictureEncoder, Progress, SentenceEncoder
from indexer.retriever import FIELDS
from indexer.segments import build_segments
from indexer.types import Image, ScreenLine, Span, Utterance, Vectors
from indexer.types import Segment as Planned
from indexer.vectors import pack, pack_fields, seal, unpack
from webapp import engine
from webapp.index.changes import drop_segments, mark_changed
from webapp.index.documents import write_documents
from webapp.models import FrameVector, Keyframe, Recipe, Segment, Video

BATCH = 16  # pictures between two checkpoints


def load_picture(jpeg: bytes) -> Image:
    return np.asarray(Pillow.open(io.BytesIO(jpeg)).convert("RGB"))


# -- pictures ------------------------------------------------------------------------------------------------------


def embed_frames(
    video: Video, frames: Sequence[Keyframe], encoder: PictureEncoder, progress: Progress
) -> dict[int, Vectors]:
    """A vector (d,) for each keyframe. Each batch is kept at once: whoever tries again goes on behind it."""
    known = FrameVector.objects.filter(keyframe__in=frames, encoder=encoder.name)
    found = {pk: unpack(blob, encoder.dim) for pk, blob in known.values_list("keyframe", "vector")}
    missing = [f for f in frames if f.pk not in found]
    for first in range(0, len(missing), BATCH):
        batch = missing[first : first + BATCH]
        vectors = encode_pictures(encoder, [load_picture(video.derived(f.file).read()) for f in batch])
        FrameVector.objects.bulk_create(
            (
                FrameVector(keyframe=f, encoder=encoder.name, vector=pack(v))
                for f, v in zip(batch, vectors, strict=True)
            ),
            ignore_conflicts=True,
        )
        found |= {f.pk: v for f, v in zip(batch, vectors, strict=True)}
        progress(len(found) / len(frames))
    return found


def save_smoothed(smoothed: Mapping[Keyframe, Vectors], encoder: str) -> None:
    """Keep what all frames of the video together make of each (d,)."""
    kept = {frame.pk: seal(vector) for frame, vector in smoothed.items()}
    rows = list(FrameVector.objects.filter(keyframe__in=smoothed, encoder=encoder).defer("vector"))
    for row in rows:
        row.smoothed = kept[row.keyframe_id]
    FrameVector.objects.bulk_update(rows, ["smoothed"], batch_size=500)


def encode_pictures(encoder: PictureEncoder, pictures: Sequence[Image], thorough: bool = True) -> Vectors:
    """(n, d); when memory does not suffice, half as many at a time. Raises `OutOfMemory` when one is too many."""
    try:
        return encoder.encode_images(pictures, thorough)
    except (OutOfMemory, MemoryError):
        if len(pictures) == 1:
            raise OutOfMemory(
                "There is not enough memory for one picture. Close other programs; the step tries again by itself."
            ) from None
        half = len(pictures) // 2
        return np.concatenate([encode_pictures(encoder, part, thorough) for part in (pictures[:half], pictures[half:])])


# -- segments ------------------------------------------------------------------------------------------------------


def glance_segments(
    video: Video, frames: Iterable[tuple[float, str, Vectors]], recipe: Recipe, encoder: str
) -> Callable[[], None]:
    """Keyframes with their vectors become segments that can be found by picture; `embed` replaces them."""
    spans = build_segments([], [], [], video.duration, (recipe.shortest, recipe.longest))

    def store() -> None:
        sequence = mark_changed()
        video.keyframes.filter(glanced=True).delete()
        vectors = {}
        for time, file, vector in frames:
            frame = Keyframe.objects.create(video=video, time=time, file=file, glanced=True)
            FrameVector.objects.create(keyframe=frame, encoder=encoder, vector=pack(vector))
            vectors[frame] = vector
        if vectors:
            together = smooth(np.stack(list(vectors.values())))
            save_smoothed(dict(zip(vectors, together, strict=True)), encoder)
        drop_segments(video.segments.filter(recipe=recipe), sequence)
        held = [(s, [f for f in vectors if s.start <= f.time < s.end or len(spans) == 1]) for s in spans]
        save_segments(
            video,
            [
                (make_segment(video, recipe, sequence, span, [vectors[f] for f in inside]), inside)
                for span, inside in held
                if inside
            ],
        )

    return store


def embed_video(video: Video, recipe: Recipe, progress: Progress) -> Callable[[], None]:
    """Vectors of every keyframe and of every segment's words, by one recipe; the returned function stores them."""
    frames = best_keyframes(video)
    vectors = (
        embed_frames(video, frames, engine.pictures(recipe), lambda share: progress(0.8 * share)) if frames else {}
    )
    together = smooth(np.stack([vectors[f.pk] for f in frames])) if frames else np.zeros((0, 1), np.float32)
    smoothed = dict(zip(frames, together, strict=True))
    plan = plan_segments(video, recipe)
    encoded = encode_fields(video.names, plan, engine.sentences(recipe))
    progress(1.0)

    def store() -> None:
        save_smoothed(smoothed, recipe.picture_encoder)
        sequence = mark_changed()
        captioned = list(video.segments.exclude(caption="").order_by("recipe"))
        drop_segments(video.segments.filter(recipe=recipe), sequence)
        rows = []
        for part, words in zip(plan, encoded, strict=True):
            inside = [f for f in frames if part.start <= f.time < part.end]
            known = {"text": pack(fusion.mean_direction(words)), "field_vectors": pack_fields(words)}
            looks = [vectors[f.pk] for f in inside]
            rows.append(
                (make_segment(video, recipe, sequence, part, looks, **known, **inherit(part, captioned)), inside)
            )
        save_segments(video, rows)
        if any(not f.glanced for f in frames):
            video.keyframes.filter(glanced=True).delete()

    return store


def best_keyframes(video: Video) -> list[Keyframe]:
    """Those that `look` chose; until then what was glanced at."""
    return list(video.keyframes.filter(glanced=False)) or list(video.keyframes.all())


def plan_segments(video: Video, recipe: Recipe) -> list[Planned]:
    """Spans with their speech and screen text, from what the earlier stages stored."""
    utterances = [Utterance(u.start, u.end, u.text) for u in video.utterances.all()]
    lines = [ScreenLine(s.time, s.text, s.confidence, (0, 0, 0, 0)) for s in video.screen_lines.all()]
    shots = [Span(s.start, s.end) for s in video.shots.all()]
    return build_segments(shots, utterances, lines, video.duration, (recipe.shortest, recipe.longest))


def inherit(part: Planned, captioned: Sequence[Segment]) -> dict[str, object]:
    """The caption of the nearest segment of another recipe, so that a new recipe need not describe again."""
    near = max(captioned, key=lambda s: Span(s.start, s.end).overlap(Span(part.start, part.end)), default=None)
    if near is None or near.start >= part.end or near.end <= part.start:
        return {}
    return {"caption": near.caption, "caption_confidence": near.caption_confidence}


def make_segment(
    video: Video, recipe: Recipe, sequence: int, part: Span | Planned, looks: Sequence[Vectors], **fields: object
) -> Segment:
    """One whose visual block is the mean direction of its frames, not saved yet."""
    said, screen = getattr(part, "speech", ""), getattr(part, "screen", "")
    return Segment(
        video=video,
        recipe=recipe,
        sequence=sequence,
        start=part.start,
        end=part.end,
        speech=said,
        screen=screen,
        visual=pack(fusion.mean_direction(list(looks))) if looks else b"",
        **fields,
    )


def save_segments(video: Video, rows: Sequence[tuple[Segment, Sequence[Keyframe]]]) -> None:
    """All of a recipe, with their words and the keyframes that lie in each: thousands in a handful of queries, while
    others wait to write.
    """
    write_documents(video, [segment for segment, _ in rows])
    Segment.objects.bulk_create((segment for segment, _ in rows), batch_size=500)
    through = Segment.keyframes.through
    through.objects.bulk_create(
        (through(segment_id=segment.pk, keyframe_id=frame.pk) for segment, frames in rows for frame in frames),
        batch_size=500,
    )


def encode_fields(title: str, plan: Sequence[Planned], encoder: SentenceEncoder) -> Vectors:
    """(n, 3, d): speech, screen and title of each segment. A title like "IMG_2041" says nothing: zero."""
    named = " ".join(re.findall(r"[^\W\d_]{4,}|[\u4e00-\u9fff]{2,}", title))
    texts = list(dict.fromkeys(t for s in plan for t in (s.speech, s.screen, named)))
    known = dict(zip(texts, encoder.encode_passages(texts), strict=True))
    rows = [[known[s.speech], known[s.screen], known[named]] for s in plan]
    return np.asarray(rows, np.float32).reshape(len(plan), len(FIELDS), encoder.dim)
