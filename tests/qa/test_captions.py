"""A caption is shown where it is likely right: by how likely its words are, and how well the picture fits it."""

import numpy as np
import pytest

from qa.captions import MIN_CONFIDENCE, keep_confident, measure_fit, rate
from qa.training import captions
from qa.types import Caption

pytestmark = pytest.mark.unit


def test_fit_counts_from_what_chance_fits() -> None:
    pictures = np.eye(4, dtype=np.float32)[:2]
    others = np.eye(4, dtype=np.float32)[2:] * 0.9 + 0.05
    near, far = measure_fit(pictures, np.stack([pictures[0], others[0]]), others).tolist()
    assert near > 3 > far


def test_unlikely_or_unfitting_captions_lose_their_words() -> None:
    written = [Caption("A dog runs.", 0.6), Caption("A man.", 0.1), Caption("A cat.", 0.6), Caption("", 0.0)]
    kept = keep_confident(written, np.array([3.0, 3.0, -3.0, 3.0], np.float32))
    assert [c.text for c in kept] == ["A dog runs.", "", "", ""]
    assert kept[0].confidence >= MIN_CONFIDENCE > kept[2].confidence
    assert kept[3].confidence == 0
    assert rate(np.array([0.0], np.float32), np.array([9.0], np.float32))[0] == 0


@pytest.mark.parametrize(
    ("caption", "right"),
    [("A dog runs on the grass.", True), ("Two girls play.", True), ("A cat on the grass.", False), ("", False)],
)
def test_right_is_what_people_name_too(caption, right) -> None:
    people = ["a brown dog on grass", "a woman with her dogs", "an animal and a lady"]
    assert captions.is_right(caption, people, frozenset({"dog", "cat", "grass"})) is right


def test_the_fit_finds_what_makes_captions_right() -> None:
    dice = np.random.default_rng(1)
    likely, fit = dice.uniform(0.2, 0.7, 400), dice.normal(2, 1, 400).astype(np.float32)
    good = dice.random(400) < 1 / (1 + np.exp(-(1.0 + 3 * np.log(likely) + fit)))
    written = [Caption("a dog sits" if ok else "a cat sits", float(p)) for ok, p in zip(good, likely, strict=True)]
    numbers = captions.train(written, fit, [["a dog sits", "the dog sits there"] * 3] * 400)
    assert numbers["AUROC of the half not fitted"] > 0.6
    assert numbers["PER_FIT"] > 0.3
    assert numbers["PER_LOG_LIKELIHOOD"] > 1
