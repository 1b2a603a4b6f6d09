"""Describing a video: a caption per segment, tags, citable evidence, chapters and a summary."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.fusion import mean_direction
from indexer.ports import Progress, SentenceEncoder
from indexer.types import Vectors
from qa import chapters, suggestions, summarizer
from qa.evidence import score_evidence, split_clauses
from qa.reader import answer_by_quoting
from qa.types import Caption, Chapter, Sentence
from qa.types import Evidence as Piece
from webapp import engine, models
from webapp.index import recipes
from webapp.models import Evidence, EvidenceVector, Keyframe, Recipe, Segment, Utterance, Video
from webapp.pipeline import tags
from webapp.pipeline.embed import load_picture, pack, unpack
from webapp.search.candidates import load_frames, split

SURE = 0.12  # a caption whose words have a lower mean probability is not shown or cited
BATCH = 16  # pictures captioned at a time
SUMMARY_SENTENCES = 5
SUGGESTIONS = 3
TALKATIVE = 0.2  # share of a video that is spoken, from which on its summary is made of speech alone


def describe(video: Video, progress: Progress) -> Callable[[], None]:
    """Compute everything a person reads about the video; the returned function stores it."""
    recipe = recipes.active()
    reading = engine.sentences(recipe)
    segments = list(video.segments.filter(recipe=recipe))
    captions = caption_segments(video, segments, recipe, lambda share: progress(0.6 * share))
    utterances = list(video.utterances.all())
    pieces = collect(video, utterances, segments, captions)
    vectors = reading.encode_passages([p.text for p in pieces])
    progress(0.9)
    words = np.stack([unpack(s.text, reading.dim) for s in segments]) if segments else np.zeros((0, 1))
    looks = np.stack([unpack(s.visual, recipe.dims["visual"]) for s in segments]) if segments else np.zeros((0, 1))
    found = divide(segments, captions, np.concatenate([words, looks], 1).astype(np.float32))
    told, meanings = tell(video, utterances, pieces, vectors)
    summary = summarizer.summarize(told, meanings, SUMMARY_SENTENCES)
    detailed = summarizer.summarize_chapters(told, meanings, found)
    questions = suggest(pieces, vectors, reading)
    tags = tags.find_tags(segments, looks, utterances, recipe)
    named = name_stretches(video, found, tags)
    pieces += named
    vectors = np.concatenate([vectors, reading.encode_passages([p.text for p in named])])

    def store() -> None:
        for segment, caption in zip(segments, captions, strict=True):
            Segment.objects.filter(pk=segment.pk).update(
                caption=caption.text if caption.confidence >= SURE else "", caption_confidence=caption.confidence
            )
        video.evidence.all().delete()
        rows = [
            Evidence(video=video, kind=p.kind, start=p.start, end=p.end, text=p.text, sentence=p.sentence)
            for p in pieces
        ]
        Evidence.objects.bulk_create(rows)
        save_vectors(rows, vectors, reading.name)
        video.chapters.all().delete()
        models.Chapter.objects.bulk_create(
            models.Chapter(video=video, start=c.start, end=c.end, title=c.title[:120]) for c in found
        )
        video.summary, video.detailed = timed(summary), timed(detailed)
        video.timeline.all().delete()
        models.Tag.objects.bulk_create(models.Tag(video=video, **asdict(tag)) for tag in tags)
        video.tags, video.suggestions = tags.stand_out(tags), questions
        video.save(update_fields=["summary", "detailed", "tags", "suggestions"])

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


def caption_segments(video: Video, segments: Sequence[Segment], recipe: Recipe, progress: Progress) -> list[Caption]:
    """One caption per segment, of the keyframe nearest to its visual middle; empty for sound without picture."""
    frames = load_frames([s.pk for s in segments], recipe)
    shown = Keyframe.objects.filter(segments__in=segments).values_list("segments", "time", "file")
    files = {(segment, time): file for segment, time, file in shown}
    typical: dict[int, str] = {}
    for segment in segments:
        vectors, times = frames.get(segment.pk, (None, []))
        if vectors is not None:
            middle = unpack(segment.visual, recipe.dims["visual"])
            typical[segment.pk] = files[segment.pk, times[int((vectors @ middle).argmax())]]
    captions: dict[int, Caption] = {}
    chosen = list(typical)
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        pictures = [load_picture(video.derived / typical[pk]) for pk in batch]
        captions |= dict(zip(batch, engine.captioner().caption(pictures), strict=True))
        progress(min(1.0, (start + BATCH) / len(chosen)))
    return [captions.get(segment.pk, Caption("", 0.0)) for segment in segments]


def collect(
    video: Video, utterances: Sequence[Utterance], segments: Sequence[Segment], captions: Sequence[Caption]
) -> list[Piece]:
    """Everything of this video that an answer may cite, by kind and time."""
    pieces = [
        Piece(0, video.pk, start, end, "speech", text, u.text)
        for u in utterances
        for start, end, text in split_clauses([(w, a, b) for w, a, b in u.words]) or [(u.start, u.end, u.text)]
        if has_letters(text)
    ]
    pieces += [Piece(0, video.pk, s.start, s.end, "screen", s.screen) for s in segments if s.screen]
    pieces += [
        Piece(0, video.pk, s.start, s.end, "caption", c.text)
        for s, c in zip(segments, captions, strict=True)
        if c.text and c.confidence >= SURE
    ]
    return pieces


def name_stretches(video: Video, found: Sequence[Chapter], tags: Sequence[tags.Found]) -> list[Piece]:
    """Chapters by their titles, and what is seen by its labels: what is said or written is evidence of its own."""
    titles = [Piece(0, video.pk, c.start, c.end, "chapter", c.title) for c in found if has_letters(c.title)]
    seen = [Piece(0, video.pk, t.start, t.end, "tag", t.name) for t in tags if t.source == models.Tag.Source.PICTURE]
    return titles + seen


def has_letters(text: str) -> bool:
    """A lone number or mark is no sentence that one could cite."""
    return any(c.isalpha() for c in text)


def divide(segments: Sequence[Segment], captions: Sequence[Caption], vectors: npt.NDArray[np.float32]) -> list[Chapter]:
    """Chapters titled by what is said in them, or else by what is seen."""
    titles = [s.speech or s.screen or c.text for s, c in zip(segments, captions, strict=True)]
    return chapters.find_chapters([(s.start, s.end) for s in segments], vectors, titles)


def tell(
    video: Video, utterances: Sequence[Utterance], pieces: Sequence[Piece], vectors: Vectors
) -> tuple[list[Piece], Vectors]:
    """What a summary may say, with its meaning: whole sentences where much is spoken, otherwise captions and screen
    text, too. The meaning of a sentence is that of its clauses.
    """
    spoken = [i for i, p in enumerate(pieces) if p.kind == "speech"]
    if not spoken or sum(pieces[i].end - pieces[i].start for i in spoken) < TALKATIVE * video.duration:
        return list(pieces), vectors
    told, meanings = [], []
    for utterance in utterances:
        inside = [i for i in spoken if utterance.start <= pieces[i].start < max(utterance.end, utterance.start + 0.01)]
        if inside:
            told.append(Piece(0, video.pk, utterance.start, utterance.end, "speech", utterance.text))
            meanings.append(mean_direction(vectors[inside]))
    return told, np.stack(meanings)


def suggest(pieces: Sequence[Piece], vectors: Vectors, reading: SentenceEncoder) -> list[str]:
    """Questions that are answered from these pieces, tried one by one."""
    answered: list[str] = []
    for question in suggestions.propose(pieces, [split(p.text) for p in pieces]):
        scored = score_evidence(question, reading.encode_queries([question])[0], pieces, vectors, split)
        if not answer_by_quoting(question, scored, trusted=("screen",)).abstained:
            answered.append(question)
        if len(answered) == SUGGESTIONS:
            break
    return answered


def timed(sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    return [{"text": s.text, "start": s.citations[0].start, "end": s.citations[0].end} for s in sentences]
