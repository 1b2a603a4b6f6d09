"""The words of segments as the lexical channel wants them: written with the segments, again when a title changes, and
once for those that an older version left without.
"""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from indexer.documents import Document
from webapp.index.changes import mark_changed
from webapp.models import Recipe, Segment, Video


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


def rewrite_documents(video: Video) -> None:
    """After its names have changed: what is searched from now on has the new ones."""
    for recipe in Recipe.objects.filter(segments__video=video).distinct():
        segments = list(video.segments.filter(recipe=recipe).order_by("start"))
        write_documents(video, segments)
        with transaction.atomic():
            sequence = mark_changed()
            for segment in segments:
                segment.sequence = sequence
            Segment.objects.bulk_update(segments, ["tokens", "language", "sequence"], batch_size=500)


def fill_documents() -> bool:
    """Whether there were segments that an older version had left without words."""
    videos = Video.objects.filter(segments__tokens=None).distinct()
    for video in videos:
        rewrite_documents(video)
    return bool(videos)
