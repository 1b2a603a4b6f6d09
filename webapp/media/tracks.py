"""Which of a file's sound and subtitle tracks count, where a person wants others than the file names."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from indexer.media import playable_type
from indexer.types import MediaInfo
from webapp.messages import language_named
from webapp.models import BROUGHT, SPEECH, Video
from webapp.pipeline import ledger


def list_choices(video: Video) -> dict[str, list[tuple[str, str, bool]]]:
    """Under `sound` and `words` what may be chosen: value, name, whether it is chosen now. One alone is no choice."""
    info = video.info
    sounds = [(str(t["index"]), name_track(t), t["index"] == info.sound) for t in info.sounds if t["readable"]]
    words = [(str(t["index"]), name_track(t), video.words_from == str(t["index"])) for t in info.subtitles]
    if words and info.has_audio:
        words.append((SPEECH, _("what is spoken"), video.words_from == SPEECH))
    if words and video.words_from == "":
        words.insert(0, ("", _("subtitles of the file"), True))
    if words and video.words_from == BROUGHT:
        words.insert(0, (BROUGHT, _("subtitles brought by a person"), True))
    choices = {"sound": sounds, "words": words}
    return {name: rows for name, rows in choices.items() if len(rows) > 1}


def name_track(track: dict[str, Any]) -> str:
    """Its title and language, as far as the file names them."""
    language = language_named(track["language"]) if track["language"] else ""
    return " · ".join(filter(None, [track["title"], language])) or _("Track %(n)d") % {"n": track["index"]}


def choose(video: Video, sound: int | None, words: str) -> bool:
    """Play and hear the sound track of that number, take the transcript from there; False where there is no such. What
    depends on it is made anew. None and "" leave things as they are.
    """
    if sound is None and not words:
        return True
    info = video.info
    track = next((t for t in info.sounds if t["index"] == sound and t["readable"]), None)
    sources = {"", video.words_from, SPEECH, *(str(t["index"]) for t in info.subtitles)}
    if (sound is not None and track is None) or words not in sources:
        return False
    with transaction.atomic():
        if track is not None and sound != info.sound:
            play(video, info, track)
        video.words_from = words or video.words_from
        video.save(update_fields=["words_from"])
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
