"""Move the picture backbone towards captions: `manage.py train backbone --data DIR`. Two minutes on a GPU (H100); some
twelve hours on two processor cores.

First the alignment head is trained over the network as ImageNet made it, then both together on varied photos (crops,
mirrored, other light), with the head's own loss. So that it goes on knowing what the captions never mention, its class
probabilities are held to those it had (Hinton et al. 2015, https://arxiv.org/abs/1503.02531; as in Learning without
Forgetting, https://arxiv.org/abs/1606.09282). Train the alignment head, and all else that reads the backbone, anew
afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional

from indexer.adapters.backbone import Backbone, open_backbone, save_moved
from indexer.adapters.efficientnet import CROP, SIDE
from indexer.training.alignment import AlignmentHead, contrast, fit, measure, stack
from indexer.training.photos import COLOURS, LEAST_AREA, SHAPE, PhotoList, read_photo
from indexer.training.texts import Texts

EPOCHS, HEAD_EPOCHS = 20, 40
BATCH = 512
# 1e-4 moves too little (R@1 36.7 for 38.1 of held-out photos), 1e-3 forgets and learns by heart (37.3).
LEARNING_RATE, HEAD_RATE = 3e-4, 3e-4
WEIGHT_DECAY, HEAD_DECAY = 0.05, 0.3
KEEP = 1.0  # weight of staying with ImageNet's answers
STORED = 224  # pixels: all photos lie in memory at once
_READ = 256  # pictures at once where nothing is learned

Tensors = tuple[Tensor, Tensor, Tensor]  # pooled (n, 1280), likely (n, 1000), inner (n, 1776)


def train(
    listed: PhotoList, texts: Texts, target: Path, say: Callable[[str], None], epochs: int = EPOCHS
) -> dict[str, float]:
    """Report R@1/5/10 on the held-out photos before and after, write how far the weights were moved to `target`."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows, held_out = listed.split()
    pictures = load_pictures(listed).to(device)
    captions = {reader: torch.from_numpy(vectors).to(device) for reader, vectors in texts.captions.items()}
    first, tuned = open_backbone(None).to(device), open_backbone(None).to(device)
    tuned.network._fc.requires_grad_(False)  # what the classes are called stays
    seen = [read(first, pictures, views) for views in (view_whole, view_corners)]
    head = AlignmentHead(texts, seen[1][2][rows].cpu()).to(device)
    head.classes = {reader: vectors.to(device) for reader, vectors in head.classes.items()}
    views = [(stack(head, *view), view[1]) for view in seen]
    fit(head, views, captions, rows, min(HEAD_EPOCHS, 2 * epochs), say)
    before = measure(head, views[1], captions, held_out)
    move(tuned, first, head, pictures[rows], {reader: v[rows] for reader, v in captions.items()}, epochs, say)
    after = read(tuned, pictures, view_corners)
    numbers = measure(head, (stack(head, *after), after[1]), captions, held_out)
    save_moved(tuned, target, f"{epochs} epochs")
    return {**{f"before: {name}": value for name, value in before.items()}, **numbers}


def load_pictures(listed: PhotoList) -> Tensor:
    """uint8 (n, 3, STORED, STORED)."""
    squares = [Pillow.fromarray(read_photo(path)).resize((STORED, STORED)) for path in listed.files]
    return torch.from_numpy(np.stack([np.asarray(square) for square in squares])).permute(0, 3, 1, 2)


