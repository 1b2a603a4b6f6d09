"""Text that is too small for a keyframe: whether a picture may hold some, and reading it at full size in tiles."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from indexer.ports import ScreenReader
from indexer.types import Image, ScreenLine

BLOCK = 32  # pixels
FLAT, FLAT_SHARE = 6, 0.5  # grey levels between neighbours on plain ground, and the share of a block that must be plain
STROKE, STROKE_SHARE = 48, 0.06  # grey levels at the edge of a letter, and the share of a block that such edges take
RUN = 4  # blocks side by side that look like letters: a word or two
TILE, OVERLAP = 2000, 160  # pixels that are read at a time, and that neighbours share so that no line is cut in both
SAME_PLACE = 0.3  # of the smaller box: two tiles read the same line


def has_small_text(grey: npt.NDArray[np.uint8]) -> bool:
    """Whether a stretch of a picture (h, w) at full size looks like letters: strokes on plain ground, in a row. What is
    twice as large counts, too: a keyframe runs its words together.
    """
    return has_letters(grey) or has_letters(grey[::2, ::2])


def has_letters(grey: npt.NDArray[np.uint8]) -> bool:
    """Whether blocks with strokes on plain ground stand side by side."""
    height, width = (side // BLOCK * BLOCK for side in grey.shape)
    step = np.abs(np.diff(grey[:height, :width].astype(np.int16), axis=1, append=0))
    step[:, -1] = 0
    blocks = step.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    plain = (blocks <= FLAT).mean((1, 3)) >= FLAT_SHARE
    letters = plain & ((blocks >= STROKE).mean((1, 3)) >= STROKE_SHARE)
    run = letters
    for _ in range(RUN - 1):
        run = run[:, 1:] & letters[:, : run.shape[1] - 1]
    return bool(run.any())


def read_tiles(reader: ScreenReader, image: Image, time: float) -> list[ScreenLine]:
    """Lines of a picture (h, w, 3) of any size, each once; boxes as shares of the whole."""
    height, width = image.shape[:2]
    found: list[ScreenLine] = []
    for top in list(cut(height)):
        for left in list(cut(width)):
            tile = image[top : top + TILE, left : left + TILE]
            for line in reader.read(np.ascontiguousarray(tile), time):
                x, y, w, h = line.box
                box = (
                    (left + x * tile.shape[1]) / width,
                    (top + y * tile.shape[0]) / height,
                    w * tile.shape[1] / width,
                    h * tile.shape[0] / height,
                )
                add_once(found, replace(line, box=box))
    return sorted(found, key=lambda line: (round(line.box[1], 2), line.box[0]))


def cut(side: int) -> Iterator[int]:
    """Where tiles begin that cover `side` pixels."""
    count = max(1, -(-(side - OVERLAP) // (TILE - OVERLAP)))
    for number in range(count):
        yield min(number * (TILE - OVERLAP), max(0, side - TILE))


def add_once(found: list[ScreenLine], line: ScreenLine) -> None:
    """Of two readings of one place the longer stays."""
    for place, other in enumerate(found):
        if share_place(other.box, line.box) >= SAME_PLACE:
            found[place] = max(other, line, key=lambda one: len(one.text))
            return
    found.append(line)


def share_place(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Common area as a share of the smaller box."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    smaller = min(one[2] * one[3], other[2] * other[3])
    return max(0.0, wide) * max(0.0, high) / smaller if smaller else 0.0
