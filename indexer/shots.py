"""Shot boundaries from differences of tiny pictures, in the spirit of PySceneDetect's AdaptiveDetector.

A cut is a frame whose difference to the one before stands out from its neighbours (so pans, fades and handheld
motion, which spread over many frames, do not count) and is large in itself.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from indexer.types import Image, Span

MIN_DIFFERENCE = 11.0  # grey levels of 255: below this nothing is a cut
MIN_RATIO = 2.6  # times the mean difference of the neighbourhood
NEIGHBOURS = 2  # frames on either side
MIN_SHOT = 0.35  # seconds: a flash is not a shot


def measure_difference(before: Image, after: Image) -> float:
    """Mean absolute difference of two RGB thumbnails (h, w, 3) plus that of their sorted levels, in [0, 255].

    The sorted levels (a histogram distance) see a change of content where motion alone moves pixels about.
    """
    a, b = before.astype(np.int16), after.astype(np.int16)
    moved = float(np.abs(a - b).mean())
    content = float(np.abs(np.sort(a.reshape(-1, 3), axis=0) - np.sort(b.reshape(-1, 3), axis=0)).mean())
    return 0.6 * moved + 0.4 * content


def find_cuts(times: Sequence[float], differences: Sequence[float]) -> list[float]:
    """Times (seconds) at which a new shot starts. `differences[i]` is between frame i-1 and frame i; the first is 0."""
    d: npt.NDArray[np.float64] = np.asarray(differences, np.float64)
    cuts: list[float] = []
    for i in range(1, len(d)):
        if d[i] < MIN_DIFFERENCE:
            continue
        around = np.concatenate([d[max(1, i - NEIGHBOURS) : i], d[i + 1 : i + 1 + NEIGHBOURS]])
        if len(around) and d[i] < MIN_RATIO * max(float(around.mean()), 1.0):
            continue
        if times[i] - (cuts[-1] if cuts else times[0]) >= MIN_SHOT:
            cuts.append(times[i])
    return cuts


def split_shots(cuts: Sequence[float], end: float, start: float = 0.0) -> list[Span]:
    """Shots from cuts: [start, c1), [c1, c2), ... [cn, end)."""
    edges = [start, *cuts, max(end, (cuts[-1] if cuts else start) + MIN_SHOT)]
    return [Span(a, b) for a, b in pairwise(edges)]
