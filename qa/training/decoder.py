"""Train the picture decoder: `manage.py train decoder --data DIR`. Seeded; some 45 minutes on 2 cores.

Half of what it reads are captions, half questions made from them (`questions`), every kind of question as often as the
others. In a question only the answer counts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from qa.adapters.picture_decoder import (
    END,
    PAD,
    REPLY,
    SPECIALS,
    PictureDecoder,
    beam_search,
    encode_question,
    encode_words,
    reply,
    save_decoder,
)
from qa.pictures import KINDS, tokenize
from qa.training.metrics import bleu4, cider
from qa.training.questions import Pair, ask_about, by_question, deny, find_nouns

RARE = 4  # words seen less often become <unknown>
BATCH = 96
EPOCHS = 9
LEARNING_RATE = 9e-4
SMOOTHING = 0.1
LEARNED = 5.0  # points above the most frequent answer
BINS = 8  # of the reliability curve

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """Features of n photos (grid (n, 9, 1280), pooled (n, 1280), logits (n, 1000)) and their captions."""

    grid: npt.NDArray[np.floating[Any]]
    pooled: npt.NDArray[np.floating[Any]]
    logits: npt.NDArray[np.floating[Any]]
    captions: Sequence[Sequence[str]]

    def tensors(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        grid, pooled, logits = (
            torch.from_numpy(a[rows].astype(np.float32)) for a in (self.grid, self.pooled, self.logits)
        )
        return grid, pooled, logits


@dataclass(frozen=True)
class Example:
    """A sequence about photo `row`; the first `prompt_length` of its ids are its prompt, the others are to be said."""

    row: int
    ids: list[int]
    prompt_length: int


def train(
    photos: Photos,
    training: Rows,
    held_out: Rows,
    target: Path,
    say: Callable[[str], None],
    epochs: int = EPOCHS,
    begin: Callable[[PictureDecoder, Sequence[Example]], None] | None = None,
) -> dict[str, float]:
    """Train on the rows of `training`, report on `held_out`, write `target`. `begin` may teach it captions first."""
    torch.manual_seed(0)
    dice = np.random.default_rng(0)
    nouns = find_nouns(c for row in training for c in photos.captions[row])
    pairs_of = {int(row): ask_about(photos.captions[row], nouns) for row in (*training, *held_out)}
    things = sorted({p.question.split()[-1] for row in training for p in pairs_of[int(row)] if p.kind == "yesno"})
    for pairs in pairs_of.values():
        pairs += deny(pairs, things, dice)
    words = find_words(photos, training, pairs_of)
    ids = {word: number for number, word in enumerate(words)}
    captions, questions = make_examples(photos, training, pairs_of, ids)
    say(f"{len(captions)} captions, { ({k: len(v) for k, v in questions.items()}) } questions, {len(words)} words")
    decoder = PictureDecoder(len(words))
    if begin is not None:
        begin(decoder, captions)
    steps = epochs * (2 * len(captions) // BATCH + 1)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=SMOOTHING)
    for epoch in range(epochs):
        decoder.train()
        total, batches = 0.0, shuffle(draw(captions, questions, dice), dice)
        for batch in batches:
            prompt_ids, said = pad([e.ids[:-1] for e in batch]), pad([hide(e)[1:] for e in batch])
            scores = decoder(decoder.look(*photos.tensors(np.array([e.row for e in batch]))), prompt_ids)
            loss = loss_of(scores.reshape(-1, len(words)), said.reshape(-1))
            step(loss, decoder, optimizer, schedule)
            total += loss.item()
        say(f"epoch {epoch + 1}/{epochs}: loss {total / len(batches):.3f}")
    decoder.eval()
    numbers = evaluate_captions(decoder, words, photos, training, held_out)
    reliable, shares = evaluate_answers(decoder, ids, photos, held_out, pairs_of, frequent(training, pairs_of))
    numbers |= shares
    save_decoder(decoder, words, reliable, {"held_out": len(held_out), "epochs": epochs, **numbers}, target)
    return numbers


def step(loss: Tensor, decoder: PictureDecoder, optimizer: Any, schedule: Any) -> None:
    """One of gradient descent, none so large that it undoes what was learned."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    optimizer.step()
    schedule.step()


def find_words(photos: Photos, rows: Rows, pairs_of: dict[int, list[Pair]]) -> list[str]:
    """The vocabulary: words of captions and questions that are not rare."""
    counts = Counter(w for row in rows for caption in photos.captions[row] for w in tokenize(caption))
    prompt_ids = Counter(
        w for row in rows for p in pairs_of[int(row)] for w in (*p.question.split(), *p.answer.split())
    )
    return SPECIALS + sorted({w for count in (counts, prompt_ids) for w, c in count.items() if c >= RARE})


def make_examples(
    photos: Photos, rows: Rows, pairs_of: dict[int, list[Pair]], ids: dict[str, int]
) -> tuple[list[Example], dict[str, list[Example]]]:
    """Captions, and questions by kind."""
    captions = [Example(int(row), encode_words(ids, tokenize(c)), 1) for row in rows for c in photos.captions[row]]
    questions: dict[str, list[Example]] = defaultdict(list)
    for row in rows:
        for pair in pairs_of[int(row)]:
            answer = [ids[w] for w in pair.answer.split()[:3] if w in ids]
            if answer:
                prompt_ids = encode_question(ids, pair.question.split())
                questions[pair.kind].append(Example(int(row), [*prompt_ids, *answer, END], len(prompt_ids)))
    return captions, questions


