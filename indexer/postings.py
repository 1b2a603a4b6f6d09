"""Building a lexical index: documents in one stream of positions, sorted by word, weighed, and keys of the words."""

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.alternates import MARK
from indexer.documents import Document
from indexer.word_forms import part_keys, sound_key, whole_keys

SATURATION, LENGTH = 1.5, 0.75  # k1 and b of BM25 (Robertson & Zaragoza 2009)
PART, SOUND = "~", "%"  # before keys that only a part of a word has, and that words of one sound share

Parts = dict[str, npt.NDArray[Any]]  # arrays of several kinds by name


def build(documents: Iterable[tuple[Document, str]]) -> Parts:
    """The arrays of a `LexicalIndex`, of documents each with the language of its speech."""
    number: dict[str, int] = {}
    words: list[int] = []  # of every token in the stream
    lengths: list[tuple[int, ...]] = []  # tokens of each field
    languages: list[str] = []
    for document, language in documents:
        fields = [field.split() for field in astuple(document)]
        words += [number.setdefault(word, len(number)) for field in fields for word in field]
        lengths.append(tuple(map(len, fields)))
        languages.append(language)
    vocabulary = sorted(number)
    renumbered = np.zeros(len(number), np.int64)
    renumbered[[number[word] for word in vocabulary]] = np.arange(len(number))
    stream = _lay(np.array(lengths, np.int64).reshape(-1, len(astuple(Document()))))
    word_of = renumbered[np.array(words, np.int64)]
    postings = _sort(word_of, stream, len(vocabulary))
    spoken_in = _find_languages(postings, languages)
    keys = _make_keys(vocabulary, spoken_in)
    return postings | {
        "row_starts": stream["row_starts"],
        "title_ends": stream["title_ends"],
        "words": pack(vocabulary),
        "languages": pack(sorted({*languages} - {""})),
        "keys": pack(list(keys)),
        "key_starts": np.cumsum([0, *map(len, keys.values())]),
        "key_words": np.array([word for numbers in keys.values() for word in numbers], np.int32),
    }


def _lay(lengths: npt.NDArray[np.int64]) -> Parts:
    """Positions of all tokens, of documents whose fields have these lengths (n, 5): one place stays free behind every
    field but speech, which goes on in the tail. What stands in a tail does not count as held.
    """
    gaps = np.array([1, 1, 0, 1, 1])
    ends = np.cumsum((lengths + gaps).ravel())
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    flat = lengths.ravel()
    field = np.repeat(np.arange(len(flat)), flat)  # of every token
    within = np.arange(len(field)) - np.repeat(np.cumsum(flat) - flat, flat)
    size = lengths.shape[1]
    return {
        "positions": (starts[field] + within).astype(np.uint32),
        "rows": (field // size).astype(np.int32),
        "counted": field % size != 3,
        "row_starts": starts[::size].astype(np.uint32),
        "title_ends": (starts[::size] + lengths[:, 0]).astype(np.uint32),
        "lengths": lengths.sum(1) - lengths[:, 3],
    }


def _sort(word_of: npt.NDArray[np.int64], stream: Parts, vocabulary: int) -> Parts:
    """Positions by word, and rows by word with what it weighs there: BM25 without the word's rarity."""
    order = np.argsort(word_of, kind="stable")
    word, rows, counted = word_of[order], stream["rows"][order], stream["counted"][order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (word[1:] != word[:-1]) | (rows[1:] != rows[:-1])
    at = np.flatnonzero(first)
    counts = np.add.reduceat(counted.astype(np.int64), at) if len(at) else np.zeros(0, np.int64)
    lengths = stream["lengths"].astype(np.float64)
    relative = lengths[rows[at]] / max(float(lengths.mean()) if len(lengths) else 1.0, 1.0)
    damped = counts * (SATURATION + 1) / (counts + SATURATION * (1 - LENGTH + LENGTH * relative))
    return {
        "positions": stream["positions"][order],
        "position_starts": np.searchsorted(word, np.arange(vocabulary + 1)),
        "rows": rows[at],
        "weights": damped.astype(np.float32),
        "starts": np.searchsorted(word[at], np.arange(vocabulary + 1)),
    }


def _find_languages(postings: Parts, languages: list[str]) -> list[set[str]]:
    """In which languages each word was said."""
    names = sorted(set(languages))
    code = np.array([names.index(language) for language in languages], np.int64)
    starts = postings["starts"]
    word = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    found: list[set[str]] = [set() for _ in range(len(starts) - 1)]
    for pair in np.unique(word * max(len(names), 1) + code[postings["rows"]]) if len(word) else ():
        found[pair // len(names)].add(names[pair % len(names)])
    return found


def _make_keys(vocabulary: list[str], spoken_in: list[set[str]]) -> dict[str, list[int]]:
    """Key -> the words that have it."""
    keys: dict[str, dict[int, None]] = {}
    for number, (written, languages) in enumerate(zip(vocabulary, spoken_in, strict=True)):
        word, before = (written[len(MARK) :], PART) if written.startswith(MARK) else (written, "")
        found = [before + key for key in whole_keys(word, languages - {""})]
        found += [PART + key for key in part_keys(word)]
        if not before and (sound := sound_key(word)):
            found.append(SOUND + sound)
        for key in found:
            keys.setdefault(key, {})[number] = None
    return {key: list(numbers) for key, numbers in keys.items()}


def pack(words: list[str]) -> npt.NDArray[np.uint8]:
    """For `unpack`; no word holds a line break."""
    return np.frombuffer("\n".join(words).encode(), np.uint8)


def unpack(packed: npt.NDArray[np.uint8]) -> list[str]:
    text = packed.tobytes().decode()
    return text.split("\n") if text else []
