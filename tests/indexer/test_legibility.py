"""Where small text may be, and that tiles read each line once."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from indexer.legibility import OVERLAP, TILE, cut, has_small_text, read_tiles
from indexer.types import ScreenLine
from tests.conftest import paint

pytestmark = pytest.mark.unit


def test_words_are_told_from_pictures() -> None:
    screen = Image.new("L", (1920, 1080), 240)
    ImageDraw.Draw(screen).text((300, 500), "twelve pixels high", font=ImageFont.load_default(12), fill=0)
    assert has_small_text(np.asarray(screen))
    assert not has_small_text(np.full((1080, 1920), 127, np.uint8))
    assert not has_small_text(np.asarray(paint(3).resize((1920, 1440)).convert("L")))
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920), dtype=np.uint8)
    assert not has_small_text(noise)


class Finder:
    """Reads every black rectangle as a line that is named by its width."""

    name = "finder"

    def read(self, image, time):
        rows, columns = np.nonzero(image[:, :, 0] == 0)
        if not len(rows):
            return []
        height, width = image.shape[:2]
        x, y, w, h = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
        return [ScreenLine(time, "x" * int(w), 0.9, (x / width, y / height, w / width, h / height))]


@pytest.mark.parametrize("place", [(100, 100), (TILE - 60, 1000), (3000, 1900)])
def test_a_line_is_read_once_and_where_it_is(place) -> None:
    left, top = place
    image = np.full((2160, 3840, 3), 255, np.uint8)
    image[top : top + 24, left : left + 100] = 0
    (line,) = read_tiles(Finder(), image, 2.0)
    assert len(line.text) == 100
    assert line.box == pytest.approx((left / 3840, top / 2160, 100 / 3840, 24 / 2160))


@pytest.mark.parametrize("side", [10, TILE, TILE + 1, 3840, 8192])
def test_tiles_cover_everything(side: int) -> None:
    starts = list(cut(side))
    assert starts[0] == 0
    assert starts[-1] + TILE >= side
    assert all(b - a <= TILE - OVERLAP for a, b in pairwise(starts))
