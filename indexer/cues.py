"""Subtitles: those that people and files bring become plain text with times; what is said is laid out to be read."""

import html
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import charset_normalizer
import pysubs2

from indexer.errors import IndexerError
from indexer.types import Transcript, Utterance, Word

FORMATS = {".vtt": "vtt", ".srt": "srt", ".ass": "ass", ".ssa": "ssa"}  # nothing else, whatever the file calls itself
MAX_BYTES = 1 << 20
MAX_CUES = 20_000
MAX_CHARACTERS = 1000  # of a cue
_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
# What subtitles are written in where it is not UTF-8, and the languages that are written in cp1250: it and cp1252 share
# so many letters that guessing takes one for the other.
_ENCODINGS = ["utf_16", "cp1252", "cp1251", "gb18030", "big5", "cp932", "cp949", "cp1256", "cp1253", "cp1250"]
_CENTRAL = frozenset(["Czech", "Polish", "Hungarian", "Slovak", "Slovene", "Croatian", "Romanian"])

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^<>\n]{1,80})>", re.IGNORECASE)  # of WebVTT
_NAMED = "\u2063"  # around a speaker's name before a text, from where the file is read to `tidy`
_SPEAKER = re.compile(rf"{_NAMED}([^{_NAMED}]*){_NAMED}|^(?:-|–|>>)?\s*([A-Z][A-Z .'’-]{{1,39}}):(?=\s)")


class Cue(NamedTuple):
    """Seconds, text without tags, and who says it where the file tells."""

    start: float
    end: float
    text: str
    speaker: str = ""


Cues = list[Cue]


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
        text = _VOICE.sub(rf"{_NAMED}\1{_NAMED}", decode(data))
        events = pysubs2.SSAFile.from_string(text, format_=kind).events
    except (pysubs2.exceptions.Pysubs2Error, ValueError, OverflowError):
        raise BadSubtitles("The file has no subtitles that can be read.") from None
    read = [
        (e.start / 1000, e.end / 1000, f"{_NAMED}{e.name}{_NAMED}{e.plaintext}" if e.name else e.plaintext)
        for e in events
        if not e.is_comment
    ]
    cues = tidy(read, duration)
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
        named = _SPEAKER.search(text)
        words, end = clean(text if named is None or not named[1] else _SPEAKER.sub("", text)), min(end, duration)
        if words and 0 <= start < end:
            kept.append(Cue(start, end, words, clean(named[1] or named[2] or "").title() if named else ""))
    return kept


def clean(text: str) -> str:
    """No tags (also not those that only appear once entities are read), no control characters, one line."""
    before = ""
    while text != before:
        before, text = text, html.unescape(_TAG.sub("", text))
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_CHARACTERS]
    return text


def to_transcript(cues: Cues, language: str) -> Transcript:
    return Transcript(language, [Utterance(c.start, c.end, c.text, speaker=c.speaker) for c in cues])


# -- as broadcasters lay them out ----------------------------------------------------------------------------------

LINES = 2
LINE, LINE_CJK = 42, 16  # signs a line (Netflix's and the EBU's common figure; half of it for full-width signs)
SHORTEST, LONGEST_SHOWN = 0.7, 7.0  # seconds that a cue stays
READING = 20.0  # signs a second that can be read
GAP = 0.08  # seconds between two cues: two frames
LATEST = 2.0  # seconds that a cue may lag behind its words, in fast speech; pauses make up for it
PAUSE = 0.3  # seconds between words that a cue should not reach over
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_STOP = re.compile(r"[.!?…。！？][\"”’)」』]*$")
_COMMA = re.compile(r"[,;:–—、，；：][\"”’)」』]*$")


def lay_out(utterances: Sequence[Utterance]) -> Cues:
    """Cues of at most two lines (joined by a line break) that stay long enough to be read: cut at the ends of sentences
    and clauses and at pauses, one speaker's sentence never with another's.
    """
    parts = [part for u in utterances for part in _split(_time_words(u))]
    cues: Cues = []
    free = 0.0  # from when on nothing is shown
    for number, part in enumerate(parts):
        text = wrap(_join(part))
        start = min(max(part[0].start, free), part[0].start + LATEST)
        readable = start + min(max(SHORTEST, len(text) / READING), LONGEST_SHOWN)
        following = parts[number + 1][0].start if number + 1 < len(parts) else math.inf
        end = min(max(part[-1].end, readable), start + LONGEST_SHOWN)
        end = max(min(end, following - GAP), min(end, readable, following + LATEST))
        cues.append(Cue(round(start, 3), round(max(end, start + 0.1), 3), text))
        free = end + GAP
    return cues


def is_wide(text: str) -> bool:
    """Whether most signs are full-width: Chinese, Japanese, Korean."""
    return 2 * len(_WIDE.findall(text)) > sum(not c.isspace() for c in text)


def wrap(text: str) -> str:
    """One line where it fits, else two as equal as words and marks allow."""
    most = LINE_CJK if is_wide(text) else LINE
    if len(text) <= most:
        return text
    places = [i for i in range(1, len(text)) if text[i] == " "] or list(range(1, len(text)))
    fitting = [i for i in places if max(i, len(text[i:].strip())) <= most] or places

    def cost(place: int) -> float:
        before = text[:place]
        bonus = 8 if _STOP.search(before) else 5 if _COMMA.search(before) else 0
        return abs(place - len(text) / 2) - bonus

    best = min(fitting, key=cost)
    return f"{text[:best].rstrip()}\n{text[best:].strip()}"


def _time_words(u: Utterance) -> list[Word]:
    """The words of an utterance; without times of their own they share its time by their length."""
    if u.words:
        return list(u.words)
    pieces = re.findall(r"\s*\S+", u.text)
    if is_wide(u.text):
        pieces = [sign for piece in pieces for sign in piece]
    signs, words, done = max(1, sum(map(len, pieces))), [], 0
    for piece in pieces:
        start, done = done, done + len(piece)
        words.append(
            Word(piece, u.start + (u.end - u.start) * start / signs, u.start + (u.end - u.start) * done / signs)
        )
    return words


def _split(words: list[Word]) -> list[list[Word]]:
    """Words of one utterance in cues that fit, by the cheapest way through all cuts (Knuth and Plass 1981)."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        ways = []
        for begin in range(end - 1, -1, -1):
            text = _join(words[begin:end])
            if end - begin > 1 and not _fits(text, words[end - 1].end - words[begin].start):
                break
            ways.append((best[begin][0] + 10 + _cut_cost(words, end) + 3 / max(1, len(text) / 12), begin))
        best.append(min(ways))
    cuts, end = [], len(words)
    while end:
        cuts.append((best[end][1], end))
        end = best[end][1]
    return [words[a:b] for a, b in reversed(cuts)]


def _fits(text: str, seconds: float) -> bool:
    most = LINE_CJK if is_wide(text) else LINE
    return seconds <= LONGEST_SHOWN and all(len(line) <= most for line in wrap(text).split("\n"))


def _cut_cost(words: Sequence[Word], place: int) -> float:
    """Of ending a cue before the word at `place`."""
    if place == len(words) or _STOP.search(words[place - 1].text.strip()):
        return 0.0
    if _COMMA.search(words[place - 1].text.strip()) or words[place].start - words[place - 1].end >= PAUSE:
        return 2.0
    return 6.0


def _join(words: Sequence[Word]) -> str:
    return " ".join("".join(w.text for w in words).split())