def draw(captions: list[Example], questions: dict[str, list[Example]], dice: np.random.Generator) -> list[Example]:
    """All captions and as many questions, of each kind as many."""
    each = len(captions) // max(len(questions), 1)
    chosen = [kind[i] for kind in questions.values() for i in dice.integers(0, len(kind), each)]
    return captions + chosen


def shuffle(examples: list[Example], dice: np.random.Generator) -> list[list[Example]]:
    """Random batches of sequences of like length, so that little is spent on padding."""
    lengths = np.array([len(e.ids) for e in examples]) + dice.random(len(examples))
    order = np.argsort(lengths)
    starts = dice.permutation(np.arange(0, len(order), BATCH))
    return [[examples[i] for i in order[s : s + BATCH]] for s in starts]


def hide(example: Example) -> list[int]:
    """The prompt is not to be said."""
    return [PAD] * example.prompt_length + example.ids[example.prompt_length :]


def pad(sequences: Sequence[Sequence[int]]) -> Tensor:
    longest = max(len(s) for s in sequences)
    return torch.tensor([[*s, *[PAD] * (longest - len(s))] for s in sequences])


def frequent(rows: Rows, pairs_of: dict[int, list[Pair]]) -> dict[str, str]:
    """Per kind the answer that is right most often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for pair in pairs_of[int(row)]:
            counts[pair.kind][pair.answer] += 1
    return {kind: count.most_common(1)[0][0] for kind, count in counts.items()}


def evaluate_captions(
    decoder: PictureDecoder, words: Sequence[str], photos: Photos, training: Rows, rows: Rows
) -> dict[str, float]:
    """BLEU-4 and CIDEr of beam search on unseen photos; beside it those of the caption of the most similar training
    photo, and of the names of the two likeliest classes.
    """
    from torchvision.models import EfficientNet_B0_Weights

    names = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    known = photos.pooled[training].astype(np.float32)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    said: dict[str, list[list[str]]] = {"": [], "nearest caption ": [], "class names ": []}
    with torch.inference_mode():
        for row in rows:
            picture = decoder.look(*photos.tensors(np.array([row])))
            said[""].append([words[w] for w in beam_search(decoder, picture)[0][0] if w > REPLY])
            nearest = training[int((known @ photos.pooled[row].astype(np.float32)).argmax())]
            said["nearest caption "].append(tokenize(photos.captions[nearest][0]))
            first, second = np.argsort(-photos.logits[row].astype(np.float32))[:2]
            said["class names "].append(tokenize(f"a {names[first]} and a {names[second]}"))
    references = [[tokenize(c) for c in photos.captions[row]] for row in rows]
    return {
        f"{who}{name}": round(scale * float(metric(sentences, references)), 3)
        for who, sentences in said.items()
        for name, scale, metric in (("BLEU-4", 100, bleu4), ("CIDEr", 1, cider))
    }


def evaluate_answers(
    decoder: PictureDecoder,
    ids: dict[str, int],
    photos: Photos,
    rows: Rows,
    pairs_of: dict[int, list[Pair]],
    usual: dict[str, str],
) -> tuple[dict[str, list[list[float]]], dict[str, float]]:
    """Reliability curves, and per kind the share of right answers beside that of the most frequent answer."""
    words = list(ids)
    outcomes: dict[str, list[tuple[float, bool]]] = {kind: [] for kind in KINDS}
    guessed: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    with torch.inference_mode():
        for row in rows:
            picture = decoder.look(*photos.tensors(np.array([row])))
            for (kind, question), answers in by_question(pairs_of[int(row)]).items():
                said, likely = reply(decoder, picture, encode_question(ids, question.split()))
                outcomes[kind].append((likely, is_right(" ".join(words[w] for w in said), answers, kind)))
                guessed[kind].append(is_right(usual.get(kind, ""), answers, kind))
    shares: dict[str, float] = {}
    for kind in KINDS:
        if outcomes[kind]:
            shares[f"{kind} %"] = round(100 * float(np.mean([ok for _, ok in outcomes[kind]])), 1)
            shares[f"{kind}, most frequent answer %"] = round(100 * float(np.mean(guessed[kind])), 1)
    # A kind in which always saying the same does as well was not learned, however sure the decoder is.
    learned = {k for k in outcomes if shares.get(f"{k} %", 0) > LEARNED + shares.get(f"{k}, most frequent answer %", 0)}
    return {k: measure_reliability(found) if k in learned else [] for k, found in outcomes.items()}, shares


def is_right(answer: str, answers: set[str], kind: str) -> bool:
    """For an action its verb is enough: captions name it with and without its object."""
    if kind == "action":
        return answer.split()[:1] in [a.split()[:1] for a in answers]
    return answer in answers


def measure_reliability(outcomes: Sequence[tuple[float, bool]]) -> list[list[float]]:
    """(probability, share of right answers from there on up to the next), rising; careful where there are few."""
    ordered = sorted(outcomes)
    size = max(1, -(-len(ordered) // BINS))
    bins = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    careful = [(sum(ok for _, ok in b) + 0.5) / (len(b) + 2) for b in bins]
    rising: list[float] = np.maximum.accumulate(careful).tolist() if careful else []
    return [[round(b[0][0], 4), round(float(share), 3)] for b, share in zip(bins, rising, strict=True)]
