"""The step `speech`: where somebody speaks first, so that music and silence give no words; then words with times.
Subtitles that came with the video are its transcript as they are.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from django.conf import settings

from indexer import box, cues
from indexer.ports import Progress, narrow
from indexer.speech import cut_audio, cut_windows, join_sentences, share_sound, write_down
from indexer.types import Audio, MediaInfo, Transcript, Utterance, Word
from webapp import engine
from webapp.models import BROUGHT, SPEECH, Spelling, Video
from webapp.pipeline import checkpoints, transcripts
from webapp.pipeline.outputs import workspace

Store = Callable[[], None]

MAX_TRACKS = 16  # of subtitles; each is read in a pass of its own


def speech(video: Video, progress: Progress) -> Store:
    """Hear the sound window by window; each is a checkpoint, so that hours of it are not lost."""
    info = video.info
    written = read_subtitles(video, info)
    source = choose_source(video, info, written)
    pieces: list[dict[str, Any]] = []
    if info.has_audio:
        with video.media.fetch() as path, workspace(video) as folder:
            sound = box.extract_audio(path, folder, info)
            audio = np.memmap(sound, np.float32, "r") if sound.stat().st_size else np.zeros(0, np.float32)
            pieces = listen(video, audio, source == SPEECH, progress)
    heard = write_down([read_record(u) for piece in pieces for u in piece["utterances"]])

    def store() -> None:
        video.sound = average([(piece["seconds"], piece["sound"]) for piece in pieces])
        video.save(update_fields=["sound"])
        for name, title, transcript in written:
            transcripts.save(video, name, transcript.language, title, transcript.utterances)
        if source == SPEECH:
            transcripts.save(video, SPEECH, heard.language, "", join_sentences(heard.utterances))
        video.refresh_from_db(fields=["words_from"])  # a person may have chosen meanwhile
        transcripts.use(video, choose_source(video, info, written))

    return store


def listen(video: Video, audio: Audio, is_wanted: bool, progress: Progress) -> list[dict[str, Any]]:
    """Of each window of the sound its `seconds`, the shares of `sound`, and the `utterances` if they are wanted."""
    pieces, windows, names = checkpoints.load(video, "speech"), cut_windows(audio), find_spellings(video)
    for number in range(len(pieces), len(windows)):
        window = windows[number]
        sound = np.array(cut_audio(audio, window))  # models want memory that they could write to
        voiced, music = engine.voice().detect(sound), engine.music().detect(sound)
        found: list[Utterance] = []
        if is_wanted:
            report = narrow(progress, number, len(windows))
            found = engine.transcriber().transcribe(sound, voiced, report, names).utterances
        shares = share_sound(sound, voiced, music)
        records = [asdict(shift(u, window.start)) for u in found]
        pieces.append({"seconds": window.length, "sound": shares, "utterances": records})
        checkpoints.save(video, "speech", pieces)
        progress((number + 1) / len(windows))
    return pieces


def shift(u: Utterance, seconds: float) -> Utterance:
    """The same, so much later."""
    words = [Word(w.text, round(w.start + seconds, 3), round(w.end + seconds, 3)) for w in u.words]
    return replace(u, start=round(u.start + seconds, 3), end=round(u.end + seconds, 3), words=words)


def read_record(record: dict[str, Any]) -> Utterance:
    return Utterance(**{**record, "words": [Word(**w) for w in record["words"]]})


def average(parts: list[tuple[float, dict[str, float]]]) -> dict[str, float]:
    """Shares of the whole, from those of parts of so many seconds."""
    total = sum(seconds for seconds, shares in parts if shares)
    sums: dict[str, float] = defaultdict(float)
    for seconds, shares in parts:
        for name, share in shares.items():
            sums[name] += share * seconds / total
    return {name: round(share, 3) for name, share in sums.items()}


def find_spellings(video: Video) -> list[str]:
    """Names and terms that may be spoken: the video's own before the site's, each once."""
    own = [line.strip() for line in video.spellings.splitlines()]
    return list(dict.fromkeys(filter(None, [*own, *Spelling.objects.values_list("text", flat=True)])))


def read_subtitles(video: Video, info: MediaInfo) -> list[tuple[str, str, Transcript]]:
    """Source, title and words of each subtitle track of the file that says something."""
    found = []
    for track in info.subtitles[:MAX_TRACKS]:
        with video.media.fetch() as path:
            lines = cues.tidy(box.read_subtitles(path, track["index"]), info.duration)
        if lines:
            found.append((str(track["index"]), track["title"], cues.to_transcript(lines, track["language"])))
    return found


def choose_source(video: Video, info: MediaInfo, written: list[tuple[str, str, Transcript]]) -> str:
    """As a person chose; else the file's own subtitles: its default ones, then those in the language of the site."""
    names = [name for name, _, _ in written]
    if video.words_from in (SPEECH, BROUGHT, *names):
        return video.words_from
    site = settings.LANGUAGE_CODE[:2]
    tracks = [t for t in info.subtitles if str(t["index"]) in names]
    best = min(tracks, key=lambda t: (not t["default"], t["language"] != site), default=None)
    return SPEECH if best is None else str(best["index"])
