"""Two small films beside the demo's slides, drawn by code: a chart that is spoken about, and a scene with music."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from webapp import engine
from webapp.operations.voice import SOUND_RATE, Sound, narrate, play

SIZE = (640, 360)
RATE = 10  # frames a second

CHART_TITLE = "Visitors of the harbour museum"
CHART_SECONDS = 8.0  # of a month
# Month, how many came, what is said.
MONTHS = (
    ("Jan", 400, "In January, four hundred people came to the harbour museum."),
    ("Apr", 900, "Nine hundred visitors came in April, because a new ship was opened."),
    ("Jul", 2000, "July was the best month, with two thousand guests."),
    ("Oct", 600, "The museum closed early in October, and six hundred people came."),
)
SCENE_TITLE = "A boat crosses the bay"
SCENE_SECONDS = 16.0


def make_chart(target: Path) -> None:
    sound = narrate([said for _month, _count, said in MONTHS], CHART_SECONDS)
    write_film(target, draw_chart(), sound)


def make_scene(target: Path) -> None:
    write_film(target, draw_scene(), play(SCENE_SECONDS))


def write_film(target: Path, pictures: Iterator[Image.Image], sound: Sound | None) -> None:
    """H.264 + AAC in an MP4."""
    frames = (np.asarray(picture) for picture in pictures)
    engine.load_adapter("indexer.adapters.pyav.movie.write_movie")(target, frames, RATE, sound, SOUND_RATE)


def draw_chart() -> Iterator[Image.Image]:
    """Bars that grow one after the other, month by month."""
    large, small = ImageFont.load_default(30), ImageFont.load_default(24)
    frames = round(CHART_SECONDS * RATE)
    for step in range(frames * len(MONTHS)):
        picture = Image.new("RGB", SIZE, (248, 246, 240))
        pen = ImageDraw.Draw(picture)
        pen.text((40, 24), CHART_TITLE, (30, 40, 60), large)
        pen.line((60, 310, 600, 310), (60, 60, 60), 2)
        for number, (month, count, _said) in enumerate(MONTHS[: step // frames + 1]):
            grown = min(1.0, (step - number * frames) / (2 * RATE))
            left, top = 90 + 130 * number, 310 - round(0.1 * count * grown)
            pen.rectangle((left, top, left + 70, 310), (30, 110, 150) if count < 2000 else (200, 90, 40))
            pen.text((left + 35, 332), month, (30, 40, 60), small, "mm")
            pen.text((left + 35, top - 16), str(round(count * grown)), (30, 40, 60), small, "mm")
        yield picture


def draw_scene() -> Iterator[Image.Image]:
    """The sun goes down behind a bay while a boat sails across it."""
    frames = round(SCENE_SECONDS * RATE)
    rows = np.linspace(0, 1, 220)[:, None, None]
    for step in range(frames):
        share = step / frames
        high, low = np.array([60, 110, 190]) * (1 - 0.6 * share), np.array([250, 180, 110]) * (1 - 0.3 * share)
        sky = np.broadcast_to(high * (1 - rows) + low * rows, (220, SIZE[0], 3))
        picture = Image.new("RGB", SIZE, (24, 74, 110))
        picture.paste(Image.fromarray(sky.astype(np.uint8)), (0, 0))
        pen = ImageDraw.Draw(picture)
        sun = 60 + round(150 * share)
        pen.ellipse((430, sun, 490, sun + 60), (255, 214, 120))
        pen.rectangle((0, 220, *SIZE), (24, 74, 110))
        for wave in range(8):
            x = (wave * 97 + step * 3) % 700 - 40
            pen.arc((x, 238 + 14 * wave, x + 60, 254 + 14 * wave), 200, 340, (120, 170, 200), 2)
        x = -120 + round(780 * share)
        pen.polygon([(x, 250), (x + 110, 250), (x + 90, 280), (x + 20, 280)], (120, 50, 30))
        pen.line((x + 55, 250, x + 55, 150), (60, 40, 30), 4)
        pen.polygon([(x + 60, 155), (x + 60, 242), (x + 105, 242)], (250, 245, 235))
        pen.polygon([(x + 50, 165), (x + 50, 242), (x + 12, 242)], (235, 225, 210))
        if share < 0.3:
            pen.text((320, 330), SCENE_TITLE, "white", ImageFont.load_default(28), "mm")
        yield picture
