"""The training code runs on made-up photos and learns what little there is to learn."""

import json

import numpy as np
from PIL import Image

from indexer.adapters.efficientnet import Views
from indexer.training import alignment
from indexer.training.photos import PhotoList, PhotoSet, list_photos, load_features
from indexer.training.texts import Texts


def test_photos_are_read_and_kept(tmp_path, models_folder) -> None:
    rows = []
    for number in range(3):
        Image.fromarray(np.full((50, 60, 3), number * 80, np.uint8)).save(tmp_path / f"{number}.jpg")
        rows.append({"file": f"{number}.jpg", "captions": [f"grey {number}"] * 5, "captions_zh": ["灰"] * 5})
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    listed = list_photos(tmp_path, lambda _: None)
    photos = load_features(tmp_path, listed, tmp_path / "cache", models_folder, lambda _: None)
    assert photos.grid.shape == (3, 9, 1280)
    assert [views.stack().shape for views in photos.views] == [(3, 4056), (3, 4056)]
    assert set(listed.captions) == {"en", "zh"}
    assert list((tmp_path / "cache").iterdir())
    judged = list_photos(tmp_path, lambda _: None, without=["Grey 1 ."])
    assert judged.left_out == {1}
    assert 1 not in np.concatenate(judged.split())


def test_alignment_learns_and_its_file_computes_the_same(tmp_path, monkeypatch) -> None:
    dice = np.random.default_rng(0)
    n = 400
    topic = dice.integers(0, 8, n)
    looks, names = dice.normal(size=(8, 1280)), dice.normal(size=(8, 384))
    pooled = np.abs(looks[topic] + 0.3 * dice.normal(size=(n, 1280))).astype(np.float16) / 3
    captions = (names[topic][:, None] + 0.3 * dice.normal(size=(n, 5, 384))).astype(np.float32)
    logits, inner = np.zeros((n, 1000), np.float16), dice.normal(size=(n, 1776)).astype(np.float16)
    views = Views(pooled, logits + np.float16(0.001), inner)
    grid = np.zeros((n, 9, 1280), np.float16)
    listed = PhotoList([tmp_path] * n, {"en": [["x"] * 5] * n})
    photos = PhotoSet(listed, grid, pooled, logits, (views, views))
    monkeypatch.setattr("indexer.training.photos.HELD_OUT", 80)
    mean = captions.reshape(-1, 384).mean(0)
    classes = dice.normal(size=(1000, 384)).astype(np.float32)
    texts = Texts({"minilm": captions, "e5": captions}, {"minilm": classes, "e5": classes}, mean, mean)
    target = tmp_path / "head.safetensors"
    numbers = alignment.train(photos, texts, target, lambda _: None, epochs=6)
    # 80 photos of 8 topics: within its topic every photo is as good, so ten of eighty are right.
    assert numbers["en R@10"] > 40  # chance 12.5
    assert target.stat().st_size < 8 << 20
