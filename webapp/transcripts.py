"""Transcripts as VTT, SRT, text and JSON (Whisper's shape). Cue text is ours, escaped: no tags, no arrows."""

import json

from webapp.models import Video


def clock(seconds: float, comma: bool = False) -> str:
    """1.5 -> "00:00:01.500"."""
    whole, millis = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{',' if comma else '.'}{millis:03d}"


def escape(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_vtt(video: Video) -> str:
    cues = (f"{clock(u.start)} --> {clock(u.end)}\n{escape(u.text)}\n" for u in video.utterances.all())
    return "WEBVTT\n\n" + "\n".join(cues)


def write_srt(video: Video) -> str:
    return "\n".join(
        f"{n}\n{clock(u.start, True)} --> {clock(u.end, True)}\n{escape(u.text)}\n"
        for n, u in enumerate(video.utterances.all(), 1)
    )


def write_text(video: Video) -> str:
    return "\n".join(u.text for u in video.utterances.all())


def write_json(video: Video) -> str:
    """The shape of Whisper's own `--output_format json`."""
    segments = [
        {
            "id": n,
            "start": u.start,
            "end": u.end,
            "text": u.text,
            "words": [{"word": w, "start": s, "end": e} for w, s, e in u.words],
        }
        for n, u in enumerate(video.utterances.all())
    ]
    return json.dumps({"text": write_text(video), "language": video.language, "segments": segments}, ensure_ascii=False)


FORMATS = {"vtt": write_vtt, "srt": write_srt, "txt": write_text, "json": write_json}
