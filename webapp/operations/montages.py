"""Films of the library's own moments: a worker chooses them, cuts and joins them, in a thread beside its steps.

Only what its owner may see is in one. Every piece names its source in the picture and on the page; a film one of whose
sources is deleted goes with it (`uploads.removal`), and is not shown while one may not be seen (`is_shown`).
"""

import logging
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from indexer import box, montage
from indexer.errors import IndexerError, ModelMissing, translatable
from indexer.files import hash_file
from indexer.montage import Offer, choose
from indexer.ports import Progress
from indexer.types import Image, Span
from indexer.vectors import unpack
from webapp import engine
from webapp.answers.executors.relevance import MIN_LEAD_SHARE, PRESENT
from webapp.messages import base_language
from webapp.models import Montage, Piece, Segment, Shot, Utterance, Video
from webapp.operations import cards
from webapp.operations.voice import Sound, play
from webapp.pipeline.worker import process_name
from webapp.search.moments import find_moments
from webapp.search.translation import translate_lines
from webapp.storage.store import store

log = logging.getLogger(__name__)

SIZE, RATE, SOUND_RATE = cards.SIZE, 25, 44_100
TITLE_SECONDS, SOURCES_SECONDS = 2.6, 4.0
MAX_OFFERS = 40  # moments that are chosen from
LEASE = timedelta(minutes=2)  # after which another worker begins with what one left
MUSIC, UNDER_SOUND = 0.5, 0.1  # share of its loudness: alone, and under what is heard
AUDIBLE = 600  # loudest sample from which on a piece is heard
FADE_SECONDS = 0.4
Status = Montage.Status

_one_at_a_time = threading.Lock()  # of this process


class NothingFits(IndexerError):
    """No moment is sure enough to be shown."""

    code = "nothing-fits"


class Stopped(Exception):
    """It was cancelled, or another worker has it."""


@dataclass(frozen=True)
class Cut:
    """A piece that was chosen, and where it plays."""

    video: Video
    span: Span
    at: float


def sweep() -> None:
    """Begin the next film, unless this process makes one."""
    if _one_at_a_time.locked():
        return
    row = claim()
    if row is not None and _one_at_a_time.acquire(blocking=False):
        threading.Thread(target=_work, args=(row,), daemon=True).start()


def claim() -> Montage | None:
    due = Montage.objects.filter(Q(status=Status.QUEUED) | Q(status=Status.RENDERING, lease_until__lt=Now()))
    for row in due.order_by("pk"):
        taken = {"status": Status.RENDERING, "lease_owner": process_name(), "lease_until": Now() + LEASE, "progress": 0}
        if due.filter(pk=row.pk).update(**taken):
            return row
    return None


def is_shown(row: Montage) -> bool:
    """Whether its owner may still see every source."""
    sources = set(row.pieces.values_list("video", flat=True))
    may_see = Video.objects.visible_to(row.owner).filter(pk__in=sources).count()
    return row.pieces.count() == row.parts and may_see == len(sources)


def _work(row: Montage) -> None:
    try:
        make(row)
    finally:
        connection.close()
        _one_at_a_time.release()


def make(row: Montage) -> None:
    """From the topic to the file; what stops it is kept in words."""
    mine = Montage.objects.filter(pk=row.pk, status=Status.RENDERING, lease_owner=process_name())
    told = time.monotonic()

    def report(share: float) -> None:
        nonlocal told
        if time.monotonic() - told > 1:
            told = time.monotonic()
            if not mine.update(progress=share, lease_until=Now() + LEASE):
                raise Stopped

    try:
        cuts = plan(row)
        with store().workspace(f"derived/{row.key}") as folder:
            made = folder / "montage.mp4"
            render(row, cuts, made, report)
            name = f"montage-{hash_file(made)[:16]}.mp4"
            store().keep(made, f"derived/{row.key}/{name}")
        pieces = [write_down(row, cut) for cut in cuts]
        with transaction.atomic():
            done = {"status": Status.READY, "progress": 1, "file": name, "parts": len(cuts), "error_text": ""}
            if mine.update(**done, duration=length(cuts)):
                row.pieces.all().delete()
                Piece.objects.bulk_create(pieces)
    except Stopped:
        log.info("the film %s is no longer wanted here", row.key)
    except IndexerError as error:
        mine.update(status=Status.FAILED, error_text=error.text, error_values=error.values)
    except Exception as error:
        log.exception("the film %s could not be made", row.key)
        text = translatable("The film could not be made (%(why)s). Try again; the log of the worker says more.")
        mine.update(status=Status.FAILED, error_text=text, error_values={"why": type(error).__name__})


# -- choosing ------------------------------------------------------------------------------------------------------


