"""The training code runs on made-up photos and learns what little there is to learn."""

import json

import numpy as np
import torch
from PIL import Image

from indexer.adapters.backbone import open_backbone, save_moved
from indexer.adapters.efficientnet import Views
from indexer.training import alignment, backbone
from indexer.training.photos import VARIED, PhotoList, PhotoSet, list_photos, load_features, load_views
from indexer.training.texts import Texts


def test_photos_are_read_and_kept(tmp_path, models_folder) -> None:
    rows = []
    for number in range(3):
        Image.fromarray(np.full((50, 60, 3), number * 80, np.uint8)).save(tmp_path / f"{number}.jpg")
        rows.append({"file": f"{number}.jpg", "captions": [f"grey {number}"] * 5, "captions_zh": ["灰"] * 5})
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    listed = list_photos(tmp_path, lambda _: None)
    cache = tmp_path / "cache"
    seen = load_features(tmp_path, listed, cache, models_folder, lambda _: None)
    assert seen.grid.shape == (3, 9, 1280)
    photos = load_views(tmp_path, listed, cache, models_folder, lambda _: None)
    assert [views.stack().shape for views in photos.views] == [(3, 4056)] * (2 + VARIED)
    assert set(listed.captions) == {"en", "zh"}
    assert {path.name.split("-")[0] for path in cache.iterdir()} == {"features", "views"}
    (tmp_path / "0.jpg").unlink()
    again = load_features(tmp_path, listed, cache, models_folder, lambda _: None)
    assert (again.pooled == seen.pooled).all(), "kept"
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
    listed = PhotoList([tmp_path] * n, {"en": [["x"] * 5] * n})
    photos = PhotoSet(listed, (views, views))
    monkeypatch.setattr("indexer.training.photos.HELD_OUT", 80)
    mean = captions.reshape(-1, 384).mean(0)
    classes = dice.normal(size=(1000, 384)).astype(np.float32)
    readers = ("minilm", "bge", "e5")
    texts = Texts(dict.fromkeys(readers, captions), dict.fromkeys(readers, classes), mean, mean)
    target = tmp_path / "head.safetensors"
    numbers = alignment.train(photos, texts, target, lambda _: None, epochs=6)
    # 80 photos of 8 topics: within its topic every photo is as good, so ten of eighty are right.
    assert numbers["en R@10"] > 40  # chance 12.5
    assert target.stat().st_size < 8 << 20


def test_the_backbone_moves_and_is_read_as_it_was_moved(tmp_path, monkeypatch) -> None:
    dice = np.random.default_rng(0)
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.jpg")
        Image.fromarray(dice.integers(0, 255, (60, 80, 3), np.uint8)).save(files[-1])
    listed = PhotoList(files, {"en": [["x"] * 5] * 4})
    captions = dice.normal(size=(4, 5, 384)).astype(np.float32)
    classes, mean = dice.normal(size=(1000, 384)).astype(np.float32), captions.reshape(-1, 384).mean(0)
    readers = ("minilm", "bge", "e5")
    texts = Texts(dict.fromkeys(readers, captions), dict.fromkeys(readers, classes), mean, mean)
    monkeypatch.setattr("indexer.training.photos.HELD_OUT", 2)
    said: list[str] = []
    target = tmp_path / "moved.safetensors"
    numbers = backbone.train(listed, texts, target, said.append, epochs=2)
    assert {"en R@10", "before: en R@10"} <= set(numbers)
    assert any("forgotten" in line for line in said)
    assert target.stat().st_size < 6 << 20
    moved, first = open_backbone(target), open_backbone(None)
    picture = torch.from_numpy(dice.normal(size=(1, 3, 260, 260)).astype(np.float32))
    with torch.inference_mode():
        one, other = moved(picture)[1], first(picture)[1]
    assert 0 < float((one - other).abs().max()) < float(other.abs().max())


def test_what_is_kept_of_a_move_is_near_it(tmp_path) -> None:
    tuned = open_backbone(None)
    with torch.no_grad():
        for weight in tuned.parameters():
            weight += 0.01 * weight.abs().mean() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    save_moved(tuned, tmp_path / "moved.safetensors", "")
    kept, first = open_backbone(tmp_path / "moved.safetensors"), open_backbone(None)
    weights = zip(kept.parameters(), tuned.parameters(), first.parameters(), strict=True)
    lost, gone = np.sum([[float((a - b).square().sum()), float((b - c).square().sum())] for a, b, c in weights], axis=0)
    assert lost < 0.001 * gone
