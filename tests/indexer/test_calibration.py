"""What chance scores: neutral where nothing was measured."""

import numpy as np
import pytest

from indexer import calibration

pytestmark = pytest.mark.unit


def test_calibration_of_an_empty_library_is_neutral() -> None:
    empty = {"visual": np.zeros((0, 4), np.float32), "text": np.zeros((0, 4), np.float32)}
    queries = {space: np.eye(4, dtype=np.float32) for space in empty}
    measured = calibration.calibrate(queries, empty)
    assert measured.spread == calibration.NEUTRAL.spread
    assert measured.confidence(3.0) == 0.5
