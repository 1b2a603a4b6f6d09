"""Extractive summaries: the sentences nearest to what the whole is about, without saying anything twice."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from qa.reader import cite
from qa.types import Chapter, Evidence, Sentence

DIVERSITY_WEIGHT = 0.4  # MMR's trade-off (Carbonell & Goldstein 1998, https://doi.org/10.1145/290941.291025)
MIN_WORDS = 3  # words: "Yes." sums up nothing
MAX_DETAIL_SHARE = 0.75  # share of a chapter's sentences that a detailed summary keeps, and never more than
MAX_SENTENCES_A_CHAPTER = 10
MAX_SHORT_SHARE, MIN_SHORT_CHARACTERS = 0.25, 120  # of a short summary


def summarize(pieces: Sequence[Evidence], vectors: npt.NDArray[np.float32], most: int, lead: int = 0) -> list[Sentence]:
    """At most `most` sentences in the order of time, each citing its moment; the first `lead` are among them.
    `vectors` is (n, d), unit length.
    """
    first = {p.text: i for i, p in reversed(list(enumerate(pieces)))}  # captions of like pictures are the same
    usable = sorted(i for t, i in first.items() if len(t.split()) >= MIN_WORDS or len(t) > 12)
    if not usable:
        return []
    chosen = pick_diverse(vectors[usable], min(most, len(usable)), range(min(lead, most, len(usable))))
    picked = sorted((pieces[usable[i]] for i in chosen), key=lambda p: p.start)
    return [Sentence(p.text.strip(), [cite(p)]) for p in picked]


def shorten(sentences: Sequence[Sentence], pieces: Sequence[Evidence]) -> list[Sentence]:
    """The shorter ones of `sentences` that together take `MAX_SHORT_SHARE` of what the pieces say; one at least, all of
    a few words.
    """
    budget = max(MIN_SHORT_CHARACTERS, MAX_SHORT_SHARE * sum(len(p.text) for p in pieces))
    kept: list[Sentence] = []
    for sentence in sorted(sentences, key=lambda s: len(s.text)):
        if not kept or sum(len(s.text) for s in kept) + len(sentence.text) <= budget:
            kept.append(sentence)
    return [sentence for sentence in sentences if sentence in kept]


def summarize_chapters(
    pieces: Sequence[Evidence], vectors: npt.NDArray[np.float32], chapters: Sequence[Chapter]
) -> list[Sentence]:
    """Every chapter summed up by itself, so that an hour costs no more per minute than a minute, and each has its say.
    A piece belongs to the chapter that holds its middle. The sentence that opens a chapter is kept: who and what it is
    about is named there, and far from the chapter's centre as often as not.
    """
    said: list[Sentence] = []
    middles = np.array([(p.start + p.end) / 2 for p in pieces])
    for number, chapter in enumerate(chapters):
        last = number == len(chapters) - 1
        inside = np.flatnonzero((middles >= chapter.start) & ((middles < chapter.end) | last)).tolist()
        most = min(MAX_SENTENCES_A_CHAPTER, math.ceil(MAX_DETAIL_SHARE * len(inside)))
        said += summarize([pieces[i] for i in inside], vectors[inside], most, lead=1)
    return said


def pick_diverse(vectors: npt.NDArray[np.float32], most: int, first_rows: Iterable[int] = ()) -> list[int]:
    """Rows by maximal marginal relevance to the centre of all rows, after those that are `given`."""
    centre = vectors.mean(0)
    relevance = vectors @ centre / max(float(np.linalg.norm(centre)), 1e-6)
    chosen = list(first_rows)
    while len(chosen) < most:
        said = (vectors @ vectors[chosen].T).max(1) if chosen else np.zeros(len(vectors), np.float32)
        gain = (1 - DIVERSITY_WEIGHT) * relevance - DIVERSITY_WEIGHT * said
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return chosen
