"""Reading a video, ours against the way most people write it first, in one run, in CPU seconds.

Ours: one decode pass (shots, samples, storyboard) and the encoder in use; or key frames alone (`glance`).
The other: PySceneDetect's adaptive detector, then OpenCV reading every frame and keeping one a second, then Pillow and
open_clip's ViT-B/32 in float32 (random weights take the same time). Speech is compared by itself: ours listens where
somebody speaks, several windows at once, in int8; the other hears everything in float32, by the same Whisper base.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from indexer import box
from indexer.measures import Record
from webapp import engine
from webapp.benchmarks import judged
from webapp.index import recipes
from webapp.pipeline.embed import load_picture

MAX_VIDEOS = 4  # videos, the longest ones: short ones measure the start of a process


def ingest(data: Path) -> Iterator[Record]:
    """CPU seconds an hour of video, and how many times fewer than the other way."""
    read_naively = engine.load_adapter("indexer.adapters.naive.read_naively")
    open_random = engine.load_adapter("indexer.adapters.open_clip.open_random")
    infos = {path: box.probe(path) for path in judged.media(data)}
    chosen = sorted((p for p in infos if infos[p].width), key=lambda p: -infos[p].duration)[:MAX_VIDEOS]
    if not chosen:
        raise LookupError(f"{data} has no videos.")
    hours = sum(infos[p].duration for p in chosen) / 3600
    encoder, plain = engine.pictures(recipes.active()), open_random("ViT-B-32")
    warm = [np.zeros((256, 256, 3), np.uint8)]
    encoder.encode_images(warm)
    plain(warm)

    def look(path: Path, out: Path) -> None:
        found = box.look(path, out, infos[path], lambda _: None)
        encoder.encode_images([load_picture(Path(k.path).read_bytes()) for k in found.keyframes])

    def glance(path: Path, out: Path) -> None:
        encoder.encode_images([load_picture(Path(k.path).read_bytes()) for k in box.glance(path, out)], thorough=False)

    def naive(path: Path, out: Path) -> None:
        read_naively(path, plain)

    yield from compare({"naive": naive, "look": look, "glance": glance}, chosen, hours)
    heard = [path for path in chosen if infos[path].has_audio]
    listen = engine.load_adapter("indexer.adapters.naive.hear_naively")(engine.models_folder())
    transcriber, voice = engine.transcriber(), engine.voice()

    def hear(path: Path, out: Path) -> None:
        sound = np.fromfile(box.extract_audio(path, out, infos[path]), np.float32)
        transcriber.transcribe(sound, voice.detect(sound), lambda _: None)

    yield from compare({"naive, speech": lambda path, _out: listen(path), "speech": hear}, heard, hours)


def compare(ways: dict[str, Callable[[Path, Path], None]], chosen: list[Path], hours: float) -> Iterator[Record]:
    """The first way is what the others are held against."""
    spent = {name: measure(way, chosen) for name, way in ways.items()}
    naive, naive_wall = next(iter(spent.values()))
    for name, (processor, wall) in spent.items():
        yield {
            "bench": f"ingest, {name}",
            "CPU s an hour of video": round(processor / hours),
            "wall s an hour of video": round(wall / hours),
            "times fewer CPU s than naive": round(naive / processor, 1),
            "times faster than naive": round(naive_wall / wall, 1),
            "videos": len(chosen),
            "minutes": round(60 * hours, 1),
        }


def measure(way: Callable[[Path, Path], None], paths: list[Path]) -> tuple[float, float]:
    """CPU seconds of this process and its children, and wall seconds."""
    before, begun = processor_seconds(), time.perf_counter()
    for path in paths:
        with tempfile.TemporaryDirectory() as out:
            way(path, Path(out))
    return processor_seconds() - before, time.perf_counter() - begun


def processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