def plan(row: Montage) -> list[Cut]:
    """Which moments, in which order. Raises `NothingFits`."""
    found = [m for m in find_moments(row.owner, row.topic, MAX_OFFERS).moments if m.video.width]
    least = MIN_LEAD_SHARE * max((m.lead for m in found), default=0.0)
    fitting = [m for m in found if m.confidence >= PRESENT and m.lead >= least]
    if not fitting:
        raise NothingFits("No moment fits “%(topic)s” surely enough. Try other words.", topic=row.topic)
    videos = {m.video.pk: m.video for m in fitting}
    said, shots = spans_of(Utterance, videos), spans_of(Shot, videos)
    recipe = fitting[0].segment.recipe
    blocks = Segment.objects.filter(pk__in=[m.segment.pk for m in fitting]).values_list("pk", "visual", "text")
    vectors = {
        pk: np.concatenate([unpack(visual, recipe.dims["visual"]), unpack(text, recipe.dims["text"])])
        for pk, visual, text in blocks
    }
    offers = [
        Offer(
            m.video.pk,
            montage.fit(Span(m.start, m.end), said[m.video.pk], shots[m.video.pk], m.video.duration),
            m.score,
            vectors[m.segment.pk],
        )
        for m in fitting
    ]
    at, cuts = TITLE_SECONDS, []
    for offer in choose(offers, row.seconds - TITLE_SECONDS - SOURCES_SECONDS):
        cuts.append(Cut(videos[offer.video], offer.span, at))
        at += count_frames(offer.span) / RATE
    return cuts


def spans_of(table: type[Utterance] | type[Shot], videos: Sequence[int] | dict[int, Video]) -> dict[int, list[Span]]:
    """Of each video its lines or shots, in order."""
    found: dict[int, list[Span]] = defaultdict(list)
    for video, start, end in (
        table.objects.filter(video__in=list(videos)).order_by("start").values_list("video", "start", "end")
    ):
        found[video].append(Span(start, end))
    return found


def write_down(row: Montage, cut: Cut) -> Piece:
    """With what is said in it; in the language of the film, too, where a model translates."""
    words = list_words(cut)
    translated = []
    try:
        told = translate_lines([text for *_times, text in words], cut.video.language, base_language(row.language))
        translated = [(start, end, text) for (start, end, _said), text in zip(words, told, strict=False)]
    except ModelMissing as error:
        log.warning("the film %s is not translated: %s", row.key, error)
    span = cut.span
    return Piece(
        montage=row, video=cut.video, start=span.start, end=span.end, at=cut.at, words=words, translated=translated
    )


def list_words(cut: Cut) -> list[tuple[float, float, str]]:
    """Its lines, on the clock of the film."""
    lines = cut.video.utterances.filter(start__lt=cut.span.end, end__gt=cut.span.start)
    return [
        (
            round(cut.at + max(line.start, cut.span.start) - cut.span.start, 2),
            round(cut.at + min(line.end, cut.span.end) - cut.span.start, 2),
            line.text,
        )
        for line in lines
    ]


def count_frames(span: Span) -> int:
    return round(span.length * RATE)


def length(cuts: Sequence[Cut]) -> float:
    return TITLE_SECONDS + sum(count_frames(cut.span) / RATE for cut in cuts) + SOURCES_SECONDS


# -- rendering -----------------------------------------------------------------------------------------------------


def render(row: Montage, cuts: Sequence[Cut], target: Path, report: Progress) -> None:
    """H.264 + AAC in an MP4. The sound of a piece is laid down before its first picture is asked for."""
    sound = np.zeros(round(length(cuts) * SOUND_RATE), np.int16)
    music = play(length(cuts), SOUND_RATE) if row.has_music else np.zeros(len(sound), np.int16)
    pictures = draw(row, cuts, sound, music, report)
    engine.load_adapter("indexer.adapters.pyav.movie.write_movie")(target, pictures, RATE, sound, SOUND_RATE)


def draw(row: Montage, cuts: Sequence[Cut], sound: Sound, music: Sound, report: Progress) -> Iterator[Image]:
    title = cards.draw_title(row.topic, len(cuts), len({cut.video.pk for cut in cuts}), row.language)
    mix(sound, music, 0, round(TITLE_SECONDS * SOUND_RATE), np.zeros(0, np.int16))
    yield from [title] * round(TITLE_SECONDS * RATE)
    for number, cut in enumerate(cuts):
        with cut.video.media.fetch() as path, tempfile.TemporaryDirectory() as out:
            frames, heard = box.read_excerpt(path, Path(out), cut.video.info, cut.span, SIZE, RATE, SOUND_RATE)
            begin, count = round(cut.at * SOUND_RATE), count_frames(cut.span)
            mix(sound, music, begin, begin + count * SOUND_RATE // RATE, heard)
            strip = cards.draw_source(cut.video.title, cut.span.start)
            black = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            for place in range(count):
                frame = np.array(frames[min(place, len(frames) - 1)]) if len(frames) else black
                yield cards.lay_over(frame, strip)
                report((number + place / count) / len(cuts))
    last = cards.draw_sources([(cut.video.title, cut.span.start) for cut in cuts], row.language)
    mix(sound, music, round((length(cuts) - SOURCES_SECONDS) * SOUND_RATE), len(sound), np.zeros(0, np.int16))
    yield from [last] * round(SOURCES_SECONDS * RATE)


def mix(sound: Sound, music: Sound, begin: int, end: int, heard: Sound) -> None:
    """What is heard in [begin, end), faded at its edges, over the music, which gives way to it."""
    end = min(end, len(sound))
    own = np.zeros(end - begin, np.float32)
    own[: len(heard)] = heard[: len(own)]
    edge = min(round(FADE_SECONDS * SOUND_RATE), len(own) // 2)
    if edge:
        rise = np.linspace(0, 1, edge, dtype=np.float32)
        own[:edge] *= rise
        own[-edge:] *= rise[::-1]
    under = UNDER_SOUND if np.abs(own).max(initial=0) > AUDIBLE else MUSIC
    sound[begin:end] = np.clip(own + under * music[begin:end], -32_768, 32_767).astype(np.int16)
