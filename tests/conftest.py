"""Shared by all tests: a scratch home, real media made on the spot, people of every role."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.repositories import make_repository
from webapp.catalogue.table import ENTRIES

MakeMovie = Callable[..., Path]


def paint(number: int, text: str = "") -> Image.Image:
    """A picture that differs from every other number's, with large readable text if asked."""
    shade = np.random.default_rng(number)
    picture = Image.fromarray(
        np.kron(shade.integers(0, 255, (6, 8, 3), dtype=np.uint8), np.ones((40, 40, 1), np.uint8))
    )
    if text:
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, 80, 320, 160), fill="white")
        pen.text((10, 92), text, font=ImageFont.load_default(40), fill="black")
    return picture


@pytest.fixture
def make_movie(tmp_path: Path) -> MakeMovie:
    return movie_maker(tmp_path)


def movie_maker(folder: Path) -> MakeMovie:
    """Writes a real video: `shots` pictures of `seconds` each, with a tone unless `sound` is off."""

    def make(
        name: str = "movie.mp4",
        shots: int = 3,
        seconds: float = 2.0,
        text: str = "",
        sound: bool = True,
        picture: bool = True,
        codec: str = "libx264",
        audio_codec: str = "aac",
    ) -> Path:
        path = folder / name
        with av.open(str(path), "w") as sink:
            video = sink.add_stream(codec, rate=10) if picture else None
            audio = sink.add_stream(audio_codec, rate=48_000, layout="mono") if sound else None
            if video is not None:
                video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
                for number in range(shots):
                    frame = av.VideoFrame.from_image(paint(number, text))
                    for step in range(round(seconds * 10)):
                        frame.pts, frame.time_base = number * round(seconds * 10) + step, Fraction(1, 10)
                        sink.mux(video.encode(frame))
                sink.mux(video.encode(None))
            if audio is not None:
                time = np.arange(round(shots * seconds * 48_000)) / 48_000
                tone = (0.2 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[None]
                frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
                resampler = av.AudioResampler(format=audio.format, layout="mono", rate=48_000)
                for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                    sink.mux(audio.encode(piece))
                sink.mux(audio.encode(None))
        return path

    return make


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where joined and exported weights are kept during the run."""
    return Path(os.environ["KINOSCOPE_HOME"]) / "models"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    """An open_clip folder with tiny random weights: config and checkpoint, as `local-dir:` reads it."""
    return make_repository(ENTRIES["clip-b32"], tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def whisper_file(tmp_path_factory) -> Path:
    """A checkpoint of OpenAI's Whisper with tiny random weights."""
    return make_repository(ENTRIES["openai-whisper-small"], tmp_path_factory.mktemp("whisper")) / "small.pt"


@pytest.fixture(scope="session")
def vlm_folder(tmp_path_factory) -> Path:
    """A SmolVLM checkpoint with a tokenizer of a few words and a chat template."""
    return make_repository(ENTRIES["smolvlm2-500m"], tmp_path_factory.mktemp("vlm"))
