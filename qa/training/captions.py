"""Train the captioning decoder: `manage.py train captions --data DIR`. Seeded; some 25 minutes on 2 cores."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from qa.adapters.caption_decoder import END, PAD, SPECIALS, CaptionDecoder, beam_search, encode_words, save_decoder
from qa.training.metrics import bleu4, cider

RARE = 4  # words seen less often become <unknown>
BATCH = 64
LEARNING_RATE = 8e-4
SMOOTHING = 0.1


@dataclass(frozen=True)
class Photos:
    """Features of n photos (grid (n, 9, 1280), pooled (n, 1280), logits (n, 1000)) and their captions."""

    grid: npt.NDArray[np.float16]
    pooled: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float16]
    captions: Sequence[Sequence[str]]

    def tensors(self, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        grid, pooled, logits = (
            torch.from_numpy(a[rows].astype(np.float32)) for a in (self.grid, self.pooled, self.logits)
        )
        return grid, pooled, logits


def tokenize(sentence: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", sentence.lower())


def train(
    photos: Photos,
    training: npt.NDArray[np.int64],
    held_out: npt.NDArray[np.int64],
    target: Path,
    say: Callable[[str], None],
    epochs: int = 12,
) -> dict[str, float]:
    """Train on the rows of `training`, report BLEU-4 and CIDEr on `held_out`, write `target`."""
    torch.manual_seed(0)
    choose = np.random.default_rng(0)
    sentences = [[tokenize(c) for c in captions] for captions in photos.captions]
    counts = Counter(w for row in training for sentence in sentences[row] for w in sentence)
    words = SPECIALS + sorted(w for w, c in counts.items() if c >= RARE)
    ids = {word: number for number, word in enumerate(words)}
    decoder = CaptionDecoder(len(words))
    pairs = np.array([(row, i) for row in training for i in range(len(sentences[row]))])
    steps = epochs * (len(pairs) // BATCH + 1)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=SMOOTHING)
    for epoch in range(epochs):
        decoder.train()
        total, batches = 0.0, shuffle(pairs, sentences, choose)
        for chosen in batches:
            batch = pairs[chosen]
            said = pad([encode_words(ids, sentences[row][i]) for row, i in batch])
            picture = decoder.look(*photos.tensors(batch[:, 0]))
            scores = decoder(picture, said[:, :-1])
            loss = loss_of(scores.reshape(-1, len(words)), said[:, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        say(f"epoch {epoch + 1}/{epochs}: loss {total / len(batches):.3f}")
    numbers = evaluate(decoder, words, photos, held_out, sentences)
    save_decoder(decoder, words, {"held_out": len(held_out), "epochs": epochs, **numbers}, target)
    return numbers


def shuffle(
    pairs: npt.NDArray[np.int64], sentences: Sequence[Sequence[Sequence[str]]], choose: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Random batches (m, BATCH) of sentences of like length, so that little is spent on padding."""
    lengths = np.array([len(sentences[row][i]) for row, i in pairs]) + choose.random(len(pairs))
    order = np.argsort(lengths)[choose.integers(0, BATCH) :]
    batches = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
    return choose.permutation(batches)


def evaluate(
    decoder: CaptionDecoder,
    words: Sequence[str],
    photos: Photos,
    rows: npt.NDArray[np.int64],
    sentences: Sequence[Sequence[Sequence[str]]],
) -> dict[str, float]:
    """BLEU-4 and CIDEr of beam search on unseen photos."""
    decoder.eval()
    said = []
    with torch.inference_mode():
        for row in rows:
            picture = decoder.look(*photos.tensors(np.array([row])))
            said.append([words[w] for w in beam_search(decoder, picture)[0] if w > END])
    references = [sentences[row] for row in rows]
    return {"bleu4": round(100 * bleu4(said, references), 2), "cider": round(cider(said, references), 3)}


def pad(sentences: Sequence[Sequence[int]]) -> Tensor:
    longest = max(len(s) for s in sentences)
    return torch.tensor([[*s, *[PAD] * (longest - len(s))] for s in sentences])
