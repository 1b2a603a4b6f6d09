"""How fast a model of the catalogue is on this machine, by what a role does with it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil

from indexer.calibration import BACKGROUND
from indexer.errors import translatable
from indexer.measures import Record
from indexer.types import SAMPLE_RATE, Span
from qa.types import Evidence
from webapp import engine
from webapp.catalogue.download import is_here
from webapp.catalogue.entry import INDEXED, Entry
from webapp.catalogue.installations import name_of
from webapp.catalogue.table import ENTRIES

MIN_SECONDS = 2.0  # that are measured, after one round that only warms up
PICTURES = 16
SOUND_SECONDS = 20.0


def models() -> Iterator[Record]:
    """What each role has now, then every other model that is installed."""
    used = {role: adapter for role in MEASURES if (adapter := engine.adapter_of(role))}
    for role, adapter in used.items():
        yield {"bench": f"{name_of(adapter)}, {role}", **measure_role(role, load_used(role))}
    for entry in ENTRIES.values():
        if is_here(engine.catalogue_folder(), entry) and not any(entry.weights in adapter for adapter in used.values()):
            yield from ({"bench": f"{entry.title}, {role}", **numbers} for role, numbers in measure(entry).items())


def load_used(role: str) -> Any:
    if role in INDEXED:
        return dict(zip(INDEXED, engine.load_encoders(engine.wanted_encoders()), strict=True))[role]
    return getattr(engine, role)()


def measure(entry: Entry) -> dict[str, dict[str, float]]:
    """By role what it does a second, and the memory it took."""
    before = psutil.Process().memory_info().rss
    model = engine.open_entry(entry)
    found = {role: measure_role(role, model) for role in entry.roles}
    taken = round((psutil.Process().memory_info().rss - before) / 1e6)
    return {role: {**numbers, translatable("MB of memory"): taken} for role, numbers in found.items()}


def measure_role(role: str, model: Any) -> dict[str, float]:
    unit, items, work = MEASURES[role](model)
    work()
    begun, rounds, taken = time.perf_counter(), 0, 0.0
    while not rounds or taken < MIN_SECONDS:
        work()
        rounds, taken = rounds + 1, time.perf_counter() - begun
    return {unit: round(rounds * items / taken, 2)}


Measure = tuple[str, float, Callable[[], object]]  # what is counted, how much of it one call does, the call


def _noise() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.integers(0, 255, (256, 256, 3), dtype=np.uint8) for _ in range(PICTURES)]


def _pictures(model: Any) -> Measure:
    pictures = _noise()
    return translatable("pictures a second"), PICTURES, lambda: model.encode_images(pictures)


def _sentences(model: Any) -> Measure:
    return translatable("sentences a second"), len(BACKGROUND), lambda: model.encode_passages(BACKGROUND)


def _transcriber(model: Any) -> Measure:
    """Noise that is loud enough to be taken for a voice: the encoder's work is the same, the words are few."""
    sound = (0.05 * np.random.default_rng(0).normal(size=round(SOUND_SECONDS * SAMPLE_RATE))).astype(np.float32)
    heard = [Span(0.0, SOUND_SECONDS)]
    return (
        translatable("seconds of sound a second"),
        SOUND_SECONDS,
        lambda: model.transcribe(sound, heard, lambda _share: None),
    )


def _captioner(model: Any) -> Measure:
    picture = _noise()[:1]
    return translatable("captions a second"), 1, lambda: model.caption(picture)


def _decoder(model: Any) -> Measure:
    evidence = [Evidence(n, 1, n, n + 1, "speech", text) for n, text in enumerate(BACKGROUND[:8], 1)]
    question = "What does a beekeeper do?"
    length = max(1, sum(len(piece.split()) for piece in model.answer(question, evidence, [])))
    return translatable("words a second"), length, lambda: list(model.answer(question, evidence, []))


def _reranker(model: Any) -> Measure:
    return translatable("passages a second"), len(BACKGROUND), lambda: model.score("Who opens a hive?", BACKGROUND)


def _inference(model: Any) -> Measure:
    return translatable("passages a second"), len(BACKGROUND), lambda: model.infer(BACKGROUND, "A hive is opened.")


def _translator(model: Any) -> Measure:
    return translatable("sentences a second"), 4, lambda: model.translate(BACKGROUND[:4], "en", "de")


MEASURES: dict[str, Callable[[Any], Measure]] = {
    "pictures": _pictures,
    "sentences": _sentences,
    "transcriber": _transcriber,
    "captioner": _captioner,
    "decoder": _decoder,
    "reranker": _reranker,
    "inference": _inference,
    "translator": _translator,
}
