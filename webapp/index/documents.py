"""The words of segments as the lexical channel wants them: written with the segments, again when a title changes, and
once for those that an older version left without.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from django.db import transaction
from django.db.models import QuerySet

from indexer.documents import Document
from indexer.languages import detect_language
from webapp.index.changes import mark_changed
from webapp.models import SPEECH, Segment, Utterance, Video

MAX_UNWRITTEN = 5000  # segments whose words are read from their texts, half a millisecond each
MAX_VIDEOS = 100  # that are rewritten in one transaction: every process reloads after each


def write_documents(video: Video, segments: Sequence[Segment]) -> None:
    """Sets `tokens` and `language` of all segments of a recipe, in the order of time; does not save them."""
    spoken, named = list_spoken(video), video.language or detect_language(video.names)
    following = [*(segment.speech for segment in segments), ""][1:]
    for segment, after in zip(segments, following, strict=True):
        inside = [line for line in spoken if line.start < segment.end and segment.start < line.end]
        seconds: dict[str, float] = defaultdict(float)
        for line in inside:
            seconds[line.language] += min(line.end, segment.end) - max(line.start, segment.start)
        segment.language = max(seconds, key=seconds.__getitem__, default=video.language) if segment.speech else ""
        language = segment.language or named
        others = [(line.text, line.language) for line in inside if line.language != language]
        segment.tokens = str(Document.of(video.names, segment.screen, segment.speech, after, language, others))


def list_spoken(video: Video) -> list[Utterance]:
    """Its lines with the language of each: heard, or told by the words where somebody else wrote them."""
    spoken = list(video.utterances.all())
    if video.words_from and video.words_from != SPEECH:
        for line in spoken:
            line.language = detect_language(line.text) or line.language
    return spoken


def retitle(video: Video) -> None:
    """After its names have changed: they are searched from now on."""
    segments = list(video.segments.exclude(tokens=None).only("tokens", "language"))
    for segment in segments:
        segment.tokens = str(Document.parse(segment.tokens or "").retitled(video.names))
    save_documents(segments)


def read_documents(segments: QuerySet[Segment]) -> dict[int, Document]:
    """The words of each, by its number. Of what an older version left without, a few thousand are read from the texts
    while they wait to be written.
    """
    written = segments.exclude(tokens=None).values_list("pk", "tokens")
    found = {pk: Document.parse(tokens or "") for pk, tokens in written}
    for segment in segments.filter(tokens=None).select_related("video")[:MAX_UNWRITTEN]:
        found[segment.pk] = Document.of(segment.video.names, segment.screen, segment.speech)
    return found


def fill_documents() -> bool:
    """Whether there were segments that an older version had left without words."""
    videos = list(Video.objects.filter(segments__tokens=None).distinct().order_by("language", "pk"))
    for start in range(0, len(videos), MAX_VIDEOS):
        segments: list[Segment] = []
        for video in videos[start : start + MAX_VIDEOS]:
            for _, some in groupby(video.segments.order_by("recipe", "start"), key=attrgetter("recipe_id")):
                group = list(some)
                write_documents(video, group)
                segments += group
        save_documents(segments)
    return bool(videos)


def save_documents(segments: Sequence[Segment]) -> None:
    """Every process reads these segments again."""
    if segments:
        with transaction.atomic():
            sequence = mark_changed()
            for segment in segments:
                segment.sequence = sequence
            Segment.objects.bulk_update(segments, ["tokens", "language", "sequence"], batch_size=500)
