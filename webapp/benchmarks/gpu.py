"""The GPU of this machine beside its processor: what each model does a second on either."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings

from indexer.measures import Record
from webapp.benchmarks.towers import towers
from webapp.catalogue.machine import find_gpu

HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}  # for a process that shall find none


def gpu() -> Iterator[Record]:
    """A row a model, measured in a process that may use the GPU and in one that may not; then architectures of
    open_clip with random weights. Without a GPU one row says that nothing was measured.
    """
    name, _memory = find_gpu()
    if not name:
        yield {"bench": "GPU", "skipped": "nvidia-smi names none on this machine: nothing was measured"}
        return
    slow = measure_models(HIDDEN)
    for model, fast in measure_models({}).items():
        rates = {unit: (rate, slow[model][unit]) for unit, rate in fast.items() if unit in slow.get(model, {})}
        for unit, (there, here) in rates.items():
            yield {"bench": model, f"{unit}, {name}": there, "processor": here, "times": round(there / here, 1)}
    yield from towers()


def measure_models(surroundings: dict[str, str]) -> dict[str, dict[str, float]]:
    """What `bench models` prints in such a process, by model. Raises `CalledProcessError` where it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", "bench", "models", "--json"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        check=True,
    )
    records = map(json.loads, done.stdout.splitlines())
    return {record.pop("bench"): record for record in records}
