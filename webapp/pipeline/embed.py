"""Vectors in the database, the truth that every index is made from: packing them, making segments, noting changes."""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from django.db.models import F, QuerySet
from PIL import Image as Pillow

from indexer import fusion
from indexer.errors import BadVectors, OutOfMemory
from indexer.ports import PictureEncoder, Progress, SentenceEncoder
from indexer.retriever import FIELDS
from indexer.segments import build_segments
from indexer.terms import terms
from indexer.types import Image, ScreenLine, Span, Utterance, Vectors
from indexer.types import Segment as Planned
from webapp import engine
from webapp.models import FrameVector, IndexState, Keyframe, Recipe, Segment, Tombstone, Video

BATCH = 16  # pictures between two checkpoints
_CHECK_BYTES = 4


def load_picture(path: Path) -> Image:
    return np.asarray(Pillow.open(path).convert("RGB"))


def pack(vector: Vectors) -> bytes:
    """Float16 bytes of a unit vector and their CRC-32; empty for a vector of zeros. Raises `BadVectors` for others."""
    if not np.any(vector):
        return b""
    if not fusion.is_unit_or_zero(vector[None])[0]:
        raise BadVectors("A model made a vector that is not of unit length.", "Report this with the model's name.")
    data = vector.astype("<f2").tobytes()
    return data + zlib.crc32(data).to_bytes(_CHECK_BYTES, "little")


def unpack(blob: bytes | memoryview, dim: int) -> Vectors:
    """The float32 vector (dim,), zeros for empty bytes. Raises `BadVectors` when it is not what was packed."""
    if not blob:
        return np.zeros(dim, np.float32)
    data, check = bytes(blob[:-_CHECK_BYTES]), bytes(blob[-_CHECK_BYTES:])
    if len(data) != 2 * dim or zlib.crc32(data).to_bytes(_CHECK_BYTES, "little") != check:
        raise BadVectors("A vector in the database was changed or is of another model.", "Run doctor --fix.")
    return np.frombuffer(data, "<f2").astype(np.float32)


def pack_fields(vectors: Vectors) -> bytes:
    """Vectors of speech, screen and title (3, d), zero where a segment has none, one after the other."""
    return b"".join(pack(v) or bytes(2 * len(v) + _CHECK_BYTES) for v in vectors)


def unpack_fields(blob: bytes, dim: int) -> dict[str, Vectors | None]:
    """What `pack_fields` packed, by field that has words; None for a vector that is not what was written."""
    size = 2 * dim + _CHECK_BYTES
    parts = {field: bytes(blob[i * size : (i + 1) * size]) for i, field in enumerate(FIELDS)}
    return {field: unpack_sound(part, dim) for field, part in parts.items() if any(part)}


def unpack_sound(blob: bytes, dim: int) -> Vectors | None:
    """The vector (dim,), or None when it is not what was written: doctor reports that, search goes on without it."""
    try:
        return unpack(blob, dim)
    except BadVectors:
        return None


def mark_changed() -> int:
    """Tell every process that segments changed; the new sequence number. Call it first in a transaction: the row stays
    locked until the commit, so that numbers become visible in their order.
    """
    IndexState.objects.update_or_create(pk=1, defaults={}, create_defaults={"sequence": 0})
    IndexState.objects.filter(pk=1).update(sequence=F("sequence") + 1)
    return IndexState.objects.values_list("sequence", flat=True).get(pk=1)


def drop_segments(segments: QuerySet[Segment], sequence: int) -> None:
    """Delete segments and leave tombstones, because generations on disk still hold them."""
    gone = list(segments.values_list("pk", flat=True))
    Tombstone.objects.bulk_create((Tombstone(segment=pk, sequence=sequence) for pk in gone), ignore_conflicts=True)
    segments.all().delete()


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
        vectors = encode_pictures(encoder, [load_picture(video.derived / f.file) for f in batch])
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


def encode_pictures(encoder: PictureEncoder, pictures: Sequence[Image], thorough: bool = True) -> Vectors:
    """(n, d); when memory does not suffice, half as many at a time. Raises `OutOfMemory` when one is too many."""
    try:
        return encoder.encode_images(pictures, thorough)
    except (OutOfMemory, MemoryError):
        if len(pictures) == 1:
            raise OutOfMemory(
                "There is not enough memory for one picture.", "Close other programs; the step tries again by itself."
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
        drop_segments(video.segments.filter(recipe=recipe), sequence)
        for span in spans:
            inside = [f for f in vectors if span.start <= f.time < span.end or len(spans) == 1]
            if inside:
                save_segment(video, recipe, sequence, span, {f: vectors[f] for f in inside})

    return store


def embed(video: Video, recipe: Recipe, progress: Progress) -> Callable[[], None]:
    """Vectors of every keyframe and of every segment's words, by one recipe; the returned function stores them."""
    frames = best_keyframes(video)
    seen = embed_frames(video, frames, engine.pictures(recipe), lambda share: progress(0.8 * share)) if frames else {}
    plan = plan_segments(video, recipe)
    encoded = encode_fields(video.title, plan, engine.sentences(recipe))
    progress(1.0)

    def store() -> None:
        sequence = mark_changed()
        captioned = list(video.segments.exclude(caption="").order_by("recipe"))
        drop_segments(video.segments.filter(recipe=recipe), sequence)
        for part, words in zip(plan, encoded, strict=True):
            inside = {f: seen[f.pk] for f in frames if part.start <= f.time < part.end}
            text, fields = pack(fusion.mean_direction(words)), pack_fields(words)
            save_segment(
                video, recipe, sequence, part, inside, text=text, field_vectors=fields, **inherit(part, captioned)
            )
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


def save_segment(
    video: Video,
    recipe: Recipe,
    sequence: int,
    part: Span | Planned,
    frames: dict[Keyframe, Vectors],
    **fields: object,
) -> None:
    """A segment whose visual block is the mean direction of its frames."""
    said, screen = getattr(part, "speech", ""), getattr(part, "screen", "")
    segment = Segment.objects.create(
        video=video,
        recipe=recipe,
        sequence=sequence,
        start=part.start,
        end=part.end,
        speech=said,
        screen=screen,
        visual=pack(fusion.mean_direction(list(frames.values()))) if frames else b"",
        terms=" ".join(terms(" ".join([video.title, said, screen]))),
        **fields,
    )
    segment.keyframes.set(frames)


def encode_fields(title: str, plan: Sequence[Planned], encoder: SentenceEncoder) -> Vectors:
    """(n, 3, d): speech, screen and title of each segment. A title like "IMG_2041" says nothing: zero."""
    named = " ".join(re.findall(r"[^\W\d_]{4,}|[\u4e00-\u9fff]{2,}", title))
    texts = list(dict.fromkeys(t for s in plan for t in (s.speech, s.screen, named)))
    known = dict(zip(texts, encoder.encode_passages(texts), strict=True))
    rows = [[known[s.speech], known[s.screen], known[named]] for s in plan]
    return np.asarray(rows, np.float32).reshape(len(plan), len(FIELDS), encoder.dim)
