"""Cuts: a cut stands out, a fade does not, a flash is one at most."""

import pytest

from indexer import shots

pytestmark = pytest.mark.unit


def test_a_cut_stands_out_and_a_fade_does_not() -> None:
    times = [i / 10 for i in range(60)]
    cut = [0.0] + [1.0] * 59
    cut[30] = 60.0
    assert shots.find_cuts(times, cut) == [3.0]
    fade = [0.0] + [14.0] * 59
    assert shots.find_cuts(times, fade) == []


def test_a_flash_is_one_cut_at_most() -> None:
    times = [i / 10 for i in range(60)]
    flash = [0.0] + [1.0] * 59
    flash[30] = flash[31] = 80.0
    assert len(shots.find_cuts(times, flash)) <= 1
