"""Vectors in the database: packing them, embedding keyframes and words, writing segments."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.db.models import F
from PIL import Image as Pillow

from indexer import fusion
from indexer.ports import Progress
from indexer.segments import build_segments
from indexer.terms import terms
from indexer.types import Image, ScreenLine, Span, Utterance, Vectors
from webapp import engine
from webapp.models import IndexState, Keyframe, Segment, Video

BATCH = 16  # pictures between two progress reports


def load_picture(path: Path) -> Image:
    return np.asarray(Pillow.open(path).convert("RGB"))


def pack(vector: Vectors) -> bytes:
    """Float16 bytes; empty for a vector of zeros."""
    return vector.astype(np.float16).tobytes() if np.any(vector) else b""


def unpack(blob: bytes | memoryview, dim: int) -> Vectors:
    """The float32 vector (dim,); zeros for empty bytes."""
    return np.frombuffer(blob, np.float16).astype(np.float32) if blob else np.zeros(dim, np.float32)


def encode_pictures(paths: Sequence[Path], progress: Progress) -> Vectors:
    """(n, d) for n picture files."""
    encoder = engine.pictures()
    parts = [np.zeros((0, encoder.dim), np.float32)]
    for start in range(0, len(paths), BATCH):
        parts.append(encoder.encode_images([load_picture(p) for p in paths[start : start + BATCH]]))
        progress(min(1.0, (start + BATCH) / len(paths)))
    return np.concatenate(parts)


def replace_keyframes(video: Video, frames: Sequence[Keyframe]) -> None:
    old = set(video.keyframes.values_list("file", flat=True)) - {f.file for f in frames}
    video.keyframes.all().delete()
    Keyframe.objects.bulk_create(frames)
    for name in old:
        (video.derived / name).unlink(missing_ok=True)


def save_segment(video: Video, span: Span, frames: Sequence[Keyframe], **fields: object) -> Segment:
    """A segment whose visual block is the mean direction of its frames."""
    dim = engine.pictures().dim
    visual = fusion.mean_direction([unpack(f.vector, dim) for f in frames]) if frames else np.zeros(dim, np.float32)
    segment = Segment.objects.create(
        video=video,
        start=span.start,
        end=span.end,
        visual=pack(visual),
        terms=" ".join(terms(" ".join([video.title, *(str(fields.get(k, "")) for k in ("speech", "screen"))]))),
        models_used=engine.fingerprint(),
        **fields,
    )
    Keyframe.objects.filter(pk__in=[f.pk for f in frames]).update(segment=segment)
    return segment


def mark_changed() -> None:
    """Tell every process that segments changed (see `library`)."""
    IndexState.objects.update_or_create(pk=1, defaults={}, create_defaults={"sequence": 0})
    IndexState.objects.filter(pk=1).update(sequence=F("sequence") + 1)


def plan_segments(video: Video) -> list[tuple[Span, str, str]]:
    """Spans with their speech and screen text, from what the earlier stages stored."""
    utterances = [Utterance(u.start, u.end, u.text) for u in video.utterances.all()]
    lines = [ScreenLine(s.time, s.text, s.confidence, (0, 0, 0, 0)) for s in video.screen_lines.all()]
    shots = [Span(s.start, s.end) for s in video.shots.all()]
    return [
        (Span(s.start, s.end), s.speech, s.screen) for s in build_segments(shots, utterances, lines, video.duration)
    ]


def passage(title: str, said: str, screen: str) -> str:
    """The words of a segment as one text. A title like "IMG_2041" says nothing and stays out."""
    words = re.findall(r"[^\W\d_]{4,}|[\u4e00-\u9fff]{2,}", title)
    return ". ".join(part for part in (" ".join(words), said, screen) if part)
