"""A short stretch of a file as raw pictures and sound of one size and rate: what a montage is put together from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame

from indexer.adapters.pyav.container import (
    Decoder,
    clock_start,
    open_media,
    packets_until_damage,
    picture_stream,
    sound_stream,
)
from indexer.adapters.pyav.look import open_at
from indexer.adapters.pyav.sound import Placement
from indexer.adapters.pyav.view import View, open_view
from indexer.types import Audio, Image

FULL_SCALE = 32_767


def read_excerpt(
    path: Path, out: Path, span: tuple[float, float], sound: int, size: tuple[int, int], rate: int, sound_rate: int
) -> dict[str, Any]:
    """The seconds [start, end) of `span` as `pictures.rgb`, rgb24 of `size` (width, height) with black around what has
    another shape, `rate` a second; and as `sound.s16`, mono int16, `sound_rate` a second. Without a picture, or sound,
    none of it.
    """
    pictures, samples = out / "pictures.rgb", out / "sound.s16"
    start, end = span
    count = round((end - start) * rate)
    with open_media(path) as container:
        has_picture, heard = picture_stream(container) is not None, sound_stream(container, sound)
    with pictures.open("wb") as sink:
        if has_picture:
            for picture in at_times(path, out, [start + number / rate for number in range(count)], size):
                sink.write(picture.tobytes())
    with samples.open("wb") as sink:
        if heard is not None:
            for piece in between(path, sound, start, end, sound_rate):
                sink.write((np.clip(piece[0], -1, 1) * FULL_SCALE).astype("<i2").tobytes())
    return {"pictures": str(pictures), "sound": str(samples)}


def at_times(path: Path, out: Path, times: list[float], size: tuple[int, int]) -> Iterator[Image]:
    """What is on the screen at each of these seconds; the last picture stays when the film ends."""
    due, before, drawn = 0, None, None
    with open_view(path, out) as view, open_at(path, times[0]) as container:
        for time, frame in Decoder(container, "DEFAULT"):
            while before is not None and due < len(times) and times[due] < time:
                drawn = letterbox(view, before, size) if drawn is None else drawn
                yield drawn
                due += 1
            if due == len(times):
                return
            before, drawn = frame, None
        if before is not None:
            drawn = letterbox(view, before, size)
            yield from (drawn for _ in range(due, len(times)))


def letterbox(view: View, frame: VideoFrame, size: tuple[int, int]) -> Image:
    width, height = view.size(frame.width, frame.height)
    scale = min(size[0] / width, size[1] / height)
    wide, high = min(size[0], max(2, round(width * scale))), min(size[1], max(2, round(height * scale)))
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    picture[top : top + high, left : left + wide] = view.draw(frame, wide, high, "rgb24").to_ndarray()
    return picture


def between(path: Path, sound: int, start: float, end: float, rate: int) -> Iterator[Audio]:
    """Samples (1, n) from `start` on, placed by their time stamps."""
    with open_at(path, start) as container:
        placement, left = Placement(rate, "mono", clock_start(container) + start), round((end - start) * rate)
        for packet in packets_until_damage(container, sound_stream(container, sound)):
            early = packet.pts is not None and float(packet.pts * packet.time_base) < clock_start(container) + start
            if early and float((packet.pts + (packet.duration or 0)) * packet.time_base) <= placement.start:
                continue
            for samples in placement.push(packet):
                yield samples[:, :left]
                left -= min(left, samples.shape[1])
            if not left:
                return
        for samples in placement.flush():
            yield samples[:, :left]
            left -= min(left, samples.shape[1])
