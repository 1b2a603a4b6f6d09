"""The words of segments as the lexical channel wants them: written with the segments, again when a title changes, and
once for those that an older version left without.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from indexer.documents import Document
from webapp.index.changes import mark_changed
from webapp.models import Segment, Video

MAX_VIDEOS = 100  # that are rewritten in one transaction: every process reloads after each


def write_documents(video: Video, segments: Sequence[Segment]) -> None:
    """Sets `tokens` and `language` of all segments of a recipe, in the order of time; does not save them."""
    spoken = list(video.utterances.exclude(language="").values_list("start", "end", "language"))
    following = [*(segment.speech for segment in segments[1:]), ""]
    for segment, after in zip(segments, following, strict=True):
        seconds: dict[str, float] = defaultdict(float)
        for start, end, language in spoken:
            seconds[language] += max(0.0, min(end, segment.end) - max(start, segment.start))
        named = max(seconds, key=seconds.__getitem__, default="") if segment.speech else ""
        segment.language = named if seconds[named] > 0 else video.language if segment.speech else ""
        document = Document.of(video.names, segment.screen, segment.speech, after, segment.language or video.language)
        segment.tokens = str(document)


def retitle(video: Video) -> None:
    """After its names have changed: they are searched from now on."""
    segments = list(video.segments.exclude(tokens=None).only("tokens", "language"))
    for segment in segments:
        segment.tokens = str(Document.parse(segment.tokens or "").retitled(video.names, video.language))
    save_documents(segments)


def fill_documents() -> bool:
    """Whether there were segments that an older version had left without words."""
    videos = list(Video.objects.filter(segments__tokens=None).distinct())
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
