"""ONNX Runtime on the processor: how networks are exported, made smaller, and opened."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer import files

Batch = npt.NDArray[np.float32] | npt.NDArray[np.int64]


def open_session(path: Path, threads: int = 2) -> Any:
    """An `onnxruntime.InferenceSession` whose threads sleep while they wait: spinning ones starve others. For a
    sentence one is enough: to share it between two costs more than it saves.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def export(
    network: Any, example: tuple[Any, ...], target: Path, inputs: Mapping[str, Mapping[int, str]], outputs: list[str]
) -> None:
    """Write a torch module as ONNX. `inputs` maps names to the axes that may change; outputs change in the first."""
    import torch

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # its fused operator has no ONNX form
    axes = {**{name: dict(a) for name, a in inputs.items()}, **{name: {0: "n"} for name in outputs}}
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            files.write_whole(
                target,
                lambda temporary: torch.onnx.export(
                    network.eval(),
                    example,
                    str(temporary),
                    input_names=list(inputs),
                    output_names=outputs,
                    dynamic_axes=axes,
                    dynamo=False,
                ),
            )
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def quantize(source: Path, target: Path) -> None:
    """int8 weights, one scale a channel; activations are scaled as they come."""
    from onnxruntime.quantization import quantize_dynamic

    with _quiet():
        files.write_whole(target, lambda temporary: quantize_dynamic(str(source), str(temporary), **_int8()))


def quantize_calibrated(source: Path, target: Path, sample: Batch) -> None:
    """int8 weights and activations; the ranges of these are those seen on `sample` (n, …). The form OpenVINO reads."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    (name,) = (entry.name for entry in open_session(source).get_inputs())

    class Sample(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows: Iterator[Batch] = (sample[i : i + 1] for i in range(len(sample)))

        def get_next(self) -> dict[str, Batch] | None:
            row = next(self.rows, None)
            return None if row is None else {name: row}

    form = {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8, **_int8()}
    with _quiet():
        files.write_whole(target, lambda temporary: quantize_static(str(source), str(temporary), Sample(), **form))


def pack_four_bits(source: Path, target: Path, block: int) -> None:
    """Four bits a weight and a scale for each `block` of them, multiplied as integers: for networks whose weights were
    rounded so before, of which nothing is lost (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
    """
    import onnx
    from onnx import helper, numpy_helper

    graph = onnx.load(str(source))
    constants = {constant.name: constant for constant in graph.graph.initializer}
    for node in graph.graph.node:
        if node.op_type != "MatMul" or node.input[1] not in constants:
            continue
        constant = constants[node.input[1]]
        packed, scales = _pack_rows(numpy_helper.to_array(constant).T, block)
        graph.graph.initializer.remove(constant)
        parts: dict[str, npt.NDArray[Any]] = {f"{constant.name}.packed": packed, f"{constant.name}.scales": scales}
        graph.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in parts.items())
        sizes = {"K": packed.shape[1] * block, "N": len(packed), "bits": 4, "block_size": block, "accuracy_level": 4}
        node.op_type, node.domain = "MatMulNBits", "com.microsoft"
        del node.input[1:]
        node.input.extend(parts)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in sizes.items())
    graph.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    files.write_whole(target, lambda temporary: onnx.save(graph, str(temporary)))


def _pack_rows(rows: npt.NDArray[np.float32], block: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(n, k) -> two weights a byte (n, k / block, block / 2), the first one low, and scales (n * k / block,). The
    largest of a block is -8 or 8 scales, as whoever rounded them had it.
    """
    blocks = rows.reshape(len(rows), -1, block)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scales = largest / -8
    whole = np.round(blocks / np.where(scales == 0, 1, scales)) + 8
    halves = np.clip(whole, 0, 15).astype(np.uint8)
    packed = np.asarray(halves[..., 0::2] | halves[..., 1::2] << 4, np.uint8)
    return packed, np.asarray(scales.reshape(-1), np.float32)


def _int8() -> dict[str, Any]:
    from onnxruntime.quantization import QuantType

    return {"per_channel": True, "weight_type": QuantType.QInt8, "op_types_to_quantize": ["MatMul", "Gemm"]}


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer warns, through the root logger, of every layer that it leaves as it is."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
