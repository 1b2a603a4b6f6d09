"""Train the alignment head: `manage.py train alignment --data DIR`. Seeded; minutes once the texts are read.

Linear maps into one space, trained with symmetric InfoNCE and a learned temperature (CLIP,
https://arxiv.org/abs/2103.00020). The picture side sees pooled features, the square roots of the class probabilities
and what the inner layers see; it also adds the text side's own embedding of the class names, weighted by their
probabilities, so that things which the captions never mention ("segway") still land where their names do. The text
side adds up one map per reader (MiniLM, bge, e5, e5 in Chinese): one that can't read a query is left out of the sum.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.adapters.efficientnet import CLASS_SCALE, POOLED_SCALE, READERS, Views
from indexer.training.photos import PhotoSet
from indexer.training.texts import Texts

WIDTH = 384
DROPOUT, TEXT_DROPOUT = 0.5, 0.2
BATCH = 512
EPOCHS = 60
LEARNING_RATE = 7e-4
WEIGHT_DECAY = 0.3
# What reads a query together, and how much that form counts in the loss.
FORMS = {"en": ("minilm", "bge", "e5"), "en by e5 alone": ("e5",), "zh": ("chinese",)}
COUNTS = {"en": 1.0, "en by e5 alone": 0.3, "zh": 1.0}


class AlignmentHead(nn.Module):
    """Picture features (n, 4056) and sentence vectors (m, 384) per reader -> unit vectors of one space."""

    def __init__(self, texts: Texts, inner: Tensor) -> None:
        super().__init__()
        self.moments = nn.ParameterDict()  # of what is standardised: kept with the head, not trained
        for reader in texts.captions:
            everything = torch.from_numpy(texts.captions[reader].reshape(-1, texts.captions[reader].shape[-1]))
            self._keep(reader, everything.mean(0), (everything - everything.mean(0)).std())
        self._keep("inner", inner.mean(0), inner.std(0) + 1e-3)
        self.classes = {reader: torch.from_numpy(vectors) for reader, vectors in texts.classes.items()}
        self.picture = nn.Linear(2280 + inner.shape[1], WIDTH)
        self.text = nn.ModuleDict({reader: nn.Linear(384, WIDTH, bias=False) for reader in texts.captions})
        self.text_bias = nn.Parameter(torch.zeros(WIDTH))
        self.dropout, self.text_dropout = nn.Dropout(DROPOUT), nn.Dropout(TEXT_DROPOUT)
        self.temperature = nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))
        self.naming = nn.Parameter(torch.tensor(0.0))  # log weight of the class names

    def _keep(self, name: str, mean: Tensor, deviation: Tensor) -> None:
        self.moments[f"{name} mean"] = nn.Parameter(mean, requires_grad=False)
        self.moments[f"{name} deviation"] = nn.Parameter(deviation, requires_grad=False)

    def standardise(self, name: str, values: Tensor) -> Tensor:
        standard: Tensor = (values - self.moments[f"{name} mean"]) / self.moments[f"{name} deviation"]
        return standard

    def see(self, features: Tensor, likely: Tensor) -> Tensor:
        """Features as `Views.stack` makes them, the inner ones standardised, and class probabilities -> (n, WIDTH)."""
        mapped = self.picture(self.dropout(features)) + self.naming.exp() * (likely @ self.read_raw(self.classes))
        return functional.normalize(mapped, dim=1)

    def read_raw(self, sentences: Mapping[str, Tensor]) -> Tensor:
        """The sum of the maps of the readers that are given -> (m, WIDTH)."""
        parts = [
            self.text[reader](self.text_dropout(self.standardise(reader, vectors)))
            for reader, vectors in sentences.items()
        ]
        return self.text_bias + torch.stack(parts).sum(0)

    def read(self, sentences: Mapping[str, Tensor]) -> Tensor:
        return functional.normalize(self.read_raw(sentences), dim=1)


def train(
    photos: PhotoSet, texts: Texts, target: Path, say: Callable[[str], None], epochs: int = EPOCHS
) -> dict[str, float]:
    """Train, report R@1/5/10 on the held-out photos (one caption each), write `target`."""
    torch.manual_seed(0)
    rows, held_out = photos.listed.split()
    head = AlignmentHead(texts, torch.from_numpy(photos.views[1].inner[rows].astype(np.float32)))
    views = [as_tensors(head, seen) for seen in photos.views]
    captions = {reader: torch.from_numpy(vectors) for reader, vectors in texts.captions.items()}
    fit(head, views, captions, rows, epochs, say)
    numbers = measure(head, views[1], captions, held_out)
    save(head, texts, numbers, target)
    return numbers


def fit(
    head: AlignmentHead,
    views: Sequence[tuple[Tensor, Tensor]],
    captions: Mapping[str, Tensor],
    rows: npt.NDArray[np.int64],
    epochs: int,
    say: Callable[[str], None],
) -> None:
    """Every batch takes one of the `views` of its photos, and one caption of each in every language."""
    choose = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(
        (p for p in head.parameters() if p.requires_grad), LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    steps = epochs * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(epochs):
        head.train()
        order = choose.permutation(rows)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            features, likely = views[int(choose.integers(0, len(views)))]
            loss = contrast(head, head.see(features[batch], likely[batch]), captions, batch, choose)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        say(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}")
    head.eval()


def contrast(
    head: AlignmentHead,
    seen: Tensor,
    captions: Mapping[str, Tensor],
    batch: npt.NDArray[np.int64],
    choose: np.random.Generator,
) -> Tensor:
    """Symmetric InfoNCE of the pictures (n, WIDTH) with one caption each, summed over the forms that can be read."""
    loss = torch.zeros((), device=seen.device)
    same = torch.arange(len(batch), device=seen.device)
    for name, readers in forms_of(captions).items():
        one = choose.integers(0, captions[readers[0]].shape[1], len(batch))
        read = head.read({reader: captions[reader][batch, one] for reader in readers})
        similar = head.temperature.exp().clamp(max=100) * seen @ read.T
        both = functional.cross_entropy(similar, same) + functional.cross_entropy(similar.T, same)
        loss = loss + COUNTS[name] * both
    return loss


def forms_of(captions: Mapping[str, Tensor]) -> dict[str, tuple[str, ...]]:
    return {name: readers for name, readers in FORMS.items() if set(readers) <= set(captions)}


def measure(
    head: AlignmentHead, view: tuple[Tensor, Tensor], captions: Mapping[str, Tensor], held_out: npt.NDArray[np.int64]
) -> dict[str, float]:
    """R@1/5/10 of photos for one caption each, among those held out."""
    numbers: dict[str, float] = {}
    with torch.inference_mode():
        seen = head.see(view[0][held_out], view[1][held_out])
        for name, readers in forms_of(captions).items():
            read = head.read({reader: captions[reader][held_out, 0] for reader in readers})
            similar = read @ seen.T
            ranks = (similar > similar.diagonal()[:, None]).sum(1)
            numbers |= {f"{name} R@{k}": round(100 * (ranks < k).float().mean().item(), 1) for k in (1, 5, 10)}
    return numbers


def as_tensors(head: AlignmentHead, views: Views) -> tuple[Tensor, Tensor]:
    """What `see` reads."""
    pooled, likely, inner = (torch.from_numpy(v.astype(np.float32)) for v in (views.pooled, views.likely, views.inner))
    return stack(head, pooled, likely, inner), likely


def stack(head: AlignmentHead, pooled: Tensor, likely: Tensor, inner: Tensor) -> Tensor:
    """Features (n, 4056) as `Views.stack` makes them, the inner ones standardised."""
    raised = likely.clamp_min(1e-12).sqrt()  # a root has no slope at 0
    return torch.cat([pooled * POOLED_SCALE, raised * CLASS_SCALE, head.standardise("inner", inner)], 1)


def save(head: AlignmentHead, texts: Texts, numbers: dict[str, float], target: Path) -> None:
    """fp16 safetensors: the maps, scaling folded in, the projected class names, the readers' means."""
    first = head.picture.weight.shape[1] - len(head.moments["inner mean"])
    inner = head.picture.weight[:, first:] / head.moments["inner deviation"]
    state = {
        "picture.weight": torch.cat([head.picture.weight[:, :first], inner], 1),
        "picture.bias": head.picture.bias - inner @ head.moments["inner mean"],
        "picture.classes": head.read_raw(head.classes) * head.naming.exp(),
        "text.bias": head.text_bias,
        "text.query_mean": torch.from_numpy(texts.query_mean),
        "text.passage_mean": torch.from_numpy(texts.passage_mean),
    }
    for reader in READERS:  # without Chinese captions its map is the other one over e5
        source = reader if reader in head.text else "e5"
        state[f"text.{reader}.weight"] = head.text[source].weight / head.moments[f"{source} deviation"]
        state[f"text.{reader}.mean"] = head.moments[f"{source} mean"]
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target, {"note": json.dumps(numbers)})
