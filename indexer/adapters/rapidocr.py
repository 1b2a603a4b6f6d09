"""PP-OCRv4 through RapidOCR (ONNX Runtime): text on screen, Chinese and English."""

from pathlib import Path

import numpy as np

from indexer import weights
from indexer.adapters.onnx_runtime import open_session
from indexer.adapters.symspell import WordSplitter
from indexer.types import Image, ScreenLine

_SURE = 0.8  # recogniser's mean probability; below it the lines are mostly texture
_SHORTEST = 2  # characters


class RapidOcr:
    """`read` takes about a second of one core for a busy frame."""

    name = "pp-ocr-v4"

    def __init__(self, models: Path) -> None:
        del models
        detector, recogniser, _turner = weights.OCR.verify()
        from rapidocr_onnxruntime import RapidOCR

        self._splitter = WordSplitter()
        self._engine = RapidOCR(intra_op_num_threads=1, use_cls=False, det_limit_side_len=736, det_limit_type="max")
        # In ours threads sleep while they wait: a third less of the processor for the same lines.
        self._engine.text_det.infer.session = open_session(detector)
        self._engine.text_rec.session.session = open_session(recogniser)

    def read(self, image: Image, time: float) -> list[ScreenLine]:
        """RGB uint8 (h, w, 3) -> lines, top to bottom; boxes as shares of the picture."""
        height, width = image.shape[:2]
        found, _ = self._engine(np.ascontiguousarray(image[:, :, ::-1]), use_cls=False)
        lines = []
        for box, text, confidence in found or []:
            corners = np.asarray(box, np.float64)
            (x, y), (right, bottom) = corners.min(0), corners.max(0)
            if float(confidence) >= _SURE and len(text.strip()) >= _SHORTEST:
                place = (x / width, y / height, (right - x) / width, (bottom - y) / height)
                lines.append(ScreenLine(time, self._splitter.split(text.strip()), float(confidence), place))
        return sorted(lines, key=lambda line: (round(line.box[1], 2), line.box[0]))
