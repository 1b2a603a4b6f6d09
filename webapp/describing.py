"""Describing a video: a caption per segment, tags, citable evidence, chapters and a summary."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from indexer.ports import Progress
from indexer.types import Vectors
from qa import chapters, summarizer
from qa.types import Caption, Chapter, Sentence
from qa.types import Evidence as Piece
from webapp import engine, models, recipes, tagging
from webapp.embedding import load_picture, pack, unpack
from webapp.models import Evidence, EvidenceVector, FrameVector, Recipe, Segment, Video

SURE = 0.12  # a caption whose words have a lower mean probability is not shown or cited
SUMMARY_SENTENCES = 5


def describe(video: Video, progress: Progress) -> Callable[[], None]:
    """Compute everything a person reads about the video; the returned function stores it."""
    recipe = recipes.active()
    reading = engine.sentences(recipe)
    segments = list(video.segments.filter(recipe=recipe).select_related("recipe"))
    captions = caption_segments(video, segments, lambda share: progress(0.6 * share))
    pieces = collect(video, segments, captions)
    vectors = reading.encode_passages([p.text for p in pieces])
    progress(0.9)
    words = np.stack([unpack(s.text, reading.dim) for s in segments]) if segments else np.zeros((0, 1))
    looks = np.stack([unpack(s.visual, recipe.dims["visual"]) for s in segments]) if segments else np.zeros((0, 1))
    found = divide(segments, captions, np.concatenate([words, looks], 1).astype(np.float32))
    summary = sum_up(pieces, vectors)
    tags = tagging.name_tags(looks, recipe)

    def store() -> None:
        for segment, caption in zip(segments, captions, strict=True):
            Segment.objects.filter(pk=segment.pk).update(
                caption=caption.text if caption.confidence >= SURE else "", caption_confidence=caption.confidence
            )
        video.evidence.all().delete()
        rows = [Evidence(video=video, kind=p.kind, start=p.start, end=p.end, text=p.text) for p in pieces]
        Evidence.objects.bulk_create(rows)
        save_vectors(rows, vectors, reading.name)
        video.chapters.all().delete()
        models.Chapter.objects.bulk_create(
            models.Chapter(video=video, start=c.start, end=c.end, title=c.title[:120]) for c in found
        )
        video.summary = [{"text": s.text, "start": s.citations[0].start, "end": s.citations[0].end} for s in summary]
        video.tags = tags
        video.save(update_fields=["summary", "tags"])

    return store


def embed_evidence(video: Video, recipe: Recipe) -> Callable[[], None]:
    """Vectors of what may be cited, by the sentence encoder of another recipe than that which described the video."""
    reading = engine.sentences(recipe)
    rows = list(video.evidence.exclude(vectors__encoder=reading.name))
    vectors = reading.encode_passages([r.text for r in rows])
    return lambda: save_vectors(rows, vectors, reading.name)


def save_vectors(rows: Sequence[Evidence], vectors: Vectors, encoder: str) -> None:
    EvidenceVector.objects.bulk_create(
        (EvidenceVector(evidence=r, encoder=encoder, vector=pack(v)) for r, v in zip(rows, vectors, strict=True)),
        ignore_conflicts=True,
    )


def caption_segments(video: Video, segments: Sequence[Segment], progress: Progress) -> list[Caption]:
    """One caption per segment, of the keyframe nearest to its visual middle; empty for sound without picture."""
    captions: list[Caption] = []
    for number, segment in enumerate(segments):
        dim, encoder = segment.recipe.dims["visual"], segment.recipe.picture_encoder
        frames = FrameVector.objects.filter(keyframe__segments=segment, encoder=encoder).select_related("keyframe")
        if frames:
            middle = unpack(segment.visual, dim)
            typical = max(frames, key=lambda f: float(unpack(f.vector, dim) @ middle)).keyframe
            captions += engine.captioner().caption([load_picture(video.derived / typical.file)])
        else:
            captions.append(Caption("", 0.0))
        progress((number + 1) / len(segments))
    return captions


def collect(video: Video, segments: Sequence[Segment], captions: Sequence[Caption]) -> list[Piece]:
    """Everything of this video that an answer may cite, by kind and time."""
    pieces = [
        Piece(0, video.pk, u.start, u.end, "speech", u.text) for u in video.utterances.all() if has_letters(u.text)
    ]
    pieces += [Piece(0, video.pk, s.start, s.end, "screen", s.screen) for s in segments if s.screen]
    pieces += [
        Piece(0, video.pk, s.start, s.end, "caption", c.text)
        for s, c in zip(segments, captions, strict=True)
        if c.text and c.confidence >= SURE
    ]
    return pieces


def has_letters(text: str) -> bool:
    """A lone number or mark is no sentence that one could cite."""
    return any(c.isalpha() for c in text)


def divide(segments: Sequence[Segment], captions: Sequence[Caption], vectors: npt.NDArray[np.float32]) -> list[Chapter]:
    """Chapters titled by what is said in them, or else by what is seen."""
    titles = [s.speech or s.screen or c.text for s, c in zip(segments, captions, strict=True)]
    return chapters.find_chapters([(s.start, s.end) for s in segments], vectors, titles)


def sum_up(pieces: Sequence[Piece], vectors: Vectors) -> list[Sentence]:
    """From speech where there is enough of it, otherwise from captions and screen text too."""
    spoken = [i for i, p in enumerate(pieces) if p.kind == "speech"]
    rows = spoken if len(spoken) >= 2 else list(range(len(pieces)))
    return summarizer.summarize([pieces[i] for i in rows], vectors[rows], SUMMARY_SENTENCES)
