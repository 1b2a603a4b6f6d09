"""Describing a video: a caption per segment, tags, citable evidence, chapters and a summary."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from indexer.ports import Progress
from indexer.tags import pick_for_video
from indexer.terms import cached_terms
from indexer.types import Vectors
from indexer.vectors import pack, unpack
from qa import describer, summarizer
from qa.captions import keep_confident, measure_fit
from qa.keyphrases import find_keyphrases
from qa.types import Caption, Chapter, Sentence
from qa.types import Evidence as Piece
from webapp import engine, models
from webapp.index import recipes
from webapp.models import Evidence, EvidenceVector, Keyframe, Recipe, Segment, Video
from webapp.pipeline import classifiers, tags
from webapp.pipeline.embed import load_picture
from webapp.search.background import encode_background
from webapp.search.candidates import load_frames

CAPTION_BATCH = 16  # pictures captioned at a time
MAX_SUMMARY_SENTENCES = 5
MAX_PHRASES = 8  # that say what it is about; the summary's sentences support them


def describe(video: Video, progress: Progress) -> Callable[[], None]:
    """Compute everything a person reads about the video; the returned function stores it."""
    recipe = recipes.active()
    encoder = engine.sentences(recipe)
    segments = list(video.segments.filter(recipe=recipe))
    captions, novelty = caption_segments(video, segments, recipe, lambda share: progress(0.6 * share))
    utterances = list(video.utterances.all())
    pieces = describer.collect_evidence(video.pk, utterances, segments, captions)
    vectors = encoder.encode_passages([p.text for p in pieces])
    progress(0.9)
    text, visual = (
        stack([s.text for s in segments], encoder.dim),
        stack([s.visual for s in segments], recipe.dims["visual"]),
    )
    chapters = describer.divide(segments, captions, np.concatenate([text, visual], 1).astype(np.float32))
    named_by_file = [Chapter(c["start"], c["end"], c["title"]) for c in video.info.chapters]
    chapters = named_by_file or describer.retitle(chapters, utterances)
    sources, means = describer.choose_sources(video.duration, utterances, pieces, vectors)
    summary = summarizer.shorten(summarizer.summarize(sources, means, MAX_SUMMARY_SENTENCES), sources)
    about = find_topics(sources)
    detailed = summarizer.summarize_chapters(sources, means, chapters)
    questions = describer.suggest_questions(pieces, vectors, encoder.encode_queries, cached_terms)
    known = visual * (novelty < 1)[:, None].astype(np.float32)  # nothing is recognised in what no encoder knows
    taught = set(models.Label.objects.taught().values_list("name", flat=True))  # their examples decide: `tag_video`
    found = tags.find_tags(segments, known, utterances, recipe)
    found = [t for t in found if t.source != models.Tag.Source.PICTURE or t.name not in taught]
    seen = [(t.name, t.start, t.end) for t in found if t.source == models.Tag.Source.PICTURE]
    named = describer.collect_names(video.pk, chapters, seen)
    pieces += named
    vectors = np.concatenate([vectors, encoder.encode_passages([p.text for p in named])])

    def store() -> None:
        save_captions(segments, captions)
        save_evidence(video, pieces, vectors, encoder.name)
        video.chapters.all().delete()
        models.Chapter.objects.bulk_create(
            models.Chapter(video=video, start=c.start, end=c.end, title=c.title[:120]) for c in chapters
        )
        video.summary, video.detailed, video.about = add_times(summary), add_times(detailed), about
        video.timeline.all().delete()
        models.Tag.objects.bulk_create(models.Tag(video=video, **asdict(tag)) for tag in found)
        video.tags, video.suggestions = pick_for_video(found), questions
        video.save(update_fields=["summary", "detailed", "about", "tags", "suggestions"])
        classifiers.tag_video(video)

    return store


def find_topics(sources: Sequence[Piece]) -> list[dict[str, Any]]:
    """What is spoken about, with the sentence that says it."""
    spoken = [p for p in sources if p.kind == "speech"]
    return [
        {"text": p.text, "start": p.evidence.start, "end": p.evidence.end} for p in find_keyphrases(spoken, MAX_PHRASES)
    ]


def save_captions(segments: Sequence[Segment], captions: Sequence[Caption]) -> None:
    for segment, caption in zip(segments, captions, strict=True):
        Segment.objects.filter(pk=segment.pk).update(caption=caption.text, caption_confidence=caption.confidence)


def save_evidence(video: Video, pieces: Sequence[Piece], vectors: Vectors, encoder: str) -> None:
    video.evidence.all().delete()
    video.study_cards.exclude(sentence__in=[p.text for p in pieces]).delete()  # what is no longer said
    rows = [
        Evidence(video=video, kind=p.kind, start=p.start, end=p.end, text=p.text, sentence=p.sentence) for p in pieces
    ]
    Evidence.objects.bulk_create(rows)
    save_vectors(rows, vectors, encoder)


def stack(blobs: Sequence[bytes | memoryview], dim: int) -> Vectors:
    """(n, dim); (0, 1) without any."""
    return np.stack([unpack(blob, dim) for blob in blobs]) if blobs else np.zeros((0, 1), np.float32)


def embed_evidence(video: Video, recipe: Recipe) -> Callable[[], None]:
    """Vectors of what may be cited, by the sentence encoder of another recipe than that which described the video."""
    encoder = engine.sentences(recipe)
    rows = list(video.evidence.exclude(vectors__encoder=encoder.name))
    vectors = encoder.encode_passages([r.text for r in rows])
    return lambda: save_vectors(rows, vectors, encoder.name)


def save_vectors(rows: Sequence[Evidence], vectors: Vectors, encoder: str) -> None:
    EvidenceVector.objects.bulk_create(
        (EvidenceVector(evidence=r, encoder=encoder, vector=pack(v)) for r, v in zip(rows, vectors, strict=True)),
        ignore_conflicts=True,
    )


def caption_segments(
    video: Video, segments: Sequence[Segment], recipe: Recipe, progress: Progress
) -> tuple[list[Caption], Vectors]:
    """One caption per segment, of the keyframe nearest to its visual middle, and how novel that picture is (n,).
    Without words for sound without picture, and where the caption is not likely right.
    """
    encoder, captioner = engine.pictures(recipe), engine.captioner()
    everyday, _spoken = encode_background(encoder, engine.sentences(recipe))
    frames = load_frames([s.pk for s in segments], recipe)
    shown = Keyframe.objects.filter(segments__in=segments).values_list("segments", "time", "file")
    files = {(segment, time): file for segment, time, file in shown}
    typical: dict[int, str] = {}
    looks: dict[int, Vectors] = {}
    for segment in segments:
        vectors, _smoothed, times = frames.get(segment.pk, (None, None, []))
        if vectors is not None:
            middle = unpack(segment.visual, recipe.dims["visual"])
            nearest = int((vectors @ middle).argmax())
            typical[segment.pk], looks[segment.pk] = files[segment.pk, times[nearest]], vectors[nearest]
    captions: dict[int, Caption] = {}
    novelty: dict[int, float] = {}
    chosen = list(typical)
    for start in range(0, len(chosen), CAPTION_BATCH):
        batch = chosen[start : start + CAPTION_BATCH]
        pictures = [load_picture(video.derived(typical[pk]).read()) for pk in batch]
        written = captioner.caption(pictures)
        read = encoder.encode_texts([caption.text for caption in written])
        fit = measure_fit(np.stack([looks[pk] for pk in batch]), read, everyday)
        captions |= dict(zip(batch, keep_confident(written, fit), strict=True))
        novelty |= dict(zip(batch, encoder.measure_novelty(pictures).tolist(), strict=True))
        progress(min(1.0, (start + CAPTION_BATCH) / len(chosen)))
    of_segments = [captions.get(segment.pk, Caption("", 0.0)) for segment in segments]
    return of_segments, np.array([novelty.get(segment.pk, 0.0) for segment in segments], np.float32)


def add_times(sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    return [{"text": s.text, "start": s.citations[0].start, "end": s.citations[0].end} for s in sentences]
