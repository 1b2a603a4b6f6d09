"""The one decode pass (shots, keyframes, storyboard), and the glance at key frames that precedes it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from av.stream import Disposition
from av.video.frame import VideoFrame
from PIL import Image as Pillow

from indexer import media, shots
from indexer.adapters.pyav.container import Decoder, open_media, save_picture, to_thumb
from indexer.adapters.pyav.view import View, first_frame, open_view
from indexer.errors import UnreadableMedia
from indexer.legibility import has_small_text
from indexer.types import TILE, TILES_A_ROW, Image, Keyframe, to_record

THUMB = (64, 36)  # pixels: what shot detection looks at
SAMPLE_SIDE = 960  # longer side of a saved keyframe: enough for screen text
SMALL = 1.2  # times as long as a keyframe: from here on something is lost in one
FULL_SIDE = 3840  # longer side of a picture at full size
MAX_FULLS = 2000  # some gigabytes while the pass lasts
SAMPLE_GAP = 1.0  # seconds: at most one candidate a second
SAMPLE_EVERY = 2.0  # seconds of shot per kept keyframe
SAME_PICTURE = 2.0  # grey levels: keyframes of one shot nearer than this are one
MAX_TILES = 100
GLANCE_FRAMES = 40
MAX_CANDIDATES = 60_000  # pictures kept during the pass; 12 hours at one a second, and some


def glance(path: Path, out: Path) -> dict[str, Any]:
    """Key frames only, evenly thinned to at most `GLANCE_FRAMES`."""
    with open_view(path, out) as view, open_media(path) as container:
        gap = float(container.duration or 0) / 1e6 / GLANCE_FRAMES
        kept: list[Keyframe] = []
        for time, frame in Decoder(container, "NONKEY"):
            if kept and (time - kept[-1].time < max(gap, SAMPLE_EVERY) or len(kept) >= GLANCE_FRAMES):
                continue
            file = out / f"g{round(time * 1000):09d}.jpg"
            save_picture(view.picture(frame, SAMPLE_SIDE), file)
            kept.append(Keyframe(time, str(file)))
    return {"keyframes": [to_record(k) for k in kept]}


def read_picture(path: Path, out: Path) -> dict[str, Any]:
    """The first picture of a still-picture file."""
    with open_media(path, media.PICTURE_DEMUXERS, media.PICTURE_DECODERS) as container:
        for _, frame in Decoder(container, "NONKEY"):
            save_picture(View().picture(frame, SAMPLE_SIDE), out / "picture.jpg")
            return {"path": str(out / "picture.jpg")}
    raise UnreadableMedia("The picture could not be decoded. Choose a JPEG, PNG or WebP.")


def read_cover(path: Path, out: Path) -> dict[str, Any]:
    """The picture that a recording carries as its cover; "" without one, or when it can't be read."""
    with open_media(path) as container:
        for stream in container.streams.video:
            if stream.disposition & Disposition.attached_pic:
                frame = first_frame(container, stream)
                if frame is not None:
                    save_picture(View().picture(frame, SAMPLE_SIDE), out / "cover.jpg")
                    return {"path": str(out / "cover.jpg")}
    return {"path": ""}


@dataclass(frozen=True)
class Candidate:
    """A picture that may become a keyframe; `full` holds it at full size, None where that shows no more."""

    time: float
    thumb: Image
    file: Path
    full: Path | None


@dataclass
class Pass:
    """What one decode pass collects."""

    times: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    tiles: list[Image] = field(default_factory=list)
    looked_at: Image | None = None  # thumb of the picture that was last looked at for small text
    full: Path | None = None  # that picture at full size, where it had some
    fulls: int = 0  # of them so far


def look(path: Path, out: Path, duration: float, progress: Callable[[float], None]) -> dict[str, Any]:
    """Decode once: differences for shots, at most one candidate a second (and one after each jump), tiles. `duration`:
    seconds of the whole, as the probe measured them.
    """
    with open_view(path, out) as view, open_media(path) as container:
        step = max(1.0, duration / MAX_TILES)
        decoder = Decoder(container, "NONREF")
        seen = walk(decoder, view, out, step, lambda time: progress(0.95 * time / duration))
    if not seen.times:
        raise UnreadableMedia("No picture of this file could be decoded. It is damaged: convert it to MP4 (H.264).")
    found = shots.split_shots(shots.find_cuts(seen.times, seen.differences), seen.times[-1] + 0.04)
    keyframes = choose_keyframes(seen, found)
    return {
        "shots": [to_record(shot) for shot in found],
        "keyframes": [to_record(k) for k in keyframes],
        "storyboard": save_storyboard(seen.tiles, out),
        "storyboard_step": step,
        "storyboard_tiles": len(seen.tiles),
        "frames": len(seen.times),
        "decode_errors": decoder.errors,
    }


