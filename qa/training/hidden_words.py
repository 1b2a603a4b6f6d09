"""Pre-training of the decoder by hidden words, compared with none: `manage.py train hidden-words --data DIR`. It is not
in use: the table in `webapp/benchmarks/README.md` says why.

Of each caption some words are hidden and guessed from those on either side and from the picture: Devlin et al. 2019,
BERT, https://arxiv.org/abs/1810.04805; with pictures, and one network for guessing and writing, Zhou et al. 2020,
Unified Vision-Language Pre-Training, https://arxiv.org/abs/1909.11059.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from qa.adapters.picture_decoder import PAD, REPLY, UNKNOWN, PictureDecoder
from qa.training.decoder import BATCH, LEARNING_RATE, Example, Photos, Rows, pad, shuffle, step, train

SHARE = 0.15  # of the words are to be guessed,
HIDDEN, SWAPPED = 0.8, 0.1  # of which so many are hidden and so many replaced; the others stay: as in BERT
EPOCHS = 4  # of either way together
# Of these, spent on hidden words: twice over the captions costs what one pass over captions and questions does.
MASKED = 1


def compare(
    photos: Photos, training: Rows, held_out: Rows, folder: Path, say: Callable[[str], None], epochs: int = EPOCHS
) -> dict[str, float]:
    """Both ways cost the same number of steps. Writes a decoder of each into `folder`; numbers are those of
    `decoder.train` on the photos held out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = train(photos, training, held_out, folder / "plain.safetensors", say, epochs)
    begin = partial(pretrain, photos=photos, passes=2 * MASKED, say=say)
    masked = train(photos, training, held_out, folder / "masked.safetensors", say, epochs - MASKED, begin)
    return {f"{name}, {way}": row[name] for name in plain for way, row in (("plain", plain), ("masked", masked))}


def pretrain(
    decoder: PictureDecoder, captions: Sequence[Example], photos: Photos, passes: int, say: Callable[[str], None]
) -> None:
    """Guess hidden words, `passes` times over the captions."""
    dice = np.random.default_rng(3)
    steps = passes * (len(captions) // BATCH + 1)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(ignore_index=PAD)
    for each in range(passes):
        decoder.train()
        total, batches = 0.0, shuffle(list(captions), dice)
        for batch in batches:
            ids, wanted = hide_words(pad([e.ids for e in batch]), decoder.words.num_embeddings)
            scores = guess(decoder, decoder.look(*photos.tensors(np.array([e.row for e in batch]))), ids)
            loss = loss_of(scores.reshape(-1, scores.shape[-1]), wanted.reshape(-1))
            step(loss, decoder, optimizer, schedule)
            total += loss.item()
        say(f"hidden words {each + 1}/{passes}: loss {total / len(batches):.3f}")


def hide_words(ids: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """Word ids (n, t) -> those with some hidden or replaced, and what was there (n, t), `PAD` where none is asked."""
    chosen = (torch.rand(ids.shape) < SHARE) & (ids > REPLY)
    wanted = torch.where(chosen, ids, PAD)
    lot = torch.rand(ids.shape)
    others = torch.randint(REPLY + 1, vocabulary, ids.shape)
    hidden = torch.where(chosen & (lot < HIDDEN), UNKNOWN, ids)
    return torch.where(chosen & (lot >= HIDDEN) & (lot < HIDDEN + SWAPPED), others, hidden), wanted


def guess(decoder: PictureDecoder, picture: Tensor, ids: Tensor) -> Tensor:
    """Picture tokens (n, 11, width), word ids (n, t) -> scores (n, t, vocabulary), each word with a look at all others:
    writing, the decoder sees only those before.
    """
    placed = decoder.dropout(decoder.words(ids) + decoder.positions[: ids.shape[1]])
    hidden = decoder.layers(placed, picture, tgt_key_padding_mask=ids == PAD)
    scores: Tensor = hidden @ decoder.words.weight.T
    return scores
