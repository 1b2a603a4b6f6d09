"""Small videos made by Kinoscope itself, so that a newcomer has something to search and ask within minutes.

Drawn slides about how the library works, a chart, a scene with music (`films`); what is spoken needs the extra `demo`.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from webapp.models import User, Video
from webapp.operations import films
from webapp.operations.films import RATE, SIZE, write_film
from webapp.operations.voice import narrate
from webapp.uploads import intake

log = logging.getLogger(__name__)

TITLE = "How Kinoscope understands a video"
SECONDS = 8.0  # of a slide

# Heading, spoken sentence, background colour.
SLIDES = [
    ("Kinoscope", "Welcome to your video library. You can search it, and you can ask it questions.", (15, 110, 132)),
    ("1. Shots", "First, we cut every video into shots, wherever the picture changes suddenly.", (122, 62, 29)),
    ("2. Speech", "Then Whisper writes down what is spoken, and notes when each word was said.", (58, 92, 40)),
    ("3. Screen text", "Text on the screen is read as well, so a slide can be found by its heading.", (92, 40, 92)),
    (
        "4. FAISS index",
        "The pictures and the words go into an index, which answers within milliseconds.",
        (40, 60, 112),
    ),
    ("5. Answers", "Every answer shows the moment that supports it, and you can play that moment.", (112, 84, 20)),
]


def add_all(owner: User) -> Video | None:
    """The slides and the films, once; the slides where they are new."""
    slides = add(owner)
    hand_in(owner, films.CHART_TITLE, "harbour-museum.mp4", films.make_chart)
    hand_in(owner, films.SCENE_TITLE, "boat.mp4", films.make_scene)
    return slides


def add(owner: User) -> Video | None:
    """The slides alone."""
    return hand_in(owner, TITLE, "kinoscope-demo.mp4", make)


def hand_in(owner: User, title: str, file_name: str, make: Callable[[Path], None]) -> Video | None:
    """Make a film and hand it in, once."""
    if Video.objects.filter(title=title).exists():
        return None
    target = Path(settings.KINOSCOPE_HOME) / "incoming" / f"{uuid.uuid4()}.mp4"
    try:
        make(target)
        return intake.accept(owner, target, file_name, title=title, visibility=Video.Visibility.PUBLIC)
    except (intake.Duplicate, intake.Refused) as error:
        log.warning("demo: %s", error)
        return None
    finally:
        target.unlink(missing_ok=True)


def make(target: Path) -> None:
    sound = narrate([said for _heading, said, _colour in SLIDES], SECONDS)
    write_film(target, (picture for slide in SLIDES for picture in draw(*slide)), sound)


def draw(heading: str, said: str, colour: tuple[int, int, int]) -> Iterator[Image.Image]:
    """Frames of one slide: heading, wrapped sentence, and a ball that moves so that it is a video."""
    large, small = ImageFont.load_default(44), ImageFont.load_default(22)
    words, lines = said.split(), [""]
    for word in words:
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < 46 else [lines[-1], word]
    for step in range(round(SECONDS * RATE)):
        picture = Image.new("RGB", SIZE, colour)
        pen = ImageDraw.Draw(picture)
        pen.text((48, 60), heading, font=large, fill="white")
        for row, line in enumerate(lines):
            pen.text((48, 150 + 32 * row), line, font=small, fill="white")
        x = 48 + step * (SIZE[0] - 110) // round(SECONDS * RATE)
        pen.ellipse((x, 300, x + 24, 324), fill=(255, 231, 154))
        yield picture
