"""Fit how likely a caption is right to held-out photos: `manage.py train captions --data DIR`. It prints the numbers
that `qa.captions` holds, and what they keep.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa import captions
from qa.pictures import generalize, tokenize
from qa.training.metrics import cider
from qa.training.questions import find_nouns
from qa.training.reader import fit as regress
from qa.types import Caption

BINS = 5  # of the reliability curve


def train(
    written: Sequence[Caption], fit: npt.NDArray[np.float32], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Captions of n held-out photos, how each picture fits its own (n,), and what people wrote of it."""
    nouns = find_nouns(caption for row in references for caption in row)
    right = np.array([is_right(c.text, row, nouns) for c, row in zip(written, references, strict=True)], np.float64)
    likely = np.array([c.confidence for c in written], np.float32)
    inputs = np.stack([np.log(likely), fit, np.ones(len(right))], 1)
    guessed = 1 / (1 + np.exp(-inputs[1::2] @ regress(inputs[::2], right[::2])))
    numbers = {"AUROC of the half not fitted": area(guessed, right[1::2])}
    order = np.argsort(guessed)
    for part in np.array_split(order, BINS):
        said, was = guessed[part].mean(), right[1::2][part].mean()
        numbers[f"right where {said:.2f} is said"] = round(float(was), 2)
    whole = regress(inputs, right)
    names = ("PER_LOG_LIKELIHOOD", "PER_FIT", "OFFSET")
    numbers |= {name: round(float(value), 2) for name, value in zip(names, whole, strict=True)}
    kept = captions.rate(likely, fit) >= captions.MIN_CONFIDENCE
    words = [tokenize(c.text) for c in written]
    people = [[tokenize(caption) for caption in row] for row in references]
    shown = np.flatnonzero(kept)
    numbers |= {
        "shown %": round(100 * float(kept.mean()), 1),
        "right of all %": round(100 * float(right.mean()), 1),
        "right of the shown %": round(100 * float(right[kept].mean()), 1),
        "CIDEr of all": round(cider(words, people), 3),
        "CIDEr of the shown": round(cider([words[i] for i in shown], [people[i] for i in shown]), 3),
    }
    return numbers


def is_right(caption: str, references: Sequence[str], nouns: frozenset[str]) -> bool:
    """Whether it names something, and nothing that nobody named. People are not told apart."""
    said = {name(w) for w in tokenize(caption) if w in nouns or generalize(w) != w}
    return bool(said) and said <= {name(w) for reference in references for w in tokenize(reference)}


def name(word: str) -> str:
    """ "girls" and "man" -> "person", "dogs" -> "dog"."""
    general = generalize(word)
    return "person" if general in ("person", "people") else word.removesuffix("s")


def area(scores: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    """AUROC, in [0, 1]."""
    good, bad = scores[right == 1], scores[right == 0]
    return round(float((good[:, None] > bad[None]).mean()), 3)
