"""A classifier that people teach: some examples of a label, some of what it is not, and everything else as a backdrop.

A handful of examples says little about what a label is not, so a sample of the library stands for that (learning from
positive and unlabelled data, Elkan & Noto 2008, https://doi.org/10.1145/1401890.1401920); and what the label's own
description finds is one more feature, because it knows more than ten pictures do: on 673 held-out photos of Flickr8k
(45 words that people name them by, ten examples each) the description alone has a mAP of 36, examples alone of 33, and
both of 41.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.types import Ids, Mask, Vectors

MIN_EXAMPLES = 5  # below which nothing is learned
FOLDS = 5
REGULARIZATION = 0.3  # scikit-learn's C; 1 and 3 are worse by one and three points of mAP on those photos
BACKDROP_WEIGHT = 10.0  # times that of all examples together; 3 is worse by two points
DESCRIPTION_SCALE = 0.3  # of the description's feature, in its standard deviations: the larger, the more it is trusted
PRIOR = (1.0, 20.0)  # pseudo-counts of the share of the library that has the label: 1 in 20 before anything is seen
FENCE = 1.5  # interquartile ranges below which a score counts as that far off only (Tukey 1977)
STEPS = 100  # of the mixture's fit; it moves no more after some thirty

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Report:
    """What held-out examples say, each judged by what was learned without its video: how many of the `examples` were
    found at a confidence of one half, and how many of the `others` were taken for one.
    """

    examples: int
    found: int
    others: int
    mistaken: int


@dataclass(frozen=True)
class Classifier:
    """Linear: `weights` (d,) and `bias` make the log odds."""

    weights: Vectors
    bias: float

    def judge(self, vectors: Vectors) -> Vectors:
        """(n, d) -> the chance (n,), in [0, 1], that a person would call each one."""
        return np.asarray(1 / (1 + np.exp(-np.clip(vectors @ self.weights + self.bias, -30, 30))), np.float32)


def learn(
    vectors: Vectors, is_one: Mask, videos: Ids, backdrop: Vectors, described: Vectors
) -> tuple[Classifier, Report]:
    """From examples (n, d), those that are one (n,), the video of each (n,), other vectors of the library (m, d), and
    what the description is as a vector (d,), or zeros without one.

    The log odds are calibrated: scores of held-out examples and of the library are taken for two Gaussians of one
    width, whose share in the library is fitted (EM, Dempster et al. 1977). On those photos 64 of 100 moments of a
    confidence between 0.6 and 0.7 are right, and 87 of 100 above 0.9. Raises ValueError where there are fewer than
    `MIN_EXAMPLES`, or a library of fewer than `FOLDS` others.
    """
    if np.count_nonzero(is_one) < MIN_EXAMPLES or len(backdrop) < FOLDS:
        raise ValueError(f"{np.count_nonzero(is_one)} examples among {len(backdrop)} others are too few.")
    folds = divide(is_one, videos)
    of_backdrop = np.arange(len(backdrop)) % FOLDS
    scores, usual = np.zeros(len(vectors)), np.zeros(len(backdrop))
    for fold in range(FOLDS):
        kept, others = folds != fold, of_backdrop != fold
        if not np.count_nonzero(is_one & kept):
            continue
        part = _fit(vectors[kept], is_one[kept], backdrop[others], described)
        scores[~kept], usual[~others] = _score(part, vectors[~kept]), _score(part, backdrop[~others])
    slope, offset = _calibrate(scores[is_one], usual)
    whole = _fit(vectors, is_one, backdrop, described)
    classifier = Classifier((slope * whole.weights).astype(np.float32), float(slope * whole.bias + offset))
    taken = slope * scores + offset >= 0
    report = Report(int(is_one.sum()), int((taken & is_one).sum()), int((~is_one).sum()), int((taken & ~is_one).sum()))
    return classifier, report


def divide(is_one: Mask, videos: Ids) -> Ids:
    """The fold (n,) of each example: all of a video are in one, examples spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = len(np.unique(videos))
    folds = np.zeros(len(videos), np.int64)
    if groups < 2:
        return np.arange(len(videos)) % FOLDS  # nothing is held out fairly: better than nothing
    splitter = StratifiedGroupKFold(min(FOLDS, groups), shuffle=True, random_state=1)
    for fold, (_training, held_out) in enumerate(splitter.split(videos, is_one, videos)):
        folds[held_out] = fold
    return folds


def _fit(vectors: Vectors, is_one: Mask, backdrop: Vectors, described: Vectors) -> Classifier:
    """Logistic regression on the vectors, and on their cosine with the description in standard deviations of the
    backdrop; as one linear function of the vectors.
    """
    from sklearn.linear_model import LogisticRegression

    middle = backdrop.mean(0)
    usual = backdrop @ described
    pull = DESCRIPTION_SCALE * described / max(float(usual.std()), 1e-6)
    rows = np.concatenate([vectors, backdrop]) - middle
    target = np.concatenate([is_one, np.zeros(len(backdrop), np.bool_)])
    weight = np.ones(len(rows))
    weight[len(vectors) :] = BACKDROP_WEIGHT * np.count_nonzero(is_one) / len(backdrop)
    model = LogisticRegression(C=REGULARIZATION, max_iter=2000)
    model.fit(np.column_stack([rows, rows @ pull]), target, weight)
    *straight, through = model.coef_[0]
    weights = np.asarray(straight) + through * pull
    return Classifier(weights.astype(np.float32), float(model.intercept_[0] - middle @ weights))


def _score(classifier: Classifier, vectors: Vectors) -> Reals:
    return np.asarray(vectors @ classifier.weights + classifier.bias, np.float64)


def _calibrate(of_examples: Reals, usual: Reals) -> tuple[float, float]:
    """Slope and offset that turn a score into the log odds that the library has the label there."""
    least, most = np.quantile(usual, [0.25, 0.75])
    usual = np.maximum(usual, least - FENCE * (most - least))
    high, low, variance, share = of_examples.mean(), usual.mean(), max(float(usual.var()), 1e-6), 1 / PRIOR[1]
    if high <= low:
        return 0.0, -30.0  # examples look like everything else: nothing was learned
    for _ in range(STEPS):
        odds = np.log(share / (1 - share)) + ((usual - low) ** 2 - (usual - high) ** 2) / (2 * variance)
        likely = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        share = (likely.sum() + PRIOR[0]) / (len(usual) + PRIOR[1])
        low = ((1 - likely) * usual).sum() / max((1 - likely).sum(), 1e-6)
        variance = max(float(((1 - likely) * (usual - low) ** 2 + likely * (usual - high) ** 2).mean()), 1e-6)
    slope = (high - low) / variance
    return float(slope), float(np.log(share / (1 - share)) - slope * (high + low) / 2)


def read_numbers(numbers: Sequence[float]) -> Classifier:
    """Of weights and, last, the bias, as they were kept."""
    *weights, bias = numbers
    return Classifier(np.asarray(weights, np.float32), float(bias))
