"""Subtitles: those that people and files bring become plain text with times, nothing else of them."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

import charset_normalizer
import pysubs2

from indexer.errors import IndexerError
from indexer.types import Transcript, Utterance

FORMATS = {".vtt": "vtt", ".srt": "srt", ".ass": "ass", ".ssa": "ssa"}  # nothing else, whatever the file calls itself
MAX_BYTES = 1 << 20
MAX_CUES = 20_000
MAX_CHARACTERS = 1000  # of a cue
_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
# What subtitles are written in where it is not UTF-8, and the languages that are written in cp1250: it and cp1252 share
# so many letters that guessing takes one for the other.
_ENCODINGS = ["utf_16", "cp1252", "cp1251", "gb18030", "big5", "cp932", "cp949", "cp1256", "cp1253", "cp1250"]
_CENTRAL = frozenset(["Czech", "Polish", "Hungarian", "Slovak", "Slovene", "Croatian", "Romanian"])

Cues = list[tuple[float, float, str]]  # start, end (seconds) and text of each


class BadSubtitles(IndexerError):
    """The file can't be taken."""

    code = "subtitles"


def read_file(name: str, data: bytes, duration: float) -> Cues:
    """The cues within `duration` seconds, in order; text without tags or line breaks. Raises `BadSubtitles`."""
    kind = FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        raise BadSubtitles("Only .vtt, .srt, .ass and .ssa files are taken.")
    if len(data) > MAX_BYTES:
        raise BadSubtitles("Subtitles may have 1 MB at most.")
    try:
        events = pysubs2.SSAFile.from_string(decode(data), format_=kind).events
    except (pysubs2.exceptions.Pysubs2Error, ValueError, OverflowError):
        raise BadSubtitles("The file has no subtitles that can be read.") from None
    cues = tidy([(e.start / 1000, e.end / 1000, e.plaintext) for e in events if not e.is_comment], duration)
    if not cues:
        raise BadSubtitles("The file has no subtitles that can be read.")
    return cues


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or one of the encodings that its bytes look like; raises `BadSubtitles`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        found = list(charset_normalizer.from_bytes(data, cp_isolation=_ENCODINGS))
    if not found:
        raise BadSubtitles("The file is in an encoding that is not recognised. Save it as UTF-8 and try again.")
    best = found[0]
    if best.encoding == "cp1250" and best.language not in _CENTRAL:
        best = next((match for match in found if match.encoding == "cp1252"), best)
    if best.encoding == "cp1252" and best.language in _CENTRAL:
        best = next((match for match in found if match.encoding == "cp1250"), best)
    return str(best).removeprefix("\ufeff")


def tidy(cues: Sequence[tuple[float, float, str]], duration: float) -> Cues:
    """In order, within `duration` seconds, as plain text; none without words."""
    kept = []
    for start, end, text in sorted(cues[:MAX_CUES], key=lambda cue: cue[0]):
        words, end = clean(text), min(end, duration)
        if words and 0 <= start < end:
            kept.append((start, end, words))
    return kept


def clean(text: str) -> str:
    """No tags (also not those that only appear once entities are read), no control characters, one line."""
    before = ""
    while text != before:
        before, text = text, html.unescape(_TAG.sub("", text))
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_CHARACTERS]
    return text


def to_transcript(cues: Cues, language: str) -> Transcript:
    return Transcript(language, [Utterance(start, end, text) for start, end, text in cues])
