"""The look at a film in windows: where they lie, and what they make together. Each one can be kept and gone on from."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pillow

from indexer import shots
from indexer.errors import UnreadableMedia
from indexer.types import TILE, TILES_A_ROW, Look, LookPart, Span

WINDOW = 1200.0  # seconds: about a minute of work
MAX_TILES = 100  # of a storyboard


def cut_windows(duration: float) -> list[Span]:
    """Windows of `WINDOW` seconds; a rest of less than half of one belongs to the window before, and the last is open:
    pictures may come after the end that was measured.
    """
    count = max(1, round(duration / WINDOW))
    return [Span(n * WINDOW, (n + 1) * WINDOW if n + 1 < count else math.inf) for n in range(count)]


def measure_step(duration: float) -> float:
    """Seconds between two tiles of the storyboard."""
    return max(1.0, duration / MAX_TILES)


def join(parts: Sequence[LookPart], duration: float, out: Path) -> Look:
    """What was found in the windows of a film of `duration` seconds, in order; writes the storyboard under `out`.

    Raises `UnreadableMedia` when there is no picture in any of them.
    """
    frames = sum(part.frames for part in parts)
    if not frames:
        raise UnreadableMedia("No picture of this file could be decoded. It is damaged: convert it to MP4 (H.264).")
    step, tiles = measure_step(duration), list[str]()
    for part in parts:
        while tiles and len(tiles) < math.ceil(part.start / step):
            tiles.append(tiles[-1])  # nothing was shown between two windows
        tiles += part.tiles
    tiles = tiles[:MAX_TILES]
    return Look(
        shots=shots.split_shots([c for part in parts for c in part.cuts], max(part.end for part in parts) + 0.04),
        keyframes=[keyframe for part in parts for keyframe in part.keyframes],
        storyboard=save_storyboard(tiles, out),
        storyboard_step=step,
        storyboard_tiles=len(tiles),
        frames=frames,
        decode_errors=sum(part.decode_errors for part in parts),
    )


def save_storyboard(tiles: Sequence[str], out: Path) -> str:
    """Tiles in rows on one JPEG."""
    rows = math.ceil(len(tiles) / TILES_A_ROW)
    sheet = Pillow.new("RGB", (TILE[0] * min(TILES_A_ROW, len(tiles)), TILE[1] * rows))
    for number, tile in enumerate(tiles):
        with Pillow.open(tile, formats=("JPEG",)) as small:
            row, column = divmod(number, TILES_A_ROW)
            x, y = column * TILE[0] + (TILE[0] - small.width) // 2, row * TILE[1] + (TILE[1] - small.height) // 2
            sheet.paste(small, (x, y))
    sheet.save(out / "storyboard.jpg", quality=75)
    return str(out / "storyboard.jpg")
