"""Other ways to fuse what is seen and said, from the literature, trained as attention is (`training.fusion`) on the
same photos and compared with it: `manage.py train rivals --data DIR`, then `manage.py bench fusion`. None of them is in
use: the table in `webapp/benchmarks/README.md` says why.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.fusion import SPACES
from indexer.ports import Fusion
from indexer.training.augmentation import WordMaker, mix_up
from indexer.training.fusion import TESTED, AttentivePooling, Pairs, draw, learn, recall
from indexer.types import Ids, Vectors

RANK = 4  # of the tensor's factors
HIDDEN = 256  # of the autoencoder
SMALL = 0.02  # of the first weights: each begins near the sum of the blocks
KEPT, OF_VIDEO, OF_TAGS = 0.7, 0.2, 0.1  # what a segment keeps of itself in a round of messages, and takes from others
ROUNDS = 2

Blocks = Mapping[str, Tensor]


class Rival(nn.Module):
    """`combine` is what the method is."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(float(np.log(1 / 0.07))))

    def combine(self, blocks: Blocks) -> Tensor:
        """(n, d) per space -> (n, d), of any length."""
        raise NotImplementedError

    def fuse_segments(self, blocks: Blocks) -> Tensor:
        """(n, d) per space -> (n, d)."""
        return functional.normalize(self.combine(blocks), dim=1)

    def fuse_queries(self, blocks: Blocks, weights: Mapping[str, float]) -> Tensor:
        """(n, d) per space -> (n, d)."""
        return self.fuse_segments({s: blocks[s] * weights[s] for s in SPACES})

    def distance(self) -> Tensor:
        return torch.stack([p.square().sum() for p in self.parameters() if p.ndim > 1]).sum()


def add_up(blocks: Blocks) -> Tensor:
    return torch.stack([blocks[s] for s in SPACES]).sum(0)


class LowRankTensor(Rival):
    """The outer product of both blocks, each with a 1, in `RANK` factors: Liu et al. 2018, Low-rank Multimodal Fusion,
    https://arxiv.org/abs/1806.00064.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.factors = nn.ParameterDict({s: nn.Parameter(SMALL * torch.randn(RANK, dim + 1, dim)) for s in SPACES})

    def combine(self, blocks: Blocks) -> Tensor:
        product = torch.ones(())
        for space in SPACES:
            block = blocks[space]
            longer = torch.cat([block, torch.ones(len(block), 1)], 1)
            product = product * torch.einsum("nd,rde->rne", longer, self.factors[space])
        return add_up(blocks) + product.sum(0)


class CoAttention(Rival):
    """Each block lets in as much of the other as their affinity says: Lu et al. 2016, Hierarchical Question-Image
    Co-Attention, https://arxiv.org/abs/1606.00061, with one vector on either side.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.affinity = nn.Parameter(SMALL * torch.randn(dim, dim))
        self.maps = nn.ParameterDict({s: nn.Parameter(SMALL * torch.randn(dim, dim)) for s in SPACES})

    def combine(self, blocks: Blocks) -> Tensor:
        seen, said = (blocks[s] for s in SPACES)
        affinity = torch.tanh(((seen @ self.affinity) * said).sum(1, keepdim=True))
        let_in: Tensor = affinity * (said @ self.maps["text"] + seen @ self.maps["visual"])
        return add_up(blocks) + let_in


