"""Pictures that are no photographs, drawn by number: who learned from photographs must not speak about them."""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from indexer.types import Image

SIZES = ((640, 360), (480, 360), (360, 480), (854, 480))
_VOCABULARY = (
    "revenue plan index model report total quarter process system design review budget update release schedule value "
    "return import class function result error number table average north river street station harbour"
)
_WORDS = _VOCABULARY.split()

Dice = np.random.Generator
Pen = ImageDraw.ImageDraw
Size = tuple[int, int]
Colour = tuple[int, int, int]


def draw(kind: str, number: int) -> Image:
    """The picture of this kind and number, RGB uint8 (h, w, 3), with the marks that JPEG leaves on it."""
    dice = np.random.default_rng([sorted(DRAWINGS).index(kind), number])
    size = SIZES[int(dice.integers(len(SIZES)))]
    canvas = DRAWINGS[kind](dice, size)
    stored = io.BytesIO()
    canvas.convert("RGB").save(stored, "JPEG", quality=int(dice.integers(70, 95)))
    return np.asarray(Pillow.open(stored))


def _colour(dice: Dice, low: int = 0, high: int = 256) -> Colour:
    red, green, blue = dice.integers(low, high, 3).tolist()
    return red, green, blue


def _sheet(dice: Dice, size: Size, darkness: float = 0.4) -> tuple[Pillow.Image, Pen, Colour]:
    """An empty sheet, a pen on it and a colour that can be read there. `darkness` is how often it is dark."""
    is_dark = bool(dice.random() < darkness)
    sheet = Pillow.new("RGB", size, _colour(dice, 0, 70) if is_dark else _colour(dice, 200, 256))
    return sheet, ImageDraw.Draw(sheet), _colour(dice, 190, 256) if is_dark else _colour(dice, 0, 90)


def _font(pixels: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, pixels))


def _text(dice: Dice, least: int, most: int) -> str:
    return " ".join(dice.choice(_WORDS, int(dice.integers(least, most))).tolist())


