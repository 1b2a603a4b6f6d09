"""Mistyped words: what else they may have been meant for, in the words that this person may see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from indexer.expansion import Lexicon, Word, find_nearest
from indexer.tokens import STOP, tokenize
from webapp import engine

# Letters from which on one or two mistakes still leave no doubt about the word. Shorter ones are only asked about.
MIN_SURE = {1: 5, 2: 8}


@dataclass(frozen=True)
class Correction:
    """A folded word that is nowhere, and a better one; `applied` where it is searched instead, else a suggestion."""

    typed: str
    better: str
    applied: bool


def correct(text: str, lexicon: Lexicon, phrases: Sequence[str] = ()) -> Iterator[Correction]:
    """Of the words of `text` that occur nowhere and that English does not know either; nothing inside of `phrases`."""
    quoted = {token.text for phrase in phrases for token in tokenize(phrase)}
    for word in dict.fromkeys(token.text for token in tokenize(text)):
        if word in quoted or word in STOP or not word.isalpha() or lexicon.find_written(Word((word,))):
            continue
        english = engine.english_words()
        if word in english:
            continue
        found = lexicon.find_nearest(word)
        if found:
            far = OSA.distance(word, found[0])
            yield Correction(word, found[0], len(word) >= MIN_SURE.get(far, 99) and word[0] == found[0][0])
        elif near := sorted(find_nearest(word, english.by_length), key=lambda pair: (pair[1], english.rank(pair[0]))):
            yield Correction(word, near[0][0], False)