def move(
    tuned: Backbone,
    first: Backbone,
    head: AlignmentHead,
    pictures: Tensor,
    captions: Mapping[str, Tensor],
    epochs: int,
    say: Callable[[str], None],
) -> None:
    """Both are trained; statistics of the batches stay ImageNet's (the network is in its `eval` mode)."""
    choose, learned = np.random.default_rng(0), [p for p in tuned.parameters() if p.requires_grad]
    mine = {"params": learned, "lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    heads = [p for p in head.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([mine, {"params": heads, "lr": HEAD_RATE, "weight_decay": HEAD_DECAY}])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [LEARNING_RATE, HEAD_RATE], total_steps=epochs * -(-len(pictures) // BATCH), pct_start=0.15
    )
    for epoch in range(epochs):
        head.train()
        order = choose.permutation(len(pictures))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            varied = vary(pictures[batch])
            pooled, logits, inner = look(tuned, varied)
            with torch.no_grad():
                known = look(first, varied)[1].softmax(1)
            likely = logits.softmax(1)
            loss = contrast(head, head.see(stack(head, pooled, likely, inner), likely), captions, batch, choose)
            forgotten = functional.kl_div(logits.log_softmax(1), known, reduction="batchmean")
            (loss + KEEP * forgotten).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        say(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}, forgotten {forgotten.item():.3f}")
    head.eval()


def look(backbone: Backbone, standard: Tensor) -> Tensors:
    """Pooled features, logits and inner features of standardised pictures; in half precision on a GPU."""
    with torch.autocast(standard.device.type, torch.bfloat16, enabled=standard.is_cuda):
        _grid, pooled, logits, inner = backbone(standard)
    return pooled.float(), logits.float(), inner.float()


@torch.inference_mode()
def read(backbone: Backbone, pictures: Tensor, views: Callable[[Tensor], Iterator[Tensor]]) -> Tensors:
    """Means over the views of each picture."""
    parts = []
    for start in range(0, len(pictures), _READ):
        seen = [look(backbone, view) for view in views(pictures[start : start + _READ])]
        parts.append(
            [torch.stack(column).mean(0) for column in zip(*((p, g.softmax(1), i) for p, g, i in seen), strict=True)]
        )
    pooled, likely, inner = (torch.cat(column) for column in zip(*parts, strict=True))
    return pooled.clone(), likely.clone(), inner.clone()  # tensors of inference mode can't be learned from


def view_whole(pictures: Tensor) -> Iterator[Tensor]:
    yield standardise(functional.interpolate(pictures.float(), (SIDE, SIDE), mode="bicubic").clamp(0, 255))


def view_corners(pictures: Tensor) -> Iterator[Tensor]:
    yield from view_whole(pictures)
    tall, wide = (int(side * CROP) for side in pictures.shape[2:])
    for y in (0, pictures.shape[2] - tall):
        for x in (0, pictures.shape[3] - wide):
            yield from view_whole(pictures[:, :, y : y + tall, x : x + wide])


def vary(pictures: Tensor) -> Tensor:
    """As `photos.vary` does, all at once, on the device: uint8 (n, 3, h, w) -> standardised (n, 3, SIDE, SIDE)."""
    n, device = len(pictures), pictures.device
    dice = torch.rand(n, 5, device=device)
    area, shape = (LEAST_AREA + (1 - LEAST_AREA) * dice[:, 0]).sqrt(), torch.exp((2 * dice[:, 1] - 1) * SHAPE / 2)
    wide, tall = (area * shape).clamp(max=1), (area / shape).clamp(max=1)
    where = torch.zeros(n, 2, 3, device=device)
    where[:, 0, 0] = wide * torch.where(dice[:, 4] < 0.5, -1.0, 1.0)
    where[:, 1, 1] = tall
    where[:, 0, 2], where[:, 1, 2] = (2 * dice[:, 2] - 1) * (1 - wide), (2 * dice[:, 3] - 1) * (1 - tall)
    grid = functional.affine_grid(where, [n, 3, SIDE, SIDE], align_corners=False)
    cut = functional.grid_sample(pictures.float(), grid, padding_mode="reflection", align_corners=False)
    light, contrasted, colour = (1 + far * (2 * torch.rand(n, 1, 1, 1, device=device) - 1) for far in COLOURS.values())
    cut = cut * light
    mean = cut.mean((1, 2, 3), keepdim=True)
    cut = (cut - mean) * contrasted + mean
    grey = cut.mean(1, keepdim=True)
    return standardise(((cut - grey) * colour + grey).clamp(0, 255))


def standardise(pictures: Tensor) -> Tensor:
    """As `efficientnet` does."""
    return ((pictures - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)
