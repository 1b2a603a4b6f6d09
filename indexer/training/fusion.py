"""Learn attention fusion: `manage.py train fusion --data DIR`. Seeded; minutes on two cores, nearly all of them texts.

A moment is made up of a photo and of words that may or may not belong to it, as what is said in a video may or may not
be about what is seen: nothing (40 %), another caption of the photo (30 %), or one of another photo (30 %). The text
that asks for it is one more caption. InfoNCE (https://arxiv.org/abs/1807.03748) over the photos that the encoders were
not trained on: on the others the picture would seem better than it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.calibration import calibrate
from indexer.fusion import ATTENTION, SPACES, Addition, Attention, Concatenation, name_encoders
from indexer.ports import Fusion, PictureEncoder, SentenceEncoder
from indexer.training.photos import PhotoList, read_photo
from indexer.types import Ids, Space, Vectors

SILENT, OWN = 0.4, 0.3  # shares of moments without words, and with words about their picture
TESTED = 200  # photos kept for the numbers that are reported
CAPTIONS = 3  # of each photo and language
EPOCHS = 200
LEARNING_RATE = 1e-3
STAY = 0.02  # pull of the maps towards doing nothing


@dataclass(frozen=True)
class Pairs:
    """n photos (n, dv), and of c captions each the vectors as what is asked and as what is said (n, c, d)."""

    visual: Vectors
    queries: dict[str, Vectors]
    passages: Vectors


class AttentivePooling(nn.Module):
    """`fusion.Attention`, to be trained: both start as the sum of the blocks."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.maps = nn.ParameterDict({space: nn.Parameter(torch.eye(dim)) for space in SPACES})
        self.attention = nn.Parameter(torch.zeros(dim))
        self.temperature = nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))

    def fuse_segments(self, blocks: Mapping[str, Tensor]) -> Tensor:
        """(n, d) per space -> (n, d)."""
        hidden = torch.stack([blocks[s] @ self.maps[s].T for s in SPACES])
        present = torch.stack([blocks[s].any(1) for s in SPACES])
        shares = (hidden @ self.attention).masked_fill(~present, -1e9).softmax(0)
        return functional.normalize((shares[..., None] * hidden).sum(0), dim=1)

    def fuse_queries(self, blocks: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
        """(n, d) per space -> (n, d)."""
        mapped = torch.stack([blocks[s] @ self.maps[s].T * weights[s] for s in SPACES]).sum(0)
        return functional.normalize(mapped, dim=1)

    def distance(self) -> Tensor:
        """How far the maps have moved from doing nothing."""
        return torch.stack([(m - torch.eye(len(m))).square().sum() for m in self.maps.values()]).sum()


def embed_pairs(
    photos: PhotoList, picture_encoder: PictureEncoder, sentence_encoder: SentenceEncoder, say: Callable[[str], None]
) -> Pairs:
    """The held-out photos through both encoders."""
    rows = photos.split()[1]
    parts = []
    for start in range(0, len(rows), 32):
        images = [read_photo(photos.files[i]) for i in rows[start : start + 32]]
        parts.append(picture_encoder.encode_images(images))
        say(f"pictures: {start + len(images)}/{len(rows)}")
    columns = [[c for i in rows for c in captions[i][:CAPTIONS]] for captions in photos.captions.values()]
    queries: dict[str, list[Vectors]] = {space: [] for space in SPACES}
    passages = []
    for texts in columns:
        say(f"captions: {len(texts)}")
        queries["visual"].append(picture_encoder.encode_texts(texts).reshape(len(rows), -1, picture_encoder.dim))
        queries["text"].append(sentence_encoder.encode_queries(texts).reshape(len(rows), -1, sentence_encoder.dim))
        passages.append(sentence_encoder.encode_passages(texts).reshape(len(rows), -1, sentence_encoder.dim))
    return Pairs(
        np.concatenate(parts), {s: np.concatenate(v, 1) for s, v in queries.items()}, np.concatenate(passages, 1)
    )


def draw(pairs: Pairs, rows: Ids, dice: np.random.Generator) -> tuple[dict[str, Vectors], dict[str, Vectors]]:
    """A moment and a text that asks for it of each photo in `rows`: blocks (n, d) per space of both."""
    count, captions = len(rows), pairs.passages.shape[1]
    one = dice.integers(0, captions, count)
    other = (one + dice.integers(1, captions, count)) % captions
    kind = dice.random(count)
    of = np.where(kind < SILENT + OWN, rows, rows[dice.permutation(count)])
    passages = np.where((kind < SILENT)[:, None], 0, pairs.passages[of, other]).astype(np.float32)
    return {"visual": pairs.visual[rows], "text": passages}, {s: v[rows, one] for s, v in pairs.queries.items()}


def train(
    pairs: Pairs,
    spaces: Mapping[str, Space],
    preference: Mapping[str, float],
    say: Callable[[str], None],
    epochs: int = EPOCHS,
    target: Path = ATTENTION,
) -> dict[str, float]:
    """Learn on all photos but `TESTED`, write `target`, report R@1/5/10 on those for each fusion.

    `preference`: how much a space counts, in standard deviations of its chance cosines.
    """
    torch.manual_seed(0)
    rows: Ids = np.arange(len(pairs.visual), dtype=np.int64)
    tested, rows = rows[:TESTED], rows[TESTED:]
    weights = weigh(pairs, preference)
    pooling = AttentivePooling(pairs.visual.shape[1])
    learn(pooling, pairs, rows, weights, say, epochs)
    tensors = {**{s: pooling.maps[s] for s in SPACES}, "attention": pooling.attention}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().half().contiguous() for k, v in tensors.items()}, target, name_encoders(spaces))
    numbers: dict[str, float] = {}
    for fusion in (Concatenation(spaces), Addition(spaces), Attention(spaces, target)):
        numbers |= recall(fusion, *draw(pairs, tested, np.random.default_rng(7)), weights)
    return numbers


