"""Frames are drawn towards their likes, and towards nothing else."""

import numpy as np
import pytest

from indexer import nonlocal_means
from indexer.fusion import unit
from indexer.nonlocal_means import smooth
from indexer.types import Vectors

pytestmark = pytest.mark.unit


def film(scenes: int, each: int, noise: float = 0.25) -> tuple[Vectors, Vectors]:
    """What scenes look like (scenes, 64), and noisy frames of each (scenes * each, 64)."""
    dice = np.random.default_rng(0)
    looks = unit(dice.normal(size=(scenes, 64)).astype(np.float32))
    frames = np.repeat(looks, each, 0) + noise / 8 * dice.normal(size=(scenes * each, 64)).astype(np.float32) * 8**0.5
    return looks, unit(frames.astype(np.float32))


def test_frames_of_a_scene_come_nearer_to_what_it_is() -> None:
    looks, frames = film(1, 12)
    smoothed = smooth(frames)
    assert (unit(smoothed) @ looks[0]).min() > (frames @ looks[0]).max()
    assert (np.linalg.norm(smoothed, axis=1) <= 1 + 1e-5).all()


def test_shots_of_other_scenes_hardly_count() -> None:
    _looks, frames = film(10, 1)
    smoothed = smooth(frames)
    assert (unit(smoothed) * frames).sum(1).min() > 0.97
    crossed = smoothed @ frames.T
    assert (crossed.argmax(1) == np.arange(10)).all()


def test_blocks_make_no_difference(monkeypatch) -> None:
    _looks, frames = film(3, 5)
    whole = smooth(frames)
    monkeypatch.setattr(nonlocal_means, "_BLOCK", 4)
    np.testing.assert_allclose(smooth(frames), whole, atol=1e-5)
    assert smooth(frames[:0]).shape == (0, 64)