def _slide(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    width, height = size
    pen.text((width * 0.07, height * 0.08), _text(dice, 2, 5).title(), ink, _font(height / 10))
    for row in range(int(dice.integers(2, 6))):
        top = height * (0.3 + 0.12 * row)
        pen.ellipse((width * 0.08, top + 6, width * 0.08 + 8, top + 14), ink)
        pen.text((width * 0.12, top), _text(dice, 3, 8), ink, _font(height / 18))
    return sheet


def _title(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    pen.text((size[0] * 0.5, size[1] * 0.45), _text(dice, 1, 4).title(), ink, _font(size[1] / 7), "mm")
    pen.text((size[0] * 0.5, size[1] * 0.65), _text(dice, 2, 5), ink, _font(size[1] / 18), "mm")
    return sheet


def _editor(dice: Dice, size: Size) -> Pillow.Image:
    is_dark = bool(dice.random() < 0.7)
    sheet, pen, _ink = _sheet(dice, size, float(is_dark))
    step = int(dice.integers(12, 20))
    for row, top in enumerate(range(8, size[1] - step, step)):
        pen.text((6, top), str(row + 1), (128, 128, 128), _font(step * 0.75))
        left = 40 + 18 * int(dice.integers(0, 4))
        for word in _text(dice, 1, 7).split():
            shade = _colour(dice, 120, 256) if is_dark else _colour(dice, 0, 140)
            pen.text((left, top), word + str(dice.choice(["", "(", ")", ":", " =", "."])), shade, _font(step * 0.75))
            left += 9 * len(word)
    return sheet


def _chart(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    width, height = size
    left, bottom = width * 0.12, height * 0.85
    pen.line((left, height * 0.1, left, bottom, width * 0.95, bottom), ink, 2)
    count, kind = int(dice.integers(4, 12)), int(dice.integers(3))
    heights = bottom - dice.uniform(0.05, 0.7, count) * height
    across = np.linspace(left + 10, width * 0.92, count)
    if kind == 0:
        for x, y in zip(across, heights, strict=True):
            pen.rectangle((x, y, x + 0.5 * width / count, bottom), _colour(dice))
    elif kind == 1:
        pen.line([(float(x), float(y)) for x, y in zip(across, heights, strict=True)], _colour(dice), 3)
    else:
        for start in range(0, 360, 60):
            pen.pieslice((width * 0.3, height * 0.15, width * 0.7, height * 0.8), start, start + 60, _colour(dice))
    pen.text((width * 0.3, 6), _text(dice, 2, 4), ink, _font(height / 16))
    return sheet


def _table(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    rows, columns = int(dice.integers(5, 14)), int(dice.integers(3, 8))
    for row in range(rows):
        pen.line((0, row * size[1] / rows, size[0], row * size[1] / rows), (150, 150, 150))
        for column in range(columns):
            place = (column * size[0] / columns + 4, row * size[1] / rows + 4)
            pen.text(place, str(dice.integers(10_000)) if row and column else _text(dice, 1, 2), ink, _font(12))
    return sheet


def _diagram(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    places = [(dice.uniform(0.05, 0.7) * size[0], dice.uniform(0.05, 0.8) * size[1]) for _ in range(6)]
    for (x, y), (u, v) in pairwise(places):
        pen.line((x + 40, y + 15, u + 40, v + 15), ink, 2)
    for x, y in places:
        pen.rounded_rectangle((x, y, x + size[0] / 5, y + size[1] / 9), 8, _colour(dice, 120, 256), ink)
        pen.text((x + 8, y + 8), _text(dice, 1, 2), (20, 20, 20), _font(13))
    return sheet


def _map(dice: Dice, size: Size) -> Pillow.Image:
    sheet = Pillow.new("RGB", size, _colour(dice, 190, 250))
    pen = ImageDraw.Draw(sheet)
    for _ in range(int(dice.integers(3, 8))):
        middle = dice.uniform(0, 1, 2) * size
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        reach = dice.uniform(0.08, 0.3, 14) * size[0]
        outline = [
            (float(middle[0] + r * np.cos(a)), float(middle[1] + r * np.sin(a)))
            for a, r in zip(angles, reach, strict=True)
        ]
        pen.polygon(outline, _colour(dice, 130, 240), (120, 120, 120))
    for _ in range(int(dice.integers(4, 12))):
        bends = np.cumsum(dice.normal(0, 0.12, (8, 2)), 0) * size + dice.uniform(0, 1, 2) * size
        pen.line([(float(x), float(y)) for x, y in bends], _colour(dice), int(dice.integers(1, 5)))
        pen.text((float(bends[3][0]), float(bends[3][1])), _text(dice, 1, 2).title(), (40, 40, 40), _font(12))
    return sheet


def _bars(dice: Dice, size: Size) -> Pillow.Image:
    sheet = Pillow.new("RGB", size)
    pen = ImageDraw.Draw(sheet)
    count, upright = int(dice.integers(4, 12)), bool(dice.random() < 0.6)
    for bar in range(count):
        box = (bar / count, 0, (bar + 1) / count, 1) if upright else (0, bar / count, 1, (bar + 1) / count)
        pen.rectangle(tuple(np.multiply(box, (*size, *size)).tolist()), _colour(dice))
    return sheet


def _rings(dice: Dice, size: Size) -> Pillow.Image:
    sheet, pen, ink = _sheet(dice, size)
    for reach in range(20, size[0], int(dice.integers(20, 50))):
        middle = (size[0] / 2, size[1] / 2)
        pen.ellipse((middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach), None, ink, 3)
    for x in range(0, size[0], int(dice.integers(30, 60))):
        pen.line((x, 0, x, size[1]), (128, 128, 128))
    return sheet


def _plain(dice: Dice, size: Size) -> Pillow.Image:
    return Pillow.new("RGB", size, _colour(dice))


def _dark(dice: Dice, size: Size) -> Pillow.Image:
    grain = dice.normal(0, dice.uniform(0, 4), (size[1], size[0], 3)) + dice.uniform(0, 18)
    return Pillow.fromarray(grain.clip(0, 255).astype(np.uint8))


def _gradient(dice: Dice, size: Size) -> Pillow.Image:
    across = np.linspace(0, 1, size[0])[None, :, None] * dice.uniform(-1, 1)
    down = np.linspace(0, 1, size[1])[:, None, None] * dice.uniform(-1, 1)
    share = (across + down - (across + down).min()) / max(float(np.ptp(across + down)), 1e-6)
    shades = np.array(_colour(dice)) * share + np.array(_colour(dice)) * (1 - share)
    return Pillow.fromarray(shades.astype(np.uint8))


def _noise(dice: Dice, size: Size) -> Pillow.Image:
    grain = int(dice.choice([1, 2, 4, 16, 48]))
    small = dice.integers(0, 256, (size[1] // grain + 1, size[0] // grain + 1, 3), dtype=np.uint8)
    return Pillow.fromarray(np.kron(small, np.ones((grain, grain, 1), np.uint8))[: size[1], : size[0]])


def _cartoon(dice: Dice, size: Size) -> Pillow.Image:
    """A drawn scene: sky, ground, sun, and figures of circles and lines."""
    width, height = size
    sheet = Pillow.new("RGB", size, _colour(dice, 120, 256))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, height * 0.65, width, height), _colour(dice, 40, 200))
    pen.ellipse((width * 0.8, 10, width * 0.8 + 50, 60), (250, 220, 60))
    for _ in range(int(dice.integers(1, 4))):
        x, y, big = dice.uniform(0.1, 0.85) * width, dice.uniform(0.3, 0.55) * height, dice.uniform(0.08, 0.2) * height
        skin = _colour(dice, 60, 256)
        pen.rectangle((x - big * 0.7, y + big, x + big * 0.7, y + big * 2.6), _colour(dice))
        pen.ellipse((x - big, y - big, x + big, y + big), skin, (20, 20, 20), 2)
        for side in (-0.4, 0.4):
            pen.ellipse((x + side * big - 4, y - 6, x + side * big + 4, y + 4), (10, 10, 10))
        pen.arc((x - big * 0.5, y, x + big * 0.5, y + big * 0.6), 20, 160, (120, 20, 20), 3)
    return sheet


def _window(dice: Dice, size: Size) -> Pillow.Image:
    """A program's window: bars, buttons, fields, a list."""
    sheet, pen, ink = _sheet(dice, size, 0.0)
    width, height = size
    pen.rectangle((0, 0, width, height * 0.08), _colour(dice, 40, 160))
    pen.rectangle((0, height * 0.08, width * 0.22, height), _colour(dice, 200, 240))
    for row in range(int(dice.integers(5, 12))):
        pen.text((8, height * (0.12 + 0.07 * row)), _text(dice, 1, 3), ink, _font(12))
        box = (width * 0.26, height * (0.14 + 0.09 * row), width * 0.9, height * (0.2 + 0.09 * row))
        pen.rounded_rectangle(box, 4, None, (150, 150, 150))
        pen.text((box[0] + 6, box[1] + 4), _text(dice, 1, 6), ink, _font(12))
    return sheet


DRAWINGS: dict[str, Callable[[Dice, Size], Pillow.Image]] = {
    "bars": _bars, "cartoon": _cartoon, "chart": _chart, "dark": _dark, "diagram": _diagram, "editor": _editor,
    "gradient": _gradient, "map": _map, "noise": _noise, "plain": _plain, "rings": _rings, "slide": _slide,
    "table": _table, "title": _title, "window": _window,
}  # fmt: skip
