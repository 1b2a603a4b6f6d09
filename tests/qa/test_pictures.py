"""The captioning decoder: the shipped weights speak, and the training code learns."""

import numpy as np

from qa.adapters.picture_decoder import LONGEST, CompactDecoder
from qa.training.decoder import Photos, train
from tests.conftest import paint


def test_shipped_weights_write_sentences(models_folder) -> None:
    from indexer.adapters.efficientnet import PictureFeatures

    def read(images):
        seen = features.extract(images)
        return seen.grid, seen.pooled, seen.logits, np.zeros(len(images), np.float32)  # as if they were photographs

    features = PictureFeatures(models_folder, moved=False)
    captioner = CompactDecoder(read)
    captions = captioner.caption([np.asarray(paint(1)), np.asarray(paint(2))])
    assert len(captions) == 2
    for caption in captions:
        assert 2 <= len(caption.text.split()) <= LONGEST
        assert 0 < caption.confidence <= 1
        assert caption.text[0].isupper()
    assert captioner.caption([]) == []


def test_training_learns_two_kinds_of_pictures(tmp_path) -> None:
    dice = np.random.default_rng(0)
    kind = np.arange(80) % 2
    pooled = np.abs(dice.normal(size=(2, 1280)))[kind].astype(np.float16) / 3
    grid = np.repeat(pooled[:, None], 9, 1)
    said = [["a dog runs over the green grass"] * 5, ["two people sit on a wooden bench"] * 5]
    photos = Photos(grid, pooled, np.zeros((80, 1000), np.float16), [said[k] for k in kind])
    rows = np.arange(80)
    numbers = train(photos, rows[16:], rows[:16], tmp_path / "c.safetensors", lambda _: None, epochs=6)
    assert numbers["BLEU-4"] > 90
