"""The towers of profile `standard` on this machine: every way to compute them, on the real architectures."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from indexer.measures import Record
from webapp import engine

ARCHITECTURES = ("ViT-B-32", "ViT-B-32-SigLIP2-256", "PE-Core-B-16")


def towers() -> Iterator[Record]:
    """Milliseconds an item and the worst cosine to float32; weights are random, so that no hub is needed."""
    try_architecture = engine.load_adapter("indexer.adapters.open_clip.try_architecture")
    for name in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as folder:
            for choice in try_architecture(name, Path(folder)):
                for way, found in choice.tried.items():
                    yield {"bench": f"{choice.network}, {way}", **found, "chosen": way == choice.way}
