"""OpenVINO (extra `openvino`): the fastest int8 on many processors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from indexer.types import Vectors


def open_model(path: Path) -> Callable[[Any], Vectors]:
    """An ONNX file, compiled for two threads. Raises `ImportError` without the extra."""
    import openvino

    compiled = openvino.Core().compile_model(
        str(path), "CPU", {"INFERENCE_NUM_THREADS": 2, "PERFORMANCE_HINT": "LATENCY"}
    )
    return lambda batch: np.asarray(compiled([batch])[0], np.float32)
