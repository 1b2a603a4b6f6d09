"""A small video made by Kinoscope itself, so that a newcomer has something to search and ask within minutes.

Drawn slides about how the library works; spoken too, when the extra `demo` (eSpeak NG) is installed.
"""

import ctypes
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
SOUND_RATE = 22_050  # Hz: eSpeak's

# Heading, spoken sentence, background colour.
SLIDES = [
    ("Kinoscope", "Welcome to Kinoscope, a video library that you can search and question.", (15, 110, 132)),
    ("1. Shots", "First, every video is cut into shots, wherever the picture changes suddenly.", (122, 62, 29)),
    ("2. Speech", "Then Whisper writes down what is spoken, and notes when each word was said.", (58, 92, 40)),
    ("3. Screen text", "Text on the screen is read as well, so a slide can be found by its heading.", (92, 40, 92)),
    (
        "4. Search",
        "The pictures and the words go into a FAISS index, which answers within milliseconds.",
        (40, 60, 112),
    ),
    ("5. Answers", "Every answer cites the moment that supports it, and you can play that moment.", (112, 84, 20)),
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


_spoken: list[npt.NDArray[np.int16]] = []  # what eSpeak has handed over of the sentence that it speaks


def _take(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
    if samples and count:
        _spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
    return 0


# Kept for good: eSpeak holds its address.
_TAKE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(_take)


@cache
def _voice() -> ctypes.CDLL | None:
    """eSpeak NG, initialised once: it keeps the callback's address for good, and a second start can crash it."""
    try:
        import espeakng_loader
    except ImportError:
        return None
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    # speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS = 2, espeakRATE = 1
    library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    library.espeak_SetSynthCallback(_TAKE)
    library.espeak_SetVoiceByName(b"en")
    library.espeak_SetParameter(1, 150, 0)
    sizes: list[Any] = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint]
    library.espeak_Synth.argtypes = [*sizes, ctypes.c_void_p, ctypes.c_void_p]
    return library


def speak(sentence: str) -> npt.NDArray[np.int16] | None:
    """The sentence as 22,050 Hz mono samples by eSpeak NG; None where it is not installed."""
    library = _voice()
    if library is None:
        return None
    _spoken.clear()
    text = sentence.encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, 1, None, None)  # espeakCHARS_UTF8 = 1
    library.espeak_Synchronize()
    return np.concatenate(_spoken) if _spoken else None
