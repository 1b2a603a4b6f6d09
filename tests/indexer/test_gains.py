"""Learning from clicks: what people look for is found although they look at the top first."""

import numpy as np
import pytest

from indexer.gains import Shown, compare, learn, measure

pytestmark = pytest.mark.unit


def simulate(truth: np.ndarray, queries: int, seed: int = 1) -> list[Shown]:
    """Lists of 10 ordered by the plain sum, looked at with a chance of 1 / rank, followed where `truth` is highest."""
    dice = np.random.default_rng(seed)
    lists = []
    for number in range(queries):
        parts = dice.exponential(size=(10, 4))
        parts = parts[np.argsort(-parts.sum(1))]
        wanted = int(np.argmax(parts @ truth))
        followed = np.zeros(10)
        looked = dice.random() < 1 / (wanted + 1)
        followed[wanted if looked else 0] = float(looked or dice.random() < 0.1)  # now and then the first, for nothing
        lists.append(Shown(f"query {number}", parts, followed))
    return lists


def test_what_counts_for_people_counts_more_after_learning() -> None:
    truth = np.array([0.2, 2.0, 1.0, 1.0])
    shown = simulate(truth, 400)
    gains = learn(shown, 4)
    assert gains[1] > 1.3 > 0.8 > gains[0]
    before, after = compare(shown, 4)
    assert after > before + 0.05
    assert measure(simulate(truth, 400, 2), gains) > measure(simulate(truth, 400, 2), np.ones(4)) + 0.05


def test_nothing_is_learned_from_nothing() -> None:
    assert learn([], 4) == pytest.approx(np.ones(4))
    ignored = [Shown("x", np.random.default_rng(1).random((5, 4)), np.zeros(5))]
    assert learn(ignored, 4) == pytest.approx(np.ones(4), abs=1e-6)
    assert compare(ignored, 4) == (0.0, 0.0)


def test_people_who_want_what_is_shown_change_little() -> None:
    assert np.abs(np.log(learn(simulate(np.ones(4), 400), 4))).max() < 0.35
