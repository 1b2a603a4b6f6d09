"""What a video says, to take away: transcript, chapters, summary and answers as VTT, SRT, text, Markdown and JSON.

Everything is a list of cues. Cue text comes from media: it is escaped, so that it stays text wherever it is opened.
(Written here and not by pysubs2, which takes what stands in braces for style and drops it.)
"""

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.cues import lay_out
from indexer.types import TILE, TILES_A_ROW, Utterance, Word
from qa.questions import language_of
from webapp.answers.replies import tell
from webapp.models import User, Video
from webapp.pipeline.transcripts import FIELDS


@dataclass(frozen=True)
class Cue:
    """Something that is said at a time, in seconds; `words` are (text, start, end)."""

    start: float
    end: float
    text: str
    words: tuple[tuple[str, float, float], ...] = ()


def transcript(video: Video, user: User | None = None) -> list[Cue]:
    return [Cue(u.start, u.end, u.text, tuple((w, a, b) for w, a, b in u.words)) for u in video.utterances.all()]


def captions(video: Video, source: str = "") -> list[Cue]:
    """The transcript as players show it: the one in use, or that of another source; raises `KeyError` without it."""
    if source and source != video.words_from:
        kept = video.transcripts.filter(source=source).first()
        if kept is None:
            raise KeyError(source)
        lines = kept.lines
    else:
        lines = list(video.utterances.values(*FIELDS))
    spoken = [Utterance(u["start"], u["end"], u["text"], 1.0, [Word(*w) for w in u["words"]]) for u in lines]
    return [Cue(cue.start, cue.end, cue.text) for cue in lay_out(spoken)]


def chapters(video: Video, user: User | None = None) -> list[Cue]:
    return [Cue(c.start, c.end, c.title or f"{c.start:.0f} s") for c in video.chapters.all()]


def summary(video: Video, user: User | None = None) -> list[Cue]:
    """The detailed one."""
    return [Cue(s["start"], s["end"], s["text"]) for s in video.detailed or video.summary]


def answers(video: Video, user: User | None = None) -> list[Cue]:
    """What this person asked the video and was answered, in the order of asking."""
    questions = video.questions.filter(asker=user).order_by("asked_at") if user else video.questions.none()
    return [
        Cue(c["start"], c["end"], f"{question.text} — {tell(sentence, language_of(question.text))}")
        for question in questions
        for sentence in question.answer.get("sentences", [])
        for c in sentence["citations"][:1]
    ]


KINDS: dict[str, Callable[[Video, User | None], list[Cue]]] = {
    "transcript": transcript,
    "chapters": chapters,
    "summary": summary,
    "answers": answers,
}


def clock(seconds: float, comma: bool = False) -> str:
    """1.5 -> "00:00:01.500"."""
    whole, millis = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{',' if comma else '.'}{millis:03d}"


def escape(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_lines(text: str) -> str:
    """The same, its lines kept; an empty one would end the cue."""
    return "\n".join(filter(None, map(escape, text.splitlines())))


def disarm(text: str) -> str:
    """For SRT, which knows tags and no entities: a word joiner behind what could open a tag."""
    return html.unescape(escape_lines(text)).replace("<", "<\u2060")


def write_vtt(cues: Sequence[Cue], video: Video | None = None) -> str:
    return "WEBVTT\n\n" + "\n".join(f"{clock(c.start)} --> {clock(c.end)}\n{escape_lines(c.text)}\n" for c in cues)


def write_srt(cues: Sequence[Cue], video: Video) -> str:
    return "\n".join(
        f"{n}\n{clock(c.start, True)} --> {clock(c.end, True)}\n{disarm(c.text)}\n" for n, c in enumerate(cues, 1)
    )


def write_text(cues: Sequence[Cue], video: Video) -> str:
    return "\n".join(" ".join(c.text.split()) for c in cues)


def write_markdown(cues: Sequence[Cue], video: Video) -> str:
    """A list whose items begin with their time; what Markdown would take for markup is escaped."""
    lines = [f"- **{clock(c.start)[:8]}** {_plain(c.text)}" for c in cues]
    return "\n".join([f"# {_plain(video.title)}", "", *lines, ""])


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]()#!|])", r"\\\1", escape(text))


def write_json(cues: Sequence[Cue], video: Video) -> str:
    """The shape of Whisper's own `--output_format json`."""
    segments: list[dict[str, Any]] = []
    for number, cue in enumerate(cues):
        words = [{"word": w, "start": s, "end": e} for w, s, e in cue.words]
        segments.append({"id": number, "start": cue.start, "end": cue.end, "text": cue.text, "words": words})
    whole = {"text": write_text(cues, video), "language": video.language, "segments": segments}
    return json.dumps(whole, ensure_ascii=False)


# Ending -> writer and content type.
FORMATS: dict[str, tuple[Callable[[Sequence[Cue], Video], str], str]] = {
    "vtt": (write_vtt, "text/vtt"),
    "srt": (write_srt, "application/x-subrip"),
    "txt": (write_text, "text/plain"),
    "md": (write_markdown, "text/markdown"),
    "json": (write_json, "application/json"),
}


def write(kind: str, form: str, video: Video, user: User | None = None) -> str:
    """One of `KINDS` in one of `FORMATS`; raises `KeyError` for others."""
    if kind == "transcript" and form in ("vtt", "srt"):
        return FORMATS[form][0](captions(video), video)
    return FORMATS[form][0](KINDS[kind](video, user), video)


def write_thumbnails(video: Video, storyboard: str) -> str:
    """WebVTT whose cues are parts of the picture at the address `storyboard` (Media Fragments, `#xywh=`)."""
    cues = ["WEBVTT\n"]
    step, (width, height) = video.storyboard_step, TILE
    for number in range(video.storyboard_tiles):
        row, column = divmod(number, TILES_A_ROW)
        span = f"{clock(number * step)} --> {clock((number + 1) * step)}"
        cues.append(f"{span}\n{storyboard}#xywh={column * width},{row * height},{width},{height}\n")
    return "\n".join(cues)
