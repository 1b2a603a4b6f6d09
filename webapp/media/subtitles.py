"""What a person says the transcript is: subtitles of their own, a line that is mended, a name spelled otherwise."""

import re
from glob import escape
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from indexer import cues
from webapp.models import BROUGHT, Utterance, Video
from webapp.pipeline import ledger, transcripts


def replace(video: Video, found: cues.Cues) -> None:
    """The cues become the video's transcript and stay it; what was made of the old one is made again."""
    with transaction.atomic():
        transcripts.save(video, BROUGHT, video.language, "", cues.to_transcript(found, video.language).utterances)
        transcripts.use(video, BROUGHT)
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


def respell_everywhere(videos: QuerySet[Video], old: str, new: str) -> int:
    """These words written otherwise wherever they are said, in any case, as whole words; how many lines changed. What
    was made of the old lines is made again, and who hears one of the videos again expects the new spelling.
    """
    pattern, changed = whole_words(old), list[Utterance]()
    with transaction.atomic():
        for line in Utterance.objects.filter(video__in=videos, text__icontains=old).select_related("video"):
            text = pattern.sub(lambda _: new, line.text)
            if text != line.text:
                line.text, line.words = text, respell(line.words, pattern, new)
                changed.append(line)
        Utterance.objects.bulk_update(changed, ["text", "words"], batch_size=500)
        for video in {line.video_id: line.video for line in changed}.values():
            if new not in video.spellings.splitlines():
                video.spellings = f"{video.spellings}\n{new}".strip()
                video.save(update_fields=["spellings"])
            ledger.add(video, "embed")
            ledger.settle(video)
    return len(changed)


def whole_words(text: str) -> re.Pattern[str]:
    """Matches it where no letter or digit goes on; Chinese, Japanese and Korean signs need no border."""
    before = r"(?<!\w)" if text[0].isascii() else ""
    after = r"(?!\w)" if text[-1].isascii() else ""
    return re.compile(before + re.escape(text) + after, re.IGNORECASE)


def respell(words: list[list[Any]], pattern: re.Pattern[str], new: str) -> list[list[Any]]:
    """[text, start, end] each; those that make up a match become one, from the first's start to the last's end."""
    line = "".join(text for text, _, _ in words)
    matches = [match.span() for match in pattern.finditer(line)]
    found: list[list[Any]] = []
    at, open_until = 0, 0
    for text, start, end in words:
        if at < open_until:
            found[-1] = [found[-1][0] + text, found[-1][1], end]
        else:
            found.append([text, start, end])
        at += len(text)
        open_until = max([open_until, *(b for a, b in matches if a < at < b)])
    return [[pattern.sub(lambda _: new, text), start, end] for text, start, end in found]