class Autoencoder(Rival):
    """Both blocks through a narrow layer that has to give both back, from one of them, too: Ngiam et al. 2011,
    Multimodal Deep Learning. Trained to reconstruct and not to find; what is fused is the layer.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2 * dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, dim))
        self.decoder = nn.Sequential(nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * dim))

    def combine(self, blocks: Blocks) -> Tensor:
        layer: Tensor = self.encoder(torch.cat([blocks[s] for s in SPACES], 1))
        return layer

    def reconstruct(self, visual: Vectors, said: Vectors, epochs: int, say: Callable[[str], None]) -> None:
        """Learn on whole pairs (n, d) each, one side of a third of them hidden."""
        whole = torch.from_numpy(np.concatenate([visual, said], 1))
        optimizer = torch.optim.Adam(self.parameters(), 1e-3)
        for _epoch in range(epochs):
            hidden = torch.ones_like(whole)
            kind = torch.rand(len(whole))
            hidden[kind < 1 / 3, : visual.shape[1]] = 0
            hidden[kind > 2 / 3, visual.shape[1] :] = 0
            loss = (
                (self.decoder(functional.normalize(self.encoder(whole * hidden), dim=1)) - whole).square().sum(1).mean()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        say(f"autoencoder: {loss.item():.3f} of 2 are lost")


RIVALS: dict[str, Callable[[int], Rival]] = {
    "tensor": LowRankTensor,
    "co-attention": CoAttention,
    "autoencoder": Autoencoder,
}


class Learned:
    """A trained module, used as a `ports.Fusion`."""

    def __init__(self, name: str, module: Rival | AttentivePooling) -> None:
        self.name, self._module = name, module

    def fuse_segments(self, blocks: Mapping[str, Vectors]) -> Vectors:
        with torch.inference_mode():
            return np.asarray(self._module.fuse_segments(_tensors(blocks)).numpy(), np.float32)

    def fuse_query(self, blocks: Mapping[str, Vectors], weights: Mapping[str, float]) -> Vectors:
        with torch.inference_mode():
            rows = {space: torch.from_numpy(np.asarray(v, np.float32)[None]) for space, v in blocks.items()}
            return np.asarray(self._module.fuse_queries(rows, weights)[0].numpy(), np.float32)


def train(
    pairs: Pairs,
    used: Sequence[Fusion],
    weights: Mapping[str, float],
    folder: Path,
    say: Callable[[str], None],
    epochs: int = 200,
) -> dict[str, float]:
    """Learn each on all photos but `TESTED`, keep it in `folder`, and report R@1/5/10 on those, beside `used`."""
    rows: Ids = np.arange(len(pairs.visual), dtype=np.int64)
    tested, rows = rows[:TESTED], rows[TESTED:]
    dim = pairs.visual.shape[1]
    modules: dict[str, Rival | AttentivePooling] = {}
    for name, kind in RIVALS.items():
        torch.manual_seed(0)
        modules[name] = module = kind(dim)
        if isinstance(module, Autoencoder):
            module.reconstruct(pairs.visual[rows], pairs.passages[rows, 0], 5 * epochs, say)
        else:
            learn(module, pairs, rows, weights, say, epochs)
    torch.manual_seed(0)
    made = WordMaker(dim)
    made.learn(pairs.visual[rows], pairs.passages[rows, 0], 5 * epochs, say)
    for name, change in {"attention and mixup": mix_up, "attention and feature GAN": made.fill}.items():
        torch.manual_seed(0)
        modules[name] = AttentivePooling(dim)
        learn(modules[name], pairs, rows, weights, say, epochs, change)
    asked = draw(pairs, tested, np.random.default_rng(7))
    numbers: dict[str, float] = {}
    for fusion in used:
        numbers |= recall(fusion, *asked, weights)
    folder.mkdir(parents=True, exist_ok=True)
    for name, trained in modules.items():
        save_file({k: v.contiguous() for k, v in trained.state_dict().items()}, folder / f"{name}.safetensors")
        numbers |= recall(Learned(name, trained), *asked, weights)  # type: ignore[arg-type]
    return numbers


def load(folder: Path, dim: int) -> list[Learned]:
    """Those that were trained on this machine."""
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        module = RIVALS.get(path.stem, AttentivePooling)(dim)
        module.load_state_dict(load_file(path))
        found.append(Learned(path.stem, module.eval()))
    return found


def pass_messages(fused: Vectors, videos: Ids, tags: Sequence[set[str]]) -> Vectors:
    """Segments (n, d), their videos (n,) and tags, as nodes of a graph: two rounds in which each segment takes
    something from its video, and from all that has the same tags. (Wu et al. 2019, Simplifying Graph Convolutional
    Networks, https://arxiv.org/abs/1902.07153: without learned weights.)
    """
    nodes = np.asarray(fused, np.float64)
    for _round in range(ROUNDS):
        of_video = {v: nodes[videos == v].mean(0) for v in np.unique(videos).tolist()}
        names = sorted({tag for some in tags for tag in some})
        of_tag = {name: nodes[[name in some for some in tags]].mean(0) for name in names}
        none = np.zeros(nodes.shape[1])
        around = np.stack([np.mean([of_tag[t] for t in some], 0) if some else none for some in tags])
        nodes = KEPT * nodes + OF_VIDEO * np.stack([of_video[int(v)] for v in videos]) + OF_TAGS * around
    return np.asarray(nodes, np.float32)


def _tensors(blocks: Mapping[str, Vectors]) -> dict[str, Tensor]:
    return {space: torch.from_numpy(np.asarray(v, np.float32)) for space, v in blocks.items()}
