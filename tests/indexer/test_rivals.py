"""Other fusions: each is trained, kept, loaded and asked like the ones in use; a graph draws together what belongs."""

from pathlib import Path

import numpy as np
import pytest

from indexer.fusion import SPACES, Addition
from indexer.training import rivals
from indexer.training.augmentation import WordMaker, mix_up
from indexer.training.fusion import TESTED, Pairs
from indexer.types import Space

DIM, PHOTOS, CAPTIONS = 16, TESTED + 60, 3


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Photos whose captions lie near them in both spaces."""
    dice = np.random.default_rng(0)
    visual = unit(dice.normal(size=(PHOTOS, DIM)))

    def near() -> np.ndarray:
        return unit(visual[:, None] + 0.3 * dice.normal(size=(PHOTOS, CAPTIONS, DIM)))

    return Pairs(visual, {space: near() for space in SPACES}, near())


def test_each_is_trained_kept_and_asked(pairs: Pairs, tmp_path: Path) -> None:
    weights = {"visual": 1.0, "text": 0.5}
    said: list[str] = []
    spaces = {space: Space("made up", DIM) for space in SPACES}
    numbers = rivals.train(pairs, [Addition(spaces)], weights, tmp_path, said.append, epochs=4)
    names = {"tensor", "co-attention", "autoencoder", "attention and mixup", "attention and feature GAN", Addition.name}
    assert {name.split(",")[0] for name in numbers} == names
    assert all(0 <= value <= 100 for value in numbers.values())
    assert numbers["tensor, R@10"] > 30, "the sum of the blocks, which it begins with, finds as much"
    loaded = {rival.name: rival for rival in rivals.load(tmp_path, DIM)}
    assert set(loaded) == names - {Addition.name}
    for rival in loaded.values():
        fused = rival.fuse_segments({"visual": pairs.visual[:5], "text": 0 * pairs.passages[:5, 0]})
        assert fused.shape == (5, DIM)
        assert np.allclose(np.linalg.norm(fused, axis=1), 1, atol=1e-4)
        asked = rival.fuse_query({s: v[0, 0] for s, v in pairs.queries.items()}, weights)
        assert asked.shape == (DIM,)


def test_mixtures_are_of_both_sides_and_of_unit_length(pairs: Pairs) -> None:
    import torch

    moments = {"visual": torch.from_numpy(pairs.visual[:8]), "text": torch.zeros(8, DIM)}
    texts = {space: torch.from_numpy(v[:8, 0]) for space, v in pairs.queries.items()}
    mixed, asked = mix_up(moments, texts)
    assert not mixed["text"].any(), "silence stays silent"
    assert torch.allclose(mixed["visual"].norm(dim=1), torch.ones(8), atol=1e-5)
    nearest = (mixed["visual"] @ moments["visual"].T).argmax(1)
    assert (nearest == torch.arange(8)).sum() >= 6, "each stays most like itself"
    assert asked["text"].shape == (8, DIM)


def test_words_are_made_up_for_silent_moments_only(pairs: Pairs) -> None:
    import torch

    torch.manual_seed(0)
    maker = WordMaker(DIM)
    maker.learn(pairs.visual, pairs.passages[:, 0], 5, lambda _line: None)
    said = torch.from_numpy(pairs.passages[:40, 0].copy())
    said[:20] = 0
    moments = {"visual": torch.from_numpy(pairs.visual[:40]), "text": said}
    filled, _texts = maker.fill(moments, {})
    assert torch.equal(filled["text"][20:], said[20:])
    assert 0 < int(filled["text"][:20].any(1).sum()) < 20


def test_a_graph_draws_together_what_belongs_together() -> None:
    fused = np.eye(4, dtype=np.float32)
    drawn = rivals.pass_messages(fused, np.array([1, 1, 2, 3]), [set(), set(), {"dog"}, {"dog"}])
    nearness = drawn @ drawn.T
    assert nearness[0, 1] > nearness[0, 2]
    assert nearness[2, 3] > nearness[1, 3]
    assert nearness[0, 2] == pytest.approx(0)
