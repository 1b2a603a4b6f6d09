"""Subtitles that a person brings (VTT, SRT) become the transcript: plain text with times, nothing else of the file."""

import html
import re
from pathlib import Path

import pysubs2
from django.db import transaction
from django.utils.translation import gettext as _

from webapp.models import Utterance, Video
from webapp.pipeline import ledger

FORMATS = {".vtt": "vtt", ".srt": "srt"}  # nothing else, whatever the file calls itself
MAX_BYTES = 1 << 20
MAX_CUES = 20_000
MAX_CHARACTERS = 1000  # of a cue
_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")


class BadSubtitles(Exception):
    """The file can't be taken; the message is for the person."""


def read(name: str, data: bytes, duration: float) -> list[tuple[float, float, str]]:
    """(start, end, text) of each cue within `duration` seconds, in order; text without tags or line breaks."""
    kind = FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        raise BadSubtitles(_("Only .vtt and .srt files are taken."))
    if len(data) > MAX_BYTES:
        raise BadSubtitles(_("Subtitles may have 1 MB at most."))
    try:
        events = pysubs2.SSAFile.from_string(data.decode("utf-8-sig"), format_=kind).events
    except UnicodeDecodeError:
        raise BadSubtitles(_("The file is not in UTF-8. Save it as UTF-8 and try again.")) from None
    except (pysubs2.exceptions.Pysubs2Error, ValueError, OverflowError):
        raise BadSubtitles(_("The file has no subtitles that can be read.")) from None
    cues = []
    for event in sorted(events[:MAX_CUES], key=lambda e: e.start):
        start, end, text = event.start / 1000, min(event.end / 1000, duration), clean(event.plaintext)
        if text and 0 <= start < end:
            cues.append((start, end, text))
    if not cues:
        raise BadSubtitles(_("The file has no subtitles that can be read."))
    return cues


def clean(text: str) -> str:
    """No tags (also not those that only appear once entities are read), no control characters, one line."""
    before = ""
    while text != before:
        before, text = text, html.unescape(_TAG.sub("", text))
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_CHARACTERS]
    return text


def replace(video: Video, cues: list[tuple[float, float, str]]) -> None:
    """The cues become the video's transcript; what was made of the old one is made again."""
    with transaction.atomic():
        video.utterances.all().delete()
        Utterance.objects.bulk_create(Utterance(video=video, start=s, end=e, text=t) for s, e, t in cues)
        ledger.add(video, "embed")
        ledger.settle(video)


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
