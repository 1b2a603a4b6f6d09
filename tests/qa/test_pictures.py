"""The captioning decoder: the shipped weights speak, and the training code learns."""

import numpy as np
import torch

from qa.adapters.picture_decoder import BEGIN, END, LONGEST, PAD, UNKNOWN, CompactDecoder
from qa.training import hidden_words
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


def test_hidden_words_are_guessed_from_both_sides_before_anything_is_written(tmp_path) -> None:
    dice = np.random.default_rng(0)
    kind = np.arange(40) % 2
    pooled = np.abs(dice.normal(size=(2, 1280)))[kind].astype(np.float16) / 3
    said = [["a dog runs over the green grass"] * 5, ["two people sit on a wooden bench"] * 5]
    photos = Photos(np.repeat(pooled[:, None], 9, 1), pooled, np.zeros((40, 1000), np.float16), [said[k] for k in kind])
    rows, lines = np.arange(40), list[str]()
    numbers = hidden_words.compare(photos, rows[8:], rows[:8], tmp_path, lines.append, epochs=3)
    assert {"CIDEr, plain", "CIDEr, masked"} <= set(numbers)
    losses = [float(line.split()[-1]) for line in lines if line.startswith("hidden words")]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert {path.stem for path in tmp_path.iterdir()} == {"plain", "masked"}


def test_only_words_are_hidden_and_only_those_are_asked() -> None:
    torch.manual_seed(0)
    ids = torch.tensor([[BEGIN, *range(6, 106), END, PAD, PAD]])
    hidden, wanted = hidden_words.hide_words(ids, 200)
    asked = wanted != PAD
    assert (wanted[asked] == ids[asked]).all()
    assert (hidden[~asked] == ids[~asked]).all(), "what is not asked stays"
    assert not asked[0, [0, -3, -2, -1]].any()
    assert 5 <= int(asked.sum()) <= 30
    assert (hidden[asked] == UNKNOWN).float().mean() > 0.5