def weigh(pairs: Pairs, preference: Mapping[str, float]) -> dict[str, float]:
    """How much each space counts: its preference, in standard deviations of its chance cosines."""
    rows = slice(TESTED, None)
    chance = calibrate(
        {s: v[rows, 0] for s, v in pairs.queries.items()},
        {"visual": pairs.visual[rows], "text": pairs.passages[rows, 1]},
    )
    return {space: preference[space] / chance.spread[space] for space in SPACES}


def learn(
    module: Any,
    pairs: Pairs,
    rows: Ids,
    weights: Mapping[str, float],
    say: Callable[[str], None],
    epochs: int,
    change: Callable[[Any, Any], tuple[Any, Any]] = lambda moments, texts: (moments, texts),
) -> None:
    """Train what fuses (`AttentivePooling`, a rival) on moments drawn anew in each epoch, which `change` may vary."""
    dice = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(module.parameters(), LEARNING_RATE, weight_decay=0.0)
    for epoch in range(epochs):
        moments, texts = change(
            *({s: torch.from_numpy(v) for s, v in side.items()} for side in draw(pairs, rows, dice))
        )
        similar = module.fuse_queries(texts, weights) @ module.fuse_segments(moments).T
        similar = similar * module.temperature.exp().clamp(max=100)
        same = torch.arange(len(rows))
        loss = functional.cross_entropy(similar, same) + functional.cross_entropy(similar.T, same)
        (loss + STAY * module.distance()).backward()
        optimizer.step()
        optimizer.zero_grad()
        if epoch % 20 == 19:
            say(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}")


def recall(
    fusion: Fusion, moments: Mapping[str, Vectors], texts: Mapping[str, Vectors], weights: Mapping[str, float]
) -> dict[str, float]:
    """R@1/5/10 in per cent: each text against all moments."""
    queries = [fusion.fuse_query({s: v[i] for s, v in texts.items()}, weights) for i in range(len(texts["visual"]))]
    similar = np.stack(queries) @ fusion.fuse_segments(moments).T
    ranks = (similar > similar.diagonal()[:, None]).sum(1)
    return {f"{fusion.name}, R@{k}": round(100 * float((ranks < k).mean()), 1) for k in (1, 5, 10)}
