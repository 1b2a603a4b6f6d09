"""The transcripts of a video: all are kept, one is searched and shown."""

from collections.abc import Iterable

from indexer import types
from webapp.models import SPEECH, Transcript, Utterance, Video

FIELDS = ("start", "end", "text", "confidence", "words", "language", "speaker")


def save(video: Video, source: str, language: str, title: str, utterances: Iterable[types.Utterance]) -> None:
    """Keep what a source has, in place of what it had."""
    lines = [
        {
            "start": u.start,
            "end": u.end,
            "text": u.text,
            "confidence": u.confidence,
            "words": [[w.text, w.start, w.end] for w in u.words],
            "language": u.language or language,
            "speaker": u.speaker[:80],
        }
        for u in utterances
    ]
    fields = {"language": language, "title": title[:80], "lines": lines}
    Transcript.objects.update_or_create(video=video, source=source, defaults=fields)


def use(video: Video, source: str) -> bool:
    """Search and show this one from now on; the one before is kept as it was corrected. False where there is none."""
    chosen = video.transcripts.filter(source=source).first()
    if chosen is None:
        return False
    if source != video.words_from:
        put_aside(video)
    video.utterances.all().delete()
    Utterance.objects.bulk_create(Utterance(video=video, **line) for line in chosen.lines)
    video.words_from, video.language = source, chosen.language
    video.save(update_fields=["words_from", "language"])
    return True


def put_aside(video: Video) -> None:
    """Keep the lines in use under their source."""
    lines = list(video.utterances.values(*FIELDS))
    if lines:
        fields = {"language": video.language, "lines": lines}
        Transcript.objects.update_or_create(video=video, source=video.words_from or SPEECH, defaults=fields)
