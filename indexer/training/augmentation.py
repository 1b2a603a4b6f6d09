"""More training data out of the same: mixtures of pairs, and words made up for pictures that nobody speaks about."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from indexer.types import Vectors

ALPHA = 0.2  # of mixup's Beta distribution, as in the paper
NOISE = 32  # numbers that make one text differ from another
SHARE = 0.5  # of the silent moments that are given words

Side = dict[str, Tensor]
judge = functional.binary_cross_entropy_with_logits


def mix_up(moments: Side, texts: Side) -> tuple[Side, Side]:
    """Both sides of two pairs, in the same proportion: Zhang et al. 2018, mixup, https://arxiv.org/abs/1710.09412."""
    count = len(next(iter(moments.values())))
    order = torch.randperm(count)
    share = torch.from_numpy(np.random.default_rng(count + int(order[0])).beta(ALPHA, ALPHA, count).astype(np.float32))
    share = torch.maximum(share, 1 - share)[:, None]

    def mix(side: Side) -> Side:
        return {s: functional.normalize(share * v + (1 - share) * v[order], dim=1) for s, v in side.items()}

    return mix(moments), mix(texts)


class WordMaker(nn.Module):
    """Vectors of what might be said about a picture, by a generator that a critic could not tell from captions': Xian
    et al. 2018, Feature Generating Networks, https://arxiv.org/abs/1712.00981, with Goodfellow's loss.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(dim + NOISE, 512), nn.LeakyReLU(0.2), nn.Linear(512, dim))
        self.critic = nn.Sequential(nn.Linear(2 * dim, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))

    def make(self, seen: Tensor) -> Tensor:
        """(n, d) -> (n, d), unit length."""
        noise = torch.randn(len(seen), NOISE)
        return functional.normalize(self.generator(torch.cat([seen, noise], 1)), dim=1)

    def learn(self, visual: Vectors, said: Vectors, steps: int, say: Callable[[str], None]) -> None:
        seen, real = torch.from_numpy(visual), torch.from_numpy(said)
        players = [torch.optim.Adam(part.parameters(), 2e-4, (0.5, 0.999)) for part in (self.critic, self.generator)]
        ones, zeros = torch.ones(len(seen), 1), torch.zeros(len(seen), 1)
        for _step in range(steps):
            made = self.make(seen)
            verdicts = [self.critic(torch.cat([seen, words], 1)) for words in (real, made.detach())]
            loss = judge(verdicts[0], ones) + judge(verdicts[1], zeros)
            players[0].zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            players[0].step()
            fooled = judge(self.critic(torch.cat([seen, made], 1)), ones)
            players[1].zero_grad()
            fooled.backward()  # type: ignore[no-untyped-call]
            players[1].step()
        with torch.inference_mode():
            say(f"made up words have a cosine of {(self.make(seen) * real).sum(1).mean():.2f} with real ones")

    def fill(self, moments: Side, texts: Side) -> tuple[Side, Side]:
        """Half of the silent moments are given words."""
        silent = (~moments["text"].any(1)) & (torch.rand(len(moments["text"])) < SHARE)
        with torch.no_grad():
            said = torch.where(silent[:, None], self.make(moments["visual"]), moments["text"])
        return {**moments, "text": said}, texts
