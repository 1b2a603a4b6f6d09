"""What a person says the transcript is: subtitles of their own, another track of the file, a line that is mended."""

from glob import escape
from pathlib import Path

from django.db import transaction

from indexer import cues
from webapp.models import BROUGHT, Utterance, Video
from webapp.pipeline import ledger


def replace(video: Video, found: cues.Cues) -> None:
    """The cues become the video's transcript and stay it; what was made of the old one is made again."""
    with transaction.atomic():
        video.utterances.all().delete()
        Utterance.objects.bulk_create(Utterance(video=video, start=s, end=e, text=t) for s, e, t in found)
        video.words_from = BROUGHT
        video.save(update_fields=["words_from"])
        if video.segments.exists():
            ledger.add(video, "embed")
            ledger.settle(video)


def find_beside(path: Path) -> Path | None:
    """Subtitles that lie beside a file under its name: film.srt or film.en.srt for film.mp4."""
    near = sorted(path.parent.glob(f"{escape(path.stem)}*"))
    fits = [p for p in near if p.suffix.lower() in cues.FORMATS and p.name[len(path.stem)] == "."]
    return min(fits, key=lambda p: len(p.name), default=None)


def correct(utterance: Utterance, text: str) -> None:
    """Another text for a line; its words lose their own times. What was made of the old one is made again."""
    with transaction.atomic():
        if text:
            utterance.text, utterance.words, utterance.confidence = text, [], 1.0
            utterance.save(update_fields=["text", "words", "confidence"])
        else:
            utterance.delete()
        ledger.add(utterance.video, "embed")
        ledger.settle(utterance.video)
