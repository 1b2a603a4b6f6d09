"""Train the alignment head: `manage.py train alignment --data DIR`. Seeded; minutes on two cores once e5 has run.

Two linear maps into one space, trained with symmetric InfoNCE and a learned temperature
(CLIP, https://arxiv.org/abs/2103.00020). The picture side sees pooled features and the square roots of the class
probabilities; it also adds the text side's own embedding of the class names, weighted by their probabilities, so that
things which the captions never mention ("segway") still land where their names do.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.adapters.efficientnet import CLASS_SCALE, POOLED_SCALE
from indexer.training.photos import PhotoSet

WIDTH = 384
DROPOUT = 0.4
BATCH = 512
LEARNING_RATE = 1e-3

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Texts:
    """e5's raw vectors: captions[lang] (n, c, 384) as queries, class names (1000, 384), and means to centre by."""

    captions: dict[str, Array]
    classes: Array
    query_mean: Array
    passage_mean: Array


class AlignmentHead(nn.Module):
    """(n, 1280) + (n, 1000) and (m, 384) -> unit vectors of one space."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        everything = torch.from_numpy(np.concatenate([c.reshape(-1, 384) for c in texts.captions.values()]))
        self.mean: Tensor
        self.deviation: Tensor
        self.classes: Tensor
        self.register_buffer("mean", everything.mean(0))
        self.register_buffer("deviation", (everything - everything.mean(0)).std())
        self.register_buffer("classes", torch.from_numpy(texts.classes))
        self.picture = nn.Linear(2280, WIDTH)
        self.text = nn.Linear(384, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)
        self.temperature = nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))
        self.naming = nn.Parameter(torch.tensor(0.0))  # log weight of the class names

    def see(self, pooled: Tensor, logits: Tensor) -> Tensor:
        """Picture features -> (n, WIDTH)."""
        likely = torch.softmax(logits, 1)
        features = torch.cat([pooled * POOLED_SCALE, likely.sqrt() * CLASS_SCALE], 1)
        named = likely @ self.text((self.classes - self.mean) / self.deviation)
        return functional.normalize(self.picture(self.dropout(features)) + self.naming.exp() * named, dim=1)

    def read(self, sentences: Tensor) -> Tensor:
        """Raw e5 query vectors -> (m, WIDTH)."""
        return functional.normalize(self.text((sentences - self.mean) / self.deviation), dim=1)


def train(
    photos: PhotoSet, texts: Texts, target: Path, say: Callable[[str], None], epochs: int = 20
) -> dict[str, float]:
    """Train, report R@1/5/10 on the held-out photos (one caption each), write `target`."""
    torch.manual_seed(0)
    choose = np.random.default_rng(0)
    rows, held_out = photos.split()
    head = AlignmentHead(texts)
    pooled, logits = (torch.from_numpy(a.astype(np.float32)) for a in (photos.pooled, photos.logits))
    captions = {language: torch.from_numpy(vectors) for language, vectors in texts.captions.items()}
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=0.05)
    steps = epochs * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(epochs):
        head.train()
        order = choose.permutation(rows)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            seen = head.see(pooled[batch], logits[batch])
            loss = torch.zeros(())
            for vectors in captions.values():
                one = choose.integers(0, vectors.shape[1], len(batch))
                similar = head.temperature.exp().clamp(max=100) * seen @ head.read(vectors[batch, one]).T
                same = torch.arange(len(batch))
                loss = loss + functional.cross_entropy(similar, same) + functional.cross_entropy(similar.T, same)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        say(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}")
    head.eval()
    numbers: dict[str, float] = {}
    with torch.inference_mode():
        seen = head.see(pooled[held_out], logits[held_out])
        for language, vectors in captions.items():
            similar = head.read(vectors[held_out, 0]) @ seen.T
            ranks = (similar > similar.diagonal()[:, None]).sum(1)
            for k in (1, 5, 10):
                numbers[f"{language} R@{k}"] = round(100 * (ranks < k).float().mean().item(), 1)
        save(head, texts, numbers, target)
    return numbers


def save(head: AlignmentHead, texts: Texts, numbers: dict[str, float], target: Path) -> None:
    """fp16 safetensors: the two maps with their scaling folded in, the projected class names, e5's means."""
    named = head.text((head.classes - head.mean) / head.deviation) * head.naming.exp()
    state = {
        "picture.weight": head.picture.weight,
        "picture.bias": head.picture.bias,
        "picture.classes": named,
        "text.weight": head.text.weight / head.deviation,
        "text.bias": head.text.bias - head.text.weight @ (head.mean / head.deviation),
        "text.query_mean": torch.from_numpy(texts.query_mean),
        "text.passage_mean": torch.from_numpy(texts.passage_mean),
    }
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target, {"note": json.dumps(numbers)})
