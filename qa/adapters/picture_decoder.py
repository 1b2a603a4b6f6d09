"""Our picture decoder: a small transformer (PyTorch) that turns picture features into an English sentence, or into the
short answer to a question.

Trained by `qa.training.decoder` on Flickr8k; "Show, Attend and Tell" (https://arxiv.org/abs/1502.03044) with the
LSTM replaced by transformer decoder layers (https://arxiv.org/abs/1706.03762). A question is the beginning of a
sequence whose end is the answer.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from torch import Tensor, nn

from qa.pictures import ANY_ANIMAL, PictureQuestion, name_animal
from qa.types import Caption, Guess

WEIGHTS = Path(__file__).parent.parent / "weights" / "decoder.safetensors"
PAD, BEGIN, END, UNKNOWN, ASK, REPLY = range(6)
SPECIALS = ["<pad>", "<begin>", "<end>", "<unknown>", "<ask>", "<reply>"]
LAYERS = 3
LONGEST_ANSWER = 4  # words
LONGEST = 22  # words
UNSAID = [PAD, BEGIN, UNKNOWN, ASK, REPLY]
CELLS = 9  # of the pooled 3 x 3 grid

Array = npt.NDArray[np.float32]
# images -> (grid (n, 9, 1280), pooled (n, 1280), class logits (n, 1000), novelty (n,))
Features = Callable[[Sequence[npt.NDArray[np.uint8]]], tuple[Array, Array, Array, Array]]


class PictureDecoder(nn.Module):
    """Words given 11 picture tokens: nine cells, the pooled features and the class probabilities."""

    def __init__(
        self, vocabulary: int, width: int = 192, layers: int = LAYERS, heads: int = 4, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.cells = nn.Linear(1280, width)
        self.classes = nn.Linear(1000, width)
        self.places = nn.Parameter(torch.randn(CELLS + 2, width) * 0.02)
        self.words = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.positions = nn.Parameter(torch.randn(LONGEST + 2, width) * 0.02)
        layer = nn.TransformerDecoderLayer(
            width, heads, width * 4, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, layers, norm=nn.LayerNorm(width))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.words.weight, std=0.04)

    def look(self, grid: Tensor, pooled: Tensor, logits: Tensor) -> Tensor:
        """(n, 9, 1280), (n, 1280), (n, 1000) -> picture tokens (n, 11, width)."""
        classes = self.classes(torch.softmax(logits, -1).sqrt() * 5.0)
        tokens = torch.cat([self.cells(grid * 3.0), self.cells(pooled * 3.0)[:, None], classes[:, None]], 1)
        placed: Tensor = self.dropout(tokens + self.places)
        return placed

    def forward(self, picture: Tensor, words: Tensor) -> Tensor:
        """Picture tokens (n, 11, width) and word ids (n, t) -> scores of the next word (n, t, vocabulary)."""
        scores: Tensor = self._read(picture, words) @ self.words.weight.T
        return scores

    def continue_with(self, picture: Tensor, words: Tensor) -> Tensor:
        """The same of the word behind the last one alone (n, vocabulary)."""
        scores: Tensor = self._read(picture, words)[:, -1] @ self.words.weight.T
        return scores

    def _read(self, picture: Tensor, words: Tensor) -> Tensor:
        length = words.shape[1]
        embedded = self.dropout(self.words(words) + self.positions[:length])
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        hidden: Tensor = self.layers(embedded, picture, tgt_mask=mask, tgt_is_causal=True)
        return hidden


class CompactDecoder:
    """The trained decoder. The `confidence` of a sentence is the geometric mean of its words' probabilities; that of an
    answer is how often answers of this kind that were as likely were right on held-out photos. Of a picture that is
    none of the photographs it knows (novelty 1 and more) it says nothing.
    """

    name = "flickr8k-decoder"

    def __init__(self, features: Features) -> None:
        self._features = features
        with safe_open(WEIGHTS, "pt") as file:
            note = file.metadata()
            self.words: list[str] = json.loads(note["words"])
            self._reliable: dict[str, list[list[float]]] = json.loads(note["reliable"])
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no dict
        self._ids = {word: number for number, word in enumerate(self.words)}
        self._decoder = PictureDecoder(len(self.words))
        self._decoder.load_state_dict(state)
        self._decoder.eval()

    def caption(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Caption]:
        """RGB uint8 (h, w, 3) each -> one sentence each."""
        if not images:
            return []
        *features, novelty = self._features(images)
        with torch.inference_mode():
            pictures = self._decoder.look(*map(torch.from_numpy, features))
            known = np.flatnonzero(novelty < 1)
            said = dict(zip(known.tolist(), beam_search(self._decoder, pictures[known]), strict=True))
        return [self._finish(*said[i]) if i in said else Caption("", 0.0) for i in range(len(images))]

    def answer_about(self, question: PictureQuestion, images: Sequence[npt.NDArray[np.uint8]]) -> list[Guess]:
        """RGB uint8 (h, w, 3) each -> one answer each, with how likely it is right."""
        if not images:
            return []
        grid, pooled, logits, novelty = map(torch.from_numpy, self._features(images))
        if question.plain == ANY_ANIMAL:
            guesses = [Guess(*name_animal(row)) for row in torch.softmax(logits, -1).numpy()]
        else:
            with torch.inference_mode():
                picture = self._decoder.look(grid, pooled, logits)
                encoded = encode_question(self._ids, question.plain.split())
                found = [reply(self._decoder, picture[i : i + 1], encoded) for i in range(len(images))]
            guesses = [
                Guess(" ".join(self.words[w] for w in words), reliability(self._reliable[question.kind], likely))
                for words, likely in found
            ]
        return [guess if new < 1 else Guess("", 0.0) for guess, new in zip(guesses, novelty, strict=True)]

    def _finish(self, words: list[int], log_probability: float) -> Caption:
        text = " ".join(self.words[w] for w in words if w > REPLY)
        return Caption(text[:1].upper() + text[1:] + "." if text else "", float(np.exp(log_probability)))


@dataclass
class Search:
    """Sentences about one picture: word ids and log probability of those that go on, of finished ones its mean."""

    live: list[tuple[list[int], float]] = field(default_factory=lambda: [([BEGIN], 0.0)])
    done: list[tuple[list[int], float]] = field(default_factory=list)

    def grow(self, rows: Sequence[Sequence[tuple[float, int]]], beams: int) -> None:
        """By the likeliest next words of each live one. No pair of words is said twice, which is what small decoders
        otherwise fall into.
        """
        grown: list[tuple[list[int], float]] = []
        for (words, total), row in zip(self.live, rows, strict=True):
            for value, word in row:
                if word == END:
                    self.done.append((words[1:], (total + value) / len(words)))
                elif (words[-1], word) not in pairwise(words):
                    grown.append(([*words, word], total + value))
        self.live = sorted(grown, key=lambda g: -g[1])[:beams]
        best = max((likely for _, likely in self.done), default=-np.inf)
        if best >= max((total / len(words) for words, total in self.live), default=-np.inf):
            self.live = []  # none is likelier, word for word, than the best finished one

    def finish(self) -> tuple[list[int], float]:
        found = self.done or [(words[1:], total / len(words)) for words, total in self.live]
        return max(found, key=lambda sentence: sentence[1], default=([], -np.inf))


def beam_search(decoder: PictureDecoder, pictures: Tensor, beams: int = 3) -> list[tuple[list[int], float]]:
    """Best sentence for each picture (n, 11, width): word ids without marks, and mean log probability per word. A word
    of all of them is computed at once.
    """
    searches = [Search() for _ in pictures]
    for _ in range(LONGEST):
        rows = [(number, words) for number, search in enumerate(searches) for words, _total in search.live]
        if not rows:
            break
        numbers, ids = (torch.tensor(column) for column in zip(*rows, strict=True))
        scores = torch.log_softmax(decoder.continue_with(pictures[numbers], ids), -1)
        scores[:, UNSAID] = -torch.inf
        likeliest = scores.topk(beams + 2)
        found = [list(zip(*row, strict=True)) for row in zip(*(part.tolist() for part in likeliest), strict=True)]
        for search in searches:
            if search.live:
                mine, found = found[: len(search.live)], found[len(search.live) :]
                search.grow(mine, beams)
    return [search.finish() for search in searches]


def reply(decoder: PictureDecoder, picture: Tensor, question: list[int]) -> tuple[list[int], float]:
    """The likeliest answer, word by word: its ids and its probability."""
    words, likely = list(question), 0.0
    for _ in range(LONGEST_ANSWER):
        scores = torch.log_softmax(decoder.continue_with(picture, torch.tensor([words]))[0], -1)
        scores[UNSAID] = -torch.inf
        if len(words) == len(question):
            scores[END] = -torch.inf
        best = int(scores.argmax())
        likely += float(scores[best])
        if best == END:
            break
        words.append(best)
    return words[len(question) :], float(np.exp(likely))


def reliability(curve: Sequence[Sequence[float]], likely: float) -> float:
    """How often answers with at least this probability were right: `curve` holds (probability, share), rising."""
    reached = [share for least, share in curve if likely >= least]
    return float(reached[-1]) if reached else 0.0


def encode_question(words: dict[str, int], question: Sequence[str]) -> list[int]:
    """Word ids of a question with its marks; what follows them is the answer."""
    most = LONGEST - LONGEST_ANSWER
    return [ASK, *(words.get(w, UNKNOWN) for w in question[:most]), REPLY]


def encode_words(words: dict[str, int], sentence: Sequence[str]) -> list[int]:
    """Word ids with begin and end marks, at most `LONGEST` words."""
    return [BEGIN, *(words.get(w, UNKNOWN) for w in sentence[:LONGEST]), END]


def save_decoder(
    decoder: PictureDecoder, words: list[str], reliable: dict[str, Any], note: dict[str, Any], path: Path
) -> None:
    """fp16 safetensors with the vocabulary, the reliability of answers and the training's numbers as metadata."""
    from safetensors.torch import save_file

    state = {name: tensor.half().contiguous() for name, tensor in decoder.state_dict().items()}
    known = {"words": words, "reliable": reliable, "note": note}
    save_file(state, path, {name: json.dumps(value) for name, value in known.items()})
