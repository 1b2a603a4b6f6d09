"""How much each part of a score should count, learned from what people followed of what a search showed them.

What stands higher is followed more often because it stands there, so that clicks are counted by the inverse of how
likely a place is looked at: Joachims, Swaminathan & Schnabel 2017, "Unbiased Learning-to-Rank with Biased Feedback"
(https://arxiv.org/abs/1608.04468), with the position bias 1 / rank of its section 6 and weights that are clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.fusion import softmax

MAX_WEIGHT = 10.0  # of a click far below: one stray click must not outweigh ten others
PULL = 0.02  # towards no change, per learned gain and followed result
STEPS, RATE = 400, 0.05  # of Adam (Kingma & Ba 2014)
MAX_GAIN = 3.0  # as often or as little as this may a part count at most
FOLDS = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """What a search showed: the parts of each score (n, p), best first, and how strongly each was followed (n,)."""

    query: str
    parts: Floats
    followed: Floats

    @property
    def weights(self) -> Floats:
        """(n,): how much each followed result counts."""
        return self.followed * np.minimum(np.arange(1, len(self.followed) + 1), MAX_WEIGHT)


def learn(shown: Sequence[Shown], parts: int) -> Floats:
    """Gains (p,) around 1 that would have put what was followed higher: a softmax over each list, weighted."""
    lists = _stack(shown, parts)
    theta, moment, second = (np.zeros(parts + 1) for _ in range(3))
    for step in range(1, STEPS + 1):
        gradient = _slope(*lists, theta)
        gradient[:parts] += 2 * PULL * theta[:parts]
        moment = 0.9 * moment + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        theta -= RATE * (moment / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    gains = np.exp(theta[:parts] - theta[:parts].mean())
    return np.asarray(np.clip(gains, 1 / MAX_GAIN, MAX_GAIN), np.float64)


def _stack(shown: Sequence[Shown], parts: int) -> tuple[Floats, Floats, Floats]:
    """Parts (m, n, p), weights (m, n) that sum up to 1, and 0 or -inf (m, n) where a list goes on or has ended."""
    longest = max((len(s.followed) for s in shown), default=0)
    stacked = np.zeros((len(shown), longest, parts))
    weights, open_ = np.zeros((len(shown), longest)), np.full((len(shown), longest), -np.inf)
    for row, s in enumerate(shown):
        stacked[row, : len(s.parts)], weights[row, : len(s.parts)], open_[row, : len(s.parts)] = s.parts, s.weights, 0
    return stacked, weights / max(float(weights.sum()), 1e-9), open_


def _slope(parts: Floats, weights: Floats, open_: Floats, theta: Floats) -> Floats:
    """Of the weighted cross-entropy, by the logarithms of the gains and of the sharpness (the last one)."""
    if not parts.size:
        return np.zeros_like(theta)
    scaled = parts * np.exp(theta[:-1])
    scores = np.exp(theta[-1]) * scaled.sum(2)
    shifted = scores + open_
    chance = softmax(shifted)
    error = weights.sum(1, keepdims=True) * chance - weights
    by_gain = np.exp(theta[-1]) * np.einsum("mn,mnp->p", error, scaled)
    return np.asarray(np.append(by_gain, (error * scores).sum()), np.float64)


def measure(shown: Sequence[Shown], gains: Floats) -> float:
    """Mean reciprocal rank of what was followed under other gains, self-normalised by the weights (Swaminathan &
    Joachims 2015); in [0, 1].
    """
    top, bottom = 0.0, 0.0
    for s in shown:
        order = np.argsort(-(s.parts @ gains), kind="stable")
        rank = np.empty(len(order))
        rank[order] = np.arange(1, len(order) + 1)
        top += float((s.weights / rank).sum())
        bottom += float(s.weights.sum())
    return top / bottom if bottom else 0.0


def compare(shown: Sequence[Shown], parts: int) -> tuple[float, float]:
    """`measure` as it is and with learned gains, each query by gains that were learned from others."""
    fold = {query: n % FOLDS for n, query in enumerate(sorted({s.query for s in shown}))}
    before, after, weight = 0.0, 0.0, 0.0
    for number in range(FOLDS):
        held = [s for s in shown if fold[s.query] == number]
        mass = sum(float(s.weights.sum()) for s in held)
        if mass:
            gains = learn([s for s in shown if fold[s.query] != number], parts)
            before += mass * measure(held, np.ones(parts))
            after += mass * measure(held, gains)
            weight += mass
    return (before / weight, after / weight) if weight else (0.0, 0.0)
