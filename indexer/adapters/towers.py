"""A large network on this machine's processor: the fastest of the ways to compute it that give the same vectors.

Which one that is can't be known beforehand: int8 is four times as fast as float32 on one processor and no faster on
another. So it is measured, on the first batch that is large enough, and kept in `towers.json`.
"""

import hashlib
import logging
import platform
import time
from collections.abc import Callable
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from indexer.adapters import onnx_runtime, openvino
from indexer.adapters.onnx_runtime import Batch
from indexer.fusion import unit
from indexer.towers import PLAIN, Choice, keep_choice, read_choices
from indexer.types import Vectors

log = logging.getLogger(__name__)

MIN_COSINE = 0.99  # to what float32 gives, for the worst of the first batch
MIN_BATCH = 8  # items in a batch that one may choose by
ROUNDS = 3

Compute = Callable[[Batch], Vectors]


class Tower:
    """`network` maps a batch (n, …) to unit-length rows (n, d); calling this does the same, faster where it can."""

    def __init__(self, name: str, network: Any, folder: Path) -> None:
        self.name, self._network, self._folder = name, network, folder
        self._compute: Compute | None = None

    def __call__(self, batch: Batch) -> Vectors:
        """(n, …) -> (n, d), unit length."""
        if self._compute is None:
            kept = read_choices(self._folder).get(self.key)
            if kept is None and len(batch) < MIN_BATCH:
                return self._plain(batch)
            choice = kept or self.choose(batch)
            self._compute = _WAYS[choice.way](self, batch)
            if choice.way.endswith("int8"):
                self._network = None  # a gigabyte that nobody needs any more
        return self._compute(batch)

    def choose(self, batch: Batch) -> Choice:
        """Measure every way on `batch`, and keep the choice."""
        expected = self._plain(batch)
        tried = {way: measure_way(partial(make, self, batch), batch, expected) for way, make in _WAYS.items()}
        good = {w: float(t["ms"]) for w, t in tried.items() if float(t.get("cosine", 0)) >= MIN_COSINE}
        choice = Choice(self.name, min(good, key=good.__getitem__, default=PLAIN), tried)
        log.warning("%s", choice)
        keep_choice(self._folder, self.key, choice)
        return choice

    def _plain(self, batch: Batch) -> Vectors:
        return compute_in_torch(self._network, batch)

    def _in_onnx(self, batch: Batch) -> Compute:
        path = self._folder / f"{self.digest}-int8.onnx"
        if not path.exists():
            onnx_runtime.quantize(self._exported(batch), path)
        session = onnx_runtime.open_session(path)
        return lambda inputs: unit(session.run(None, {"batch": inputs})[0])

    def _in_openvino(self, batch: Batch) -> Compute:
        path = self._folder / f"{self.digest}-calibrated.onnx"
        if not path.exists():
            onnx_runtime.quantize_calibrated(self._exported(batch), path, batch[:MIN_BATCH])
        compute = openvino.open_model(path)
        return lambda inputs: unit(compute(inputs))

    def _exported(self, batch: Batch) -> Path:
        import torch

        path = self._folder / f"{self.digest}.onnx"
        if not path.exists():
            axes = {0: "n", **({1: "length"} if batch.ndim == 2 else {})}
            onnx_runtime.export(self._network, (torch.from_numpy(batch[:2]),), path, {"batch": axes}, ["vectors"])
        return path

    @cached_property
    def digest(self) -> str:
        """Of the weights: the shape and sum of each tensor tell two checkpoints apart."""
        state = self._network.state_dict()
        marks = [f"{name} {tuple(t.shape)} {t.double().sum().item():.9g}" for name, t in sorted(state.items())]
        return hashlib.sha256("\n".join([self.name, *marks]).encode()).hexdigest()[:16]

    @cached_property
    def key(self) -> str:
        """Of the weights and of what computes them here."""
        return "|".join([self.digest, _processor(), *(_version(p) for p in ("torch", "onnxruntime", "openvino"))])


def compute_in_torch(network: Any, batch: Batch) -> Vectors:
    """(n, …) -> (n, d), unit length, on the processor."""
    import torch

    with torch.inference_mode():
        return unit(network(torch.from_numpy(np.ascontiguousarray(batch))).float().numpy())


_WAYS: dict[str, Callable[[Tower, Batch], Compute]] = {
    PLAIN: lambda tower, batch: tower._plain,
    "ONNX Runtime int8": Tower._in_onnx,
    "OpenVINO int8": Tower._in_openvino,
}


def measure_way(make: Callable[[], Compute], batch: Batch, expected: Vectors) -> dict[str, float | str]:
    """Milliseconds an item and the worst cosine to `expected`; or the reason why it can't be used."""
    try:
        compute = make()
        cosine = float((compute(batch) * expected).sum(1).min())
        return {"ms": round(1000 * min(_timed(compute, batch)) / len(batch), 4), "cosine": round(cosine, 4)}
    except Exception as error:  # whatever a library dislikes about this network: there are other ways
        return {"why not": f"{type(error).__name__}: {str(error)[:200]}"}


def _timed(compute: Compute, batch: Batch) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        compute(batch)
        taken.append(time.perf_counter() - begun)
    return taken


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
