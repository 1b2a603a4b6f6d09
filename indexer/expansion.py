"""A query's words in all the forms in which this library has them: inflected, joined, split, mistyped, heard.

All of it from the words of the rows that a person may see, so that nothing is told of the others.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
import regex

from indexer.lexical import PART_WEIGHT, LexicalIndex, Term
from indexer.tokens import STOP, cut_japanese, find_runs, segment, split_run, tokenize
from indexer.types import Mask

SOUND_WEIGHT = 0.5  # of a word that only sounds like the typed one
MIN_SPLIT = 4  # letters of a word that may be two
MAX_NEAREST = 5  # corrections and completions that are worth a look
MAX_BEGINNINGS, MAX_FOLLOWING = 300, 50  # words with a beginning that are counted, alone and behind another word
_OKURIGANA = regex.compile(r"^(\p{Han}+)\p{Hiragana}+$")
_LITTLE = regex.compile(r"^\p{Hiragana}{1,2}$")  # particles and endings, mostly


@dataclass(frozen=True)
class Word:
    """A word of a query: tokens that follow each other, one but for characters; other ways to write it weigh less."""

    tokens: tuple[str, ...]
    variants: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.tokens)


def find_words(text: str) -> list[Word]:
    """Each once; stop words only where there are no others: "the dogs" -> dogs, "to be or not to be" -> to, be, or…"""
    words = list(dict.fromkeys(_words_of(text)))
    telling = [word for word in words if word.text not in STOP and not _LITTLE.match("".join(word.tokens))]
    return telling or words


def _words_of(text: str) -> Iterator[Word]:
    for run in find_runs(text):
        if run.kind != "characters":
            yield from (Word((token.text,)) for token in split_run(run))
            continue
        for piece in cut_japanese(run.text) if run.is_japanese else segment(run.text):
            tokens = tuple(token.text for token in tokenize(piece))
            stem = _OKURIGANA.match(piece)
            yield Word(tokens, (" ".join(token.text for token in tokenize(stem[1])),) if stem else ())
            if len(tokens) > 1 and not run.is_japanese:
                yield from (Word((token,)) for token in tokens)


@dataclass(frozen=True)
class Lexicon:
    """The words of the rows that a person may see."""

    shelves: Sequence[tuple[LexicalIndex, Mask]]

    @cached_property
    def languages(self) -> frozenset[str]:
        return frozenset[str]().union(*(index.languages for index, _ in self.shelves))

    def count(self, form: str) -> int:
        """How many rows that may be seen hold a word, or words that follow each other."""
        return sum(index.count_rows(form, allowed) for index, allowed in self.shelves)

    def occurs(self, form: str) -> bool:
        return any(index.occurs(form, allowed) for index, allowed in self.shelves)

    def expand(self, words: Sequence[Word]) -> tuple[Term, ...]:
        """The words with their forms. One that has none may be two words, or sound like another."""
        forms = [self._find_forms(word) for word in words]
        for (one, two), (here, there) in zip(pairwise(words), pairwise(forms), strict=True):
            if len(one.tokens) == len(two.tokens) == 1:
                joined = self._find_visible(one.text + two.text)
                here |= joined
                there |= joined
        return tuple(self._weigh(word.text, found) for word, found in zip(words, forms, strict=True))

    def quote(self, phrase: str) -> Term:
        """Words that have to follow each other as they are written."""
        tokens = " ".join(token.text for token in tokenize(phrase))
        return self._weigh(tokens, {tokens: 1.0} if tokens else {})

    def _find_forms(self, word: Word) -> dict[str, float]:
        found = self.find_written(word)
        if not found and len(word.tokens) == 1:
            alike = {form for index, _ in self.shelves for form in index.find_alike(word.text)}
            found = {form: SOUND_WEIGHT for form in alike if self.occurs(form)}
        return found

    def find_written(self, word: Word) -> dict[str, float]:
        """The forms of a word as it is typed, or as two words."""
        if len(word.tokens) > 1 or word.variants:
            known = {word.text: 1.0, **dict.fromkeys(word.variants, PART_WEIGHT)}
            return {form: weight for form, weight in known.items() if self.occurs(form)}
        return self._find_visible(word.text) or dict.fromkeys(self._split(word.text), 1.0)

    def _find_visible(self, word: str) -> dict[str, float]:
        found = [index.find_forms(word, self.languages) for index, _ in self.shelves]
        return {form: weight for forms in found for form, weight in forms.items() if self.occurs(form)}

    def _split(self, word: str) -> Iterator[str]:
        """Ways in which a word is written as two: "whitehouse" -> "white house", "email" -> "e mail"."""
        if len(word) >= MIN_SPLIT:
            ways = (f"{word[:cut]} {word[cut:]}" for cut in range(1, len(word)))
            yield from (way for way in ways if self.occurs(way))

    def _weigh(self, text: str, forms: Mapping[str, float]) -> Term:
        index, _ = max(self.shelves, key=lambda shelf: len(shelf[0]))
        held = min(len(index), sum(index.count_rows(form) for form in forms))
        return Term(text, forms, float(np.log(1 + (len(index) + 1) / (held + 0.5))))

    def find_beginning(self, start: str, before: str = "") -> list[str]:
        """Words that begin so, those first that often follow the word `before`, then those that many rows hold; only a
        few hundred of them are looked at.
        """
        known = dict.fromkeys(
            word for index, _ in self.shelves for word in islice(index.find_beginning(start), MAX_BEGINNINGS)
        )
        counts = {word: self.count(word) for word in known if word != start}
        telling = sorted((word for word in counts if counts[word]), key=lambda word: (-counts[word], word))
        if before:
            following = {word: self.count(f"{before} {word}") for word in telling[:MAX_FOLLOWING]}
            telling = sorted(telling[:MAX_FOLLOWING], key=lambda word: (-following[word], -counts[word], word))
        return telling[:MAX_NEAREST]

    def find_nearest(self, word: str) -> list[str]:
        """Words that are written where this person may see it and that `word` may have been meant for, best first."""
        near = {form: far for index, _ in self.shelves for form, far in find_nearest(word, index.words_by_length)}
        counts = {form: self.count(form) for form in near}
        fits = [form for form in near if counts[form]]
        return sorted(fits, key=lambda form: (near[form], form[0] != word[0], -counts[form], form))[:MAX_NEAREST]


def find_nearest(word: str, by_length: Mapping[int, Collection[str]]) -> Iterable[tuple[str, int]]:
    """Words within as many mistakes as one makes in a word of this length (letters left out, added, changed or swapped:
    optimal string alignment), with their number: 1 from 4 letters on, 2 from 6.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    allowed = allowed_mistakes(word)
    for length in range(len(word) - allowed, len(word) + allowed + 1) if allowed else ():
        found = process.extract(
            word, by_length.get(length, ()), scorer=OSA.distance, processor=None, score_cutoff=allowed, limit=20
        )
        yield from ((form, int(far)) for form, far, _ in found)


def allowed_mistakes(word: str) -> int:
    return 0 if len(word) < 4 else 1 if len(word) < 6 else 2
