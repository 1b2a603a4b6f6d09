"""Fusion: each of the three keeps what its docstring promises; what was learned is only used for its encoders."""

import numpy as np
import pytest

from indexer.errors import BadVectors, ModelMissing
from indexer.fusion import SPACES, Addition, Attention, Concatenation, unit
from indexer.training.fusion import Pairs, train
from indexer.types import Space

pytestmark = pytest.mark.unit

SPACE = {"visual": Space("eyes", 16), "text": Space("ears", 16)}
WEIGHTS = {"visual": 1.0, "text": 1.0}


def make_blocks(n: int = 6) -> dict[str, np.ndarray]:
    dice = np.random.default_rng(0)
    blocks = {space: unit(dice.normal(size=(n, 16)).astype(np.float32)) for space in SPACES}
    blocks["text"][0] = 0  # says nothing
    return blocks


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Attention over photos whose words are noise half of the time: it must learn to mind the picture more."""
    dice = np.random.default_rng(1)
    look = unit(dice.normal(size=(260, 16)).astype(np.float32))
    words = unit(dice.normal(size=(260, 16)).astype(np.float32))

    def near(of: np.ndarray) -> np.ndarray:
        noisy = of[:, None] + 0.1 * dice.normal(size=(260, 3, 16))
        return (noisy / np.linalg.norm(noisy, axis=2, keepdims=True)).astype(np.float32)

    pairs = Pairs(look, {"visual": near(look), "text": near(words)}, near(words))
    target = tmp_path_factory.mktemp("fusion") / "fusion.safetensors"
    return target, train(pairs, SPACE, WEIGHTS, lambda _: None, epochs=30, target=target)


def test_attention_is_learned_and_reported_beside_the_other_two(learned) -> None:
    target, numbers = learned
    name = Attention(SPACE, target).name
    assert set(numbers) == {f"{n}, R@{k}" for n in (name, Concatenation.name, Addition.name) for k in (1, 5, 10)}
    assert numbers[f"{name}, R@10"] > 50  # chance: 5


def test_what_was_learned_for_other_encoders_is_refused(learned) -> None:
    other = {**SPACE, "text": Space("other ears", 16)}
    with pytest.raises(ModelMissing, match="train fusion"):
        Attention(other, learned[0])


def test_a_segment_without_words_is_its_picture(learned) -> None:
    blocks = make_blocks()
    assert np.allclose(Addition(SPACE).fuse_segments(blocks)[0], blocks["visual"][0], atol=1e-6)
    attention = Attention(SPACE, learned[0])
    alone = attention.fuse_segments({"visual": blocks["visual"], "text": 0 * blocks["text"]})
    assert np.allclose(attention.fuse_segments(blocks)[0], alone[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["Addition", "Attention"])
def test_fused_vectors_are_of_unit_length_and_found_by_their_own_blocks(kind, learned) -> None:
    fusion = Addition(SPACE) if kind == "Addition" else Attention(SPACE, learned[0])
    blocks = make_blocks(40)
    fused = fusion.fuse_segments(blocks)
    assert fused.shape == (40, fusion.dim)
    assert np.allclose(np.linalg.norm(fused, axis=1), 1, atol=1e-5)
    asked = np.stack([fusion.fuse_query({s: b[i] for s, b in blocks.items()}, WEIGHTS) for i in range(40)])
    assert ((asked @ fused.T).argmax(1) == np.arange(40)).mean() > 0.9


@pytest.mark.parametrize("kind", [Concatenation, Addition])
def test_vectors_that_are_not_of_unit_length_are_refused(kind) -> None:
    blocks = make_blocks()
    blocks["visual"][2] *= 3
    with pytest.raises(BadVectors, match="1 visual"):
        kind(SPACE).fuse_segments(blocks)


def test_spaces_of_different_widths_can_not_be_added() -> None:
    with pytest.raises(BadVectors, match="can't be added"):
        Addition({"visual": Space("eyes", 16), "text": Space("ears", 8)})


def test_the_fused_product_is_the_weighted_sum_of_cosines() -> None:
    dice = np.random.default_rng(0)
    v, t = (dice.normal(size=(5, 4)).astype(np.float32) for _ in range(2))
    v, t = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (v, t))
    both = Concatenation({"visual": Space("", 4), "text": Space("", 4)})
    fused = both.fuse_segments({"visual": v, "text": t})
    query = both.fuse_query({"visual": v[0], "text": t[1]}, {"visual": 2.0, "text": 0.5})
    assert np.allclose(fused @ query, 2 * v @ v[0] + 0.5 * t @ t[1], atol=1e-5)
