"""What anyone would script first: PySceneDetect, OpenCV, a frame a second. For `bench ingest` to compare with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, detect

from indexer.types import Image

BATCH = 16


def read_naively(path: Path, encode: Callable[[list[Image]], object]) -> None:
    """Detect shots, and encode a frame of each second, on one thread."""
    cv2.setNumThreads(1)
    detect(str(path), AdaptiveDetector())
    for frames in read_every_second(path):
        encode(frames)


def read_every_second(path: Path) -> Iterator[list[Image]]:
    """One frame a second out of all of them, RGB, `BATCH` at a time."""
    capture = cv2.VideoCapture(str(path))
    every = max(1, round(capture.get(cv2.CAP_PROP_FPS)))
    batch: list[Image] = []
    number = 0
    while True:
        found, frame = capture.read()
        if not found:
            break
        if number % every == 0:
            batch.append(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8))
        number += 1
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def hear_naively(models: Path) -> Callable[[Path], None]:
    """The same Whisper as it is used without further thought: float32, one window after the other, everything heard."""
    from faster_whisper import WhisperModel

    from indexer import weights

    whisper = WhisperModel(
        str(weights.join_whisper(models)), device="cpu", compute_type="float32", cpu_threads=2, local_files_only=True
    )

    def hear(path: Path) -> None:
        segments, _about = whisper.transcribe(str(path), beam_size=5, word_timestamps=True)
        for _segment in segments:
            pass

    return hear
