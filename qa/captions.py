"""Which captions may be shown: those that are likely right. What a picture decoder guesses is silent otherwise."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa.types import Caption

# Chance that every thing a caption names is also named by one of five people: a logistic curve over the log of its
# words' mean probability, and over how far the picture fits it better than everyday sentences, in their standard
# deviations. Fitted to 700 held-out photos of Flickr8k by `manage.py train captions`.
OFFSET, PER_LOG_LIKELIHOOD, PER_FIT = 1.58, 3.31, 0.26
MIN_CONFIDENCE = 0.33  # captions below it are not shown, cited or searched


def measure_fit(
    pictures: npt.NDArray[np.float32], captions: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(n,): by how many standard deviations each picture (n, d) is nearer to its caption (n, d) than to `others`
    (m, d), all of unit length.
    """
    near, chance = (pictures * captions).sum(1), pictures @ others.T
    return np.asarray((near - chance.mean(1)) / np.maximum(chance.std(1), 1e-6), np.float32)


def rate(likely: npt.NDArray[np.float32], fit: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(n,): how likely each caption is right, in [0, 1]; 0 where the captioner itself is silent (`likely` 0)."""
    raised = OFFSET + PER_LOG_LIKELIHOOD * np.log(np.maximum(likely, 1e-9)) + PER_FIT * fit
    return np.asarray(np.where(likely > 0, 1 / (1 + np.exp(-raised)), 0.0), np.float32)


def keep_confident(captions: Sequence[Caption], fit: npt.NDArray[np.float32]) -> list[Caption]:
    """Each with its confidence; without words where that is too low."""
    rated = rate(np.array([c.confidence for c in captions], np.float32), fit).tolist()
    return [
        Caption(caption.text if confidence >= MIN_CONFIDENCE else "", confidence)
        for caption, confidence in zip(captions, rated, strict=True)
    ]
