"""Which of a file's sound and subtitle tracks count, where a person wants others than the file names."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from indexer.media import playable_type
from indexer.types import MediaInfo
from webapp.messages import language_named
from webapp.models import BROUGHT, SPEECH, Transcript, Video
from webapp.pipeline import ledger, transcripts


def list_choices(video: Video) -> dict[str, list[tuple[str, str, bool]]]:
    """Under `sound` and `words` what may be chosen: value, name, whether it is chosen now. One alone is no choice."""
    info = video.info
    sounds = [(str(t["index"]), name_track(t), t["index"] == info.sound) for t in info.sounds if t["readable"]]
    words = [(t.source, name_transcript(t), t.source == video.words_from) for t in video.transcripts.defer("lines")]
    unread = [(str(t["index"]), name_track(t), False) for t in info.subtitles]  # of a video from before they were kept
    if info.has_audio:
        unread.append((SPEECH, _("what is spoken"), False))
    words += [row for row in unread if row[0] not in {source for source, _, _ in words}]
    choices = {"sound": sounds, "words": words}
    return {name: rows for name, rows in choices.items() if len(rows) > 1}


def list_captions(video: Video) -> list[tuple[str, str, str]]:
    """Source, name and language of every transcript beside the one in use."""
    others = video.transcripts.exclude(source=video.words_from).defer("lines")
    return [(t.source, name_transcript(t), t.language) for t in others]


def name_transcript(transcript: Transcript) -> str:
    """Where it comes from, and its language as far as that is known."""
    language = language_named(transcript.language) if transcript.language else ""
    kinds = {SPEECH: _("what is spoken"), BROUGHT: _("subtitles brought by a person")}
    kind = kinds.get(transcript.source) or transcript.title or _("subtitles of the file")
    return " · ".join(filter(None, [kind, language]))


def name_track(track: dict[str, Any]) -> str:
    """Its title and language, as far as the file names them."""
    language = language_named(track["language"]) if track["language"] else ""
    return " · ".join(filter(None, [track["title"], language])) or _("Track %(n)d") % {"n": track["index"]}


def choose(video: Video, sound: int | None, words: str) -> bool:
    """Play and hear the sound track of that number, take the transcript from there; False where there is no such. What
    depends on it is made anew. None and "" leave things as they are.
    """
    info = video.info
    track = next((t for t in info.sounds if t["index"] == sound and t["readable"]), None)
    sources = {"", *(source for source, _, _ in list_choices(video).get("words", []))}
    if (sound is not None and track is None) or words not in sources:
        return False
    with transaction.atomic():
        if words and words != video.words_from:
            if transcripts.use(video, words):
                ledger.add(video, "embed")
                ledger.settle(video)
            else:
                transcripts.put_aside(video)
                video.words_from = words
                video.save(update_fields=["words_from"])
                hear_again(video)
        if track is not None and sound != info.sound:
            play(video, info, track)
            video.transcripts.filter(source=SPEECH).delete()  # of the other sound
            hear_again(video)
    return True


def hear_again(video: Video) -> None:
    """What depends on the sound is made anew, where there is some."""
    if video.info.has_audio or video.info.subtitles:
        ledger.add(video, "speech")
        ledger.settle(video)


def play(video: Video, info: MediaInfo, track: dict[str, Any]) -> None:
    """Another sound: the file itself where browsers play it so, else a rendition."""
    chosen = replace(
        info,
        sound=track["index"],
        audio_codec=track["codec"],
        first_tracks=track["index"] == info.sounds[0]["index"],
    )
    video.media_info = {**video.media_info, "sound": chosen.sound, "audio_codec": chosen.audio_codec}
    video.media_info["first_tracks"] = chosen.first_tracks
    video.content_type = playable_type(chosen)
    video.files = {role: name for role, name in video.files.items() if role != "proxy"}
    video.save(update_fields=["media_info", "content_type", "files"])
    if not video.content_type:
        ledger.add(video, "proxy")