def walk(decoder: Decoder, view: View, out: Path, step: float, progress: Callable[[float], None]) -> Pass:
    seen, before = Pass(), None
    settle = -1  # frames until the picture after a jump has settled
    for time, frame in decoder:
        if seen.times and time <= seen.times[-1]:
            continue
        thumb = to_thumb(frame, *THUMB)
        difference = shots.measure_difference(before, thumb) if before is not None else 0.0
        seen.times.append(time)
        seen.differences.append(difference)
        settle = 2 if difference > shots.MIN_DIFFERENCE else settle - 1
        due = not seen.candidates or time - seen.candidates[-1].time >= SAMPLE_GAP
        if (due or settle == 0) and len(seen.candidates) < MAX_CANDIDATES:
            file = out / f"k{round(time * 1000):09d}.jpg"
            save_picture(view.picture(frame, SAMPLE_SIDE), file)
            seen.candidates.append(Candidate(time, thumb, file, save_full(frame, thumb, view, seen, out)))
        if time >= len(seen.tiles) * step and len(seen.tiles) < MAX_TILES:
            seen.tiles.append(view.picture(frame, TILE[0]))
        before = thumb
        if len(seen.times) % 50 == 0:
            progress(time)
    return seen


def save_full(frame: VideoFrame, thumb: Image, view: View, seen: Pass, out: Path) -> Path | None:
    """The frame at full size, where that shows text which a keyframe is too small for; the same file as before while
    the picture stays the same.
    """
    if max(frame.width, frame.height) <= SMALL * SAMPLE_SIDE:
        return None
    if seen.looked_at is not None and shots.measure_difference(seen.looked_at, thumb) < SAME_PICTURE:
        return seen.full
    seen.looked_at, seen.full = thumb, None
    if seen.fulls < MAX_FULLS and has_small_text(np.asarray(frame.to_ndarray(format="gray"), np.uint8)):
        seen.full = out / f"f{seen.fulls:06d}.jpg"
        seen.fulls += 1
        save_picture(view.picture(frame, FULL_SIDE), seen.full)
    return seen.full


def choose_keyframes(seen: Pass, found: list[Any]) -> list[Keyframe]:
    """One candidate per `SAMPLE_EVERY` seconds of each shot, near-equal ones dropped; files not chosen are removed."""
    kept: list[Keyframe] = []
    for shot in found:
        inside = [c for c in seen.candidates if shot.start <= c.time < shot.end]
        parts = max(1, math.ceil(shot.length / SAMPLE_EVERY))
        centres = [shot.start + shot.length * (i + 0.5) / parts for i in range(parts)]
        chosen = {min(inside, key=lambda c: abs(c.time - centre)).time for centre in centres if inside}
        last: Image | None = None
        for candidate in inside:
            if candidate.time not in chosen:
                continue
            if last is not None and shots.measure_difference(last, candidate.thumb) < SAME_PICTURE:
                continue
            kept.append(Keyframe(candidate.time, str(candidate.file), str(candidate.full or "")))
            last = candidate.thumb
    names = {name for k in kept for name in (k.path, k.full)}
    for candidate in seen.candidates:
        for file in (candidate.file, candidate.full):
            if file is not None and str(file) not in names:
                file.unlink(missing_ok=True)
    return kept


def save_storyboard(tiles: list[Image], out: Path) -> str:
    """Tiles in rows on one JPEG."""
    if not tiles:
        return ""
    rows = math.ceil(len(tiles) / TILES_A_ROW)
    sheet = Pillow.new("RGB", (TILE[0] * min(TILES_A_ROW, len(tiles)), TILE[1] * rows))
    for number, tile in enumerate(tiles):
        small = Pillow.fromarray(tile)
        small.thumbnail(TILE)
        row, column = divmod(number, TILES_A_ROW)
        x, y = column * TILE[0] + (TILE[0] - small.width) // 2, row * TILE[1] + (TILE[1] - small.height) // 2
        sheet.paste(small, (x, y))
    sheet.save(out / "storyboard.jpg", quality=75)
    return str(out / "storyboard.jpg")
