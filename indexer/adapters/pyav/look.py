"""The one decode pass (shots, keyframes, tiles), and the glance at key frames that precedes it."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame

from indexer import media, shots
from indexer.adapters.pyav.container import Decoder, clock_start, open_media, picture_stream, save_picture, to_thumb
from indexer.adapters.pyav.view import View, first_frame, open_view
from indexer.errors import UnreadableMedia
from indexer.legibility import has_small_text
from indexer.look import measure_step
from indexer.types import TILE, Image, Keyframe, LookPart, Span, to_record

THUMB = (64, 36)  # pixels: what shot detection looks at
SAMPLE_SIDE = 960  # longer side of a saved keyframe: enough for screen text
SMALL = 1.2  # times as long as a keyframe: from here on something is lost in one
FULL_SIDE = 3840  # longer side of a picture at full size
BEFORE, FAR_BEFORE = 1.0, 15.0  # seconds before a window at which decoding begins
SAMPLE_GAP = 1.0  # seconds: at most one candidate a second
SAMPLE_EVERY = 2.0  # seconds of shot per kept keyframe
SAME_PICTURE = 2.0  # grey levels: keyframes of one shot nearer than this are one
GLANCE_FRAMES = 40
MAX_CANDIDATES = 60_000  # pictures kept during a pass


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
    """What one decode pass collects of a window."""

    out: Path
    view: View
    window: Span
    step: float  # seconds between tiles
    most_fulls: int
    times: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    tiles: list[Path] = field(default_factory=list)
    looked_at: Image | None = None  # thumb of the picture that was last looked at for small text
    full: Path | None = None  # that picture at full size, where it had some
    fulls: int = 0  # of them so far
    errors_before: int = 0  # of decoding, before the window

    def collect(self, time: float, frame: VideoFrame, thumb: Image, has_settled: bool) -> None:
        """Keep the picture as a candidate and as a tile, when one is due."""
        due = not self.candidates or time - self.candidates[-1].time >= SAMPLE_GAP
        if (due or has_settled) and len(self.candidates) < MAX_CANDIDATES:
            file = self.out / f"k{round(time * 1000):09d}.jpg"
            save_picture(self.view.picture(frame, SAMPLE_SIDE), file)
            self.candidates.append(Candidate(time, thumb, file, self.save_full(time, frame, thumb)))
        if time >= (math.ceil(self.window.start / self.step) + len(self.tiles)) * self.step:
            file = self.out / f"t{round(time * 1000):09d}.jpg"
            save_picture(self.view.picture(frame, TILE[0]), file)
            self.tiles.append(file)

    def save_full(self, time: float, frame: VideoFrame, thumb: Image) -> Path | None:
        """The frame at full size, where that shows text which a keyframe is too small for; the same file as before
        while the picture stays the same.
        """
        if max(frame.width, frame.height) <= SMALL * SAMPLE_SIDE:
            return None
        if self.looked_at is not None and shots.measure_difference(self.looked_at, thumb) < SAME_PICTURE:
            return self.full
        self.looked_at, self.full = thumb, None
        if self.fulls < self.most_fulls and has_small_text(np.asarray(frame.to_ndarray(format="gray"), np.uint8)):
            self.full = self.out / f"f{round(time * 1000):09d}.jpg"
            self.fulls += 1
            save_picture(self.view.picture(frame, FULL_SIDE), self.full)
        return self.full


def look(
    path: Path, out: Path, duration: float, start: float, end: float, fulls: int, progress: Callable[[float], None]
) -> dict[str, Any]:
    """Decode a window of the film once: differences for shots, at most one candidate a second (and one after each
    jump), tiles. `duration`: seconds of the whole, as the probe measured them; `fulls`: pictures that may be kept at
    full size.
    """
    with open_view(path, out) as view, contextlib.closing(open_at(path, start)) as container:
        decoder = Decoder(container, "NONREF")
        seen = Pass(out, view, Span(start, end), measure_step(duration), fulls)
        length = min(end, duration) - start
        walk(decoder, seen, lambda time: progress(0.95 * (time - start) / length))
    cuts = [c for c in shots.find_cuts(seen.times, seen.differences) if start <= c < end]
    times = [time for time in seen.times if start <= time < end]
    inside = shots.split_shots([c for c in cuts if c > start], times[-1] + 0.04, start) if times else []
    part = LookPart(
        start=start,
        end=times[-1] if times else start,
        cuts=cuts,
        keyframes=choose_keyframes(seen, inside),
        tiles=[str(tile) for tile in seen.tiles],
        fulls=seen.fulls,
        frames=len(times),
        decode_errors=decoder.errors - seen.errors_before,
    )
    return to_record(part)


def open_at(path: Path, start: float) -> InputContainer:
    """The file, to be read from a picture that stands alone before `start`; from its beginning where none is found."""
    container = open_media(path)
    origin = clock_start(container)
    for back in (BEFORE, FAR_BEFORE) if start > 0 else ():
        target = round(1e6 * (max(0.0, start - back) + origin))
        with contextlib.suppress(av.FFmpegError, IndexError):
            container.seek(target)
            if find_key(container) - origin <= start - BEFORE / 2:
                container.seek(target)
                return container
        container.close()
        container = open_media(path)
    return container


def find_key(container: InputContainer) -> float:
    """Time stamp of the next picture that can be decoded alone; MPEG's streams are entered anywhere."""
    for packet in container.demux(*filter(None, [picture_stream(container)])):
        if packet.is_keyframe and packet.pts is not None and packet.time_base is not None:
            return float(packet.pts * packet.time_base)
    return math.inf


def walk(decoder: Decoder, seen: Pass, progress: Callable[[float], None]) -> None:
    """Collect into `seen`; some pictures before and behind the window say whether there is a cut at its edge."""
    before, settle = None, -1  # frames until the picture after a jump has settled
    for time, frame in decoder:
        if seen.times and time <= seen.times[-1]:
            continue
        if time < seen.window.start - BEFORE / 2:
            continue
        if time >= seen.window.end + BEFORE / 2:
            break
        thumb = to_thumb(frame, *THUMB)
        difference = shots.measure_difference(before, thumb) if before is not None else 0.0
        seen.times.append(time)
        seen.differences.append(difference)
        settle = 2 if difference > shots.MIN_DIFFERENCE else settle - 1
        before = thumb
        if time < seen.window.start:
            seen.errors_before = decoder.errors  # a seek may land between pictures that need each other
        elif time < seen.window.end:
            seen.collect(time, frame, thumb, settle == 0)
        if len(seen.times) % 50 == 0:
            progress(time)


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
