"""Profile `fake`: every port of a model, in milliseconds, for tests of what is done with the results.

Encoders count words in 64 dimensions, the transcript is that of the demo, a caption is the name of a colour. Chosen by
settings like any other profile (fixture `fake_models`); the box, the index and the database stay the real ones.
"""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from indexer.ports import Progress
from indexer.terms import terms
from indexer.types import SAMPLE_RATE, Audio, Image, ScreenLine, Span, Transcript, Utterance, Vectors, Word
from qa.pictures import PictureQuestion
from qa.types import Caption, Evidence, Guess, Turn
from webapp.operations.demo import SECONDS, SLIDES

DIM = 64
COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (200, 40, 40), "green": (40, 160, 60)} | {
    "blue": (40, 60, 200), "brown": (122, 62, 29), "teal": (15, 110, 132), "purple": (92, 40, 92),
}  # fmt: skip


def count_words(texts: Sequence[str]) -> Vectors:
    """(n, 64), unit length; zero for a text without words."""
    counts = np.zeros((len(texts), DIM), np.float32)
    for row, text in enumerate(texts):
        for term in terms(text):
            counts[row, zlib.crc32(term.encode()) % DIM] += 1
    return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-6), np.float32)


def name_colour(image: Image) -> str:
    middle = np.median(image.reshape(-1, 3), axis=0)
    return min(COLOURS, key=lambda name: float(np.abs(middle - COLOURS[name]).sum()))


class Named:
    def __init__(self, *_given: object) -> None:
        self.name, self.dim = f"fake-{type(self).__name__}", DIM


class Sentences(Named):
    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return count_words(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return count_words(texts)


class Pictures(Named):
    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """By colour, and a little by everything else: two frames of a colour are alike and not the same."""
        named = count_words([f"a {name_colour(image)} picture" for image in images])
        seeds = [zlib.crc32(np.ascontiguousarray(image[::8, ::8])) for image in images]
        noise = np.stack([np.random.default_rng(seed).normal(size=DIM) for seed in seeds]) if seeds else named
        mixed = named + 0.05 * noise
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)

    def locate(self, image: Image, text: str) -> Vectors:
        return image[:: max(1, len(image) // 3)].mean((1, 2))[:3, None].astype(np.float32) * np.ones((1, 3), np.float32)

    def measure_novelty(self, images: Sequence[Image]) -> Vectors:
        return np.zeros(len(images), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        vectors = count_words(texts)
        vectors[~vectors.any(1), 0] = 1.0
        return vectors


class Voice(Named):
    def detect(self, audio: Audio) -> list[Span]:
        return [Span(0.0, len(audio) / SAMPLE_RATE)] if np.abs(audio).max(initial=0.0) > 0.01 else []


class Music(Named):
    def detect(self, audio: Audio) -> list[Span]:
        return []


class Transcriber(Named):
    def transcribe(
        self, audio: Audio, speech: Sequence[Span], progress: Progress, spellings: Sequence[str] = ()
    ) -> Transcript:
        """A sentence of the demo for every slide's time, as far as there is sound."""
        progress(1.0)
        found = []
        for number, (_heading, said, _colour) in enumerate(SLIDES):
            start, words = number * SECONDS + 0.5, said.split()
            if not speech or start + 6 > len(audio) / SAMPLE_RATE:
                break
            times = np.linspace(start, start + 6, len(words) + 1).tolist()
            timed = [Word(f" {w}", a, b) for w, a, b in zip(words, times[:-1], times[1:], strict=True)]
            found.append(Utterance(start, start + 6, said, 0.9, timed))
        return Transcript("en" if found else "", found)


class Screen(Named):
    def read(self, image: Image, time: float) -> list[ScreenLine]:
        heading = SLIDES[int(time // SECONDS) % len(SLIDES)][0]
        return [ScreenLine(time, heading, 0.9, (0.1, 0.1, 0.5, 0.1))]


class Mood(Named):
    def judge(self, texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)


class Reranker(Named):
    """Reads nothing, as the real one does with languages other than English."""

    def score(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.full(len(passages), np.nan, np.float32)


class Captioner(Named):
    def caption(self, images: Sequence[Image]) -> list[Caption]:
        return [Caption(f"A {name_colour(image)} picture", 0.9) for image in images]

    def answer_about(self, asked: PictureQuestion, images: Sequence[Image]) -> list[Guess]:
        return [Guess(name_colour(image), 0.9) for image in images]


class Decoder(Named):
    """Repeats its first piece of evidence, with its mark."""

    def answer(self, question: str, evidence: Sequence[Evidence], turns: Sequence[Turn]) -> Iterator[str]:
        yield f"{evidence[0].text} [{evidence[0].number}]"
