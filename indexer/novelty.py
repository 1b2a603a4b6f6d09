"""Whether a picture is of a kind that a network has learned from, by how far its features lie from theirs.

A Gaussian with a few free axes and one variance for all others (probabilistic PCA, Tipping & Bishop 1999,
https://www.robots.ox.ac.uk/~cvrg/hilary2006/ppca.pdf) is fitted to the features of varied photographs. The squared
Mahalanobis distance tells drawings, screens and plain pictures from them, none of which it was shown.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from indexer import files
from indexer.types import Vectors

AXES = 16
KNOWN_SHARE = 0.98  # share of held-out photographs whose novelty is below 1


@dataclass(frozen=True)
class Novelty:
    """`mean` (d,), `axes` (d, k) orthonormal, `variances` (k,) along them, `rest` of every other direction; `edge` is
    the squared distance that counts as 1.
    """

    mean: Vectors
    axes: Vectors
    variances: Vectors
    rest: float
    edge: float = 1.0

    @classmethod
    def fit(cls, known: Vectors, held_out: Vectors) -> Self:
        """Features (n, d) of photographs, and of others (m, d) that set the edge."""
        mean = known.mean(0)
        around = known - mean
        values, directions = np.linalg.eigh(around.T @ around / len(around))
        variances = values[::-1]
        found = cls(mean, directions[:, ::-1][:, :AXES], variances[:AXES], float(variances[AXES:].mean()))
        return replace(found, edge=float(np.quantile(found.measure(held_out), KNOWN_SHARE)))

    def measure(self, features: Vectors) -> Vectors:
        """(n, d) -> (n,), at least 0; 1 and more: not of a kind that was learned from."""
        around = features.astype(np.float32) - self.mean
        along = around @ self.axes
        beside = np.square(around).sum(1) - np.square(along).sum(1)
        squared = (np.square(along) / self.variances).sum(1) + beside / self.rest
        return np.asarray(squared / self.edge, np.float32)

    def save(self, path: Path) -> None:
        """safetensors; half precision where it does no harm."""
        numbers = np.array([self.rest, self.edge], np.float64)
        axes = np.ascontiguousarray(self.axes, np.float16)
        variances = np.ascontiguousarray(self.variances, np.float32)
        kept: dict[str, npt.NDArray[Any]] = {
            "mean": self.mean,
            "axes": axes,
            "variances": variances,
            "numbers": numbers,
        }
        files.write_whole(path, lambda temporary: save_file(kept, temporary))

    @classmethod
    def load(cls, path: Path) -> Self:
        kept = load_file(path)
        rest, edge = kept["numbers"].tolist()
        return cls(kept["mean"], kept["axes"].astype(np.float32), kept["variances"], rest, edge)
