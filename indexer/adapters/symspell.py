"""SymSpell's English dictionary: words that OCR ran together are told apart, and mistyped ones noticed."""

import re
from functools import cached_property
from importlib.resources import files
from typing import Any

_GLUED = re.compile(r"[A-Za-z]{7,}")
_AFTER_NUMBER = re.compile(r"(?<=\d)(?=[A-Z][A-Za-z]{2,})")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PART = 4  # letters of each half of "SnowTubing": brand names ("YouTube") have shorter ones
_NO_NAME = 14  # letters: a word that begins with a capital and is shorter may be one
_MEAN = 3.5  # letters a word, on average, of what is split without capitals


class WordSplitter:
    """ "CrystalMountain" -> "Crystal Mountain", "2013Brandon" -> "2013 Brandon", "openthedoor" -> "open the door"."""

    @cached_property
    def _dictionary(self) -> Any:
        from symspellpy import SymSpell

        known = SymSpell(max_dictionary_edit_distance=0)
        known.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)
        return known

    def split(self, line: str) -> str:
        """A line with spaces where words meet; words that are known are left alone."""
        return _GLUED.sub(lambda match: self._split(match[0]), _AFTER_NUMBER.sub(" ", line))

    def _split(self, word: str) -> str:
        if word.lower() in self._dictionary.words:
            return word
        humps = _HUMP.split(word)
        if len(humps) > 1:
            return " ".join(humps) if min(map(len, humps)) >= _PART or len(humps) > 2 else word
        if word[0].isupper() and not word.isupper() and len(word) < _NO_NAME:
            return word  # more often a name than words run together
        found = self._dictionary.word_segmentation(word.lower(), max_edit_distance=0).segmented_string.split()
        sound = all(part in self._dictionary.words and (len(part) > 1 or part in "ai") for part in found)
        if not sound or len(word) / len(found) < _MEAN:
            return word
        pieces, at = [], 0
        for part in found:
            pieces.append(word[at : at + len(part)])
            at += len(part)
        return " ".join(pieces)


class EnglishWords:
    """82,765 words by how common they are."""

    @cached_property
    def _ranks(self) -> dict[str, int]:
        lines = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig").splitlines()
        return {line.split(" ")[0]: number for number, line in enumerate(lines)}

    def __contains__(self, word: str) -> bool:
        return word in self._ranks

    def rank(self, word: str) -> int:
        """0 for the commonest."""
        return self._ranks[word]

    @cached_property
    def by_length(self) -> dict[int, list[str]]:
        """The words of each length."""
        found: dict[int, list[str]] = {}
        for word in self._ranks:
            found.setdefault(len(word), []).append(word)
        return found
