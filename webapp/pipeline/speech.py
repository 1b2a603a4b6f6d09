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
from indexer.ports import Progress
from indexer.speech import cut_audio, cut_windows, join_sentences, share_sound, write_down
from indexer.types import Audio, MediaInfo, Transcript, Utterance, Word
from webapp import engine, models
from webapp.models import BROUGHT, SPEECH, Spelling, Video
from webapp.pipeline import checkpoints
from webapp.pipeline.outputs import workspace

Store = Callable[[], None]


def speech(video: Video, progress: Progress) -> Store:
    """Hear the sound window by window; each is a checkpoint, so that hours of it are not lost."""
    info = video.info
    heard = read_subtitles(video, info)
    is_written = heard is not None or video.words_from == BROUGHT
    pieces: list[dict[str, Any]] = []
    if info.has_audio:
        with workspace(video) as folder:
            path = box.extract_audio(video.path, folder, info)
            audio = np.memmap(path, np.float32, "r") if path.stat().st_size else np.zeros(0, np.float32)
            pieces = listen(video, audio, not is_written, progress)
    if not is_written:
        heard = write_down([read_record(u) for piece in pieces for u in piece["utterances"]])

    def store() -> None:
        video.sound = average([(piece["seconds"], piece["sound"]) for piece in pieces])
        video.save(update_fields=["sound"])
        if heard is not None:
            replace_utterances(video, heard)

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

            def report(share: float, number: int = number) -> None:
                progress((number + 0.1 + 0.9 * share) / len(windows))

            report(0.0)
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


def read_subtitles(video: Video, info: MediaInfo) -> Transcript | None:
    """Those of the file that are to be the transcript; None where there are none, or speech is to be heard instead."""
    if video.words_from in (SPEECH, BROUGHT):
        return None
    chosen = [t for t in info.subtitles if video.words_from in ("", str(t["index"]))]
    site = settings.LANGUAGE_CODE[:2]
    track = min(chosen, key=lambda t: (not t["default"], t["language"] != site), default=None)
    if track is None:
        return None
    found = cues.tidy(box.read_subtitles(video.path, track["index"]), info.duration)
    return cues.to_transcript(found, track["language"]) if found else None


def replace_utterances(video: Video, heard: Transcript) -> None:
    video.utterances.all().delete()
    models.Utterance.objects.bulk_create(
        models.Utterance(
            video=video,
            start=u.start,
            end=u.end,
            text=u.text,
            confidence=u.confidence,
            words=[[w.text, w.start, w.end] for w in u.words],
            language=u.language or heard.language,
        )
        for u in join_sentences(heard.utterances)
    )
    video.language = heard.language
    video.save(update_fields=["language"])
