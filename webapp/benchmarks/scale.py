"""Search at the sizes that a library may grow to: made-up moments, the real index, words, encoders and permissions.

Vectors follow the model of CLIP-like spaces: a cone (a common offset) around a 96-dimensional latent with decaying
variance, 400 topics, 60 moments a video; words follow Zipf's law. Recall is against an exact scan of the full vectors.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.calibration import BACKGROUND
from indexer.documents import Document
from indexer.expansion import Lexicon, Word
from indexer.fusion import Concatenation
from indexer.lexical import LexicalIndex
from indexer.measures import Record
from indexer.snapshot import TEXT_BLOCK_WEIGHT, Shelf
from indexer.tokens import tokenize
from indexer.types import Ids, Mask, Space, Vectors
from webapp import engine
from webapp.benchmarks import lexical
from webapp.index import recipes, snapshot
from webapp.search.candidates import CANDIDATES_PER_CHANNEL

SIZES = (10_000, 100_000, 1_000_000)
QUERIES = 200
PER_VIDEO = 60
TOP = 10
WEIGHTS = {"visual": 1.0, "text": 0.75 * TEXT_BLOCK_WEIGHT}
VOCABULARY = 50_000
FEW = 0.01  # share of the videos that a person with few rights may see


Asked = tuple[tuple[Vectors, ...], list[str]]  # the vectors and the words of a query


@dataclass(frozen=True)
class Made:
    """n made-up moments: fused vectors, videos, words; `rows` that are asked for, and what they would say and show."""

    vectors: Vectors
    videos: Ids
    lines: list[str]
    rows: Ids
    asked: Vectors


def scale(sizes: Sequence[int] = SIZES) -> Iterator[Record]:
    """Per size: build, size, p50 and p95 of each channel and of a whole query, recall; for all and for few rights."""
    encode = _encoder()
    for count in sizes:
        dice = np.random.default_rng(1)
        made = make(count, dice)
        queries = ask(made, dice)
        begun = time.process_time()
        vectors = snapshot.index_class()(made.vectors, np.arange(count))
        built = time.process_time() - begun
        begun = time.process_time()
        words = LexicalIndex((Document(speech=line), "en") for line in made.lines)
        shelf = Shelf.of(np.arange(count), made.videos, vectors, words)
        yield {
            "bench": f"index of {count:,}",
            "vectors CPU s": round(built, 1),
            "words CPU s": round(time.process_time() - begun, 1),
            "vectors MB": round(lexical.measure_dump(vectors) / 1e6),
            "words MB": round(lexical.measure_dump(words) / 1e6),
        }
        everyone = np.unique(made.videos)
        for name, may_see in (("all visible", everyone), ("1 % visible", everyone[:: round(1 / FEW)])):
            yield {"bench": f"query of {count:,}, {name}", **measure(made, shelf, queries, may_see, encode)}
        yield from lexical.compare(made.lines, made.videos, [words for _, words in queries])


def make(count: int, dice: np.random.Generator) -> Made:
    videos = np.arange(count) // PER_VIDEO
    home = dice.normal(size=(400, 96)).astype(np.float32)[dice.integers(0, 400, videos[-1] + 1)]
    home += 0.7 * dice.normal(size=home.shape).astype(np.float32)
    blocks = []
    for dim in (384, 384):  # what is said in a video is about what is seen in it
        basis = dice.normal(size=(96, dim)).astype(np.float32) * (0.97 ** np.arange(96, dtype=np.float32))[:, None]
        latent = home[videos] + 0.5 * dice.normal(size=(count, 96)).astype(np.float32)
        block = latent @ basis + 3.0 * dice.normal(size=dim).astype(np.float32)
        blocks.append(block / np.linalg.norm(block, axis=1, keepdims=True))
    rows = dice.integers(0, count, QUERIES)
    asked = np.concatenate([block[rows] for block in blocks], 1)
    blocks[1][dice.random(count) < 0.4] = 0.0  # nothing is said there
    drawn = np.minimum(dice.zipf(1.2, size=(count, 12)), VOCABULARY)
    spelled = [spell(n) for n in range(VOCABULARY + 1)]
    lines = [" ".join(spelled[n] for n in row) for row in drawn.tolist()]
    return Made(np.concatenate(blocks, 1).astype(np.float32), videos, lines, rows, asked)


def spell(number: int) -> str:
    """A word of its own for every number, the common ones short: "baba", "babe"."""
    syllables = [consonant + vowel for consonant in "bdfghjklmnprtvz" for vowel in "aeiou"]
    number, word = number + len(syllables), ""
    while number:
        number, at = divmod(number, len(syllables))
        word = syllables[at] + word
    return word


def ask(made: Made, dice: np.random.Generator) -> list[Asked]:
    """Moments with noise, asked twice as `Snapshot.propose` does, and four words of each: two that follow each other,
    one of which is rare, a common one and a middling one.
    """
    queries, fusion = [], Concatenation({space: Space("", 384) for space in WEIGHTS})
    for row, vector in zip(made.rows.tolist(), made.asked, strict=True):
        noisy = vector + 0.6 * dice.normal(size=len(vector)).astype(np.float32) / np.sqrt(384)
        blocks = {"visual": noisy[:384], "text": noisy[384:]}
        blocks = {space: block / np.linalg.norm(block) for space, block in blocks.items()}
        line = made.lines[row].split()
        said = sorted(set(line), key=lambda word: (len(word), word))
        at = max(0, line.index(said[-1]) - 1)
        both = tuple(fusion.fuse_query(blocks, weights) for weights in (WEIGHTS, {**WEIGHTS, "visual": 0.0}))
        queries.append((both, [line[at], line[at + 1], said[0], said[len(said) // 2]]))
    return queries


def measure(
    made: Made,
    shelf: Shelf,
    queries: list[Asked],
    may_see: Ids,
    encode: Callable[[int], None],
) -> Record:
    """Milliseconds of wall time in this process."""
    parts = ("encode", "rights", "vectors", "words", "phrase", "mistyped", "whole")
    taken: dict[str, list[float]] = {part: [] for part in parts}
    found: list[list[set[int]]] = []
    mask: Mask = shelf.mask(may_see)
    for number, (vectors, words) in enumerate(queries):
        marks = [time.perf_counter()]
        encode(number)
        marks.append(time.perf_counter())
        mask = shelf.mask(may_see)
        marks.append(time.perf_counter())
        hits = shelf.vectors.search(np.stack(vectors), CANDIDATES_PER_CHANNEL, mask)
        marks.append(time.perf_counter())
        lexicon = Lexicon([(shelf.lexical, mask)])
        shelf.lexical.search(lexicon.expand([Word((w,)) for w in words]), CANDIDATES_PER_CHANNEL, mask)
        marks.append(time.perf_counter())
        shelf.lexical.search([lexicon.quote(" ".join(words[:2]))], CANDIDATES_PER_CHANNEL, mask)
        marks.append(time.perf_counter())
        lexicon.find_nearest(max(words, key=len)[:-1] + "q")
        marks.append(time.perf_counter())
        found.append([{hit.segment for hit in some[:TOP]} for some in hits])
        for part, (a, b) in zip(taken, [*itertools.pairwise(marks), (marks[0], marks[-1])], strict=True):
            taken[part].append(1000 * (b - a))
    allowed = np.flatnonzero(mask)
    record: Record = {}
    for place, name in enumerate(("seen and said", "said")):
        exact = [set(allowed[_best(made.vectors, allowed, vectors[place])].tolist()) for vectors, _ in queries[:50]]
        recall = np.mean([len(a[place] & b) / len(b) for a, b in zip(found, exact, strict=False)])
        record[f"recall@{TOP}, {name}"] = round(float(recall), 3)
    for part, values in taken.items():
        p50, p95 = (round(float(np.percentile(values, p)), 1) for p in (50, 95))
        record |= {f"{part} p50 ms": p50, f"{part} p95 ms": p95}
    return record


def _best(vectors: Vectors, allowed: Ids, query: Vectors) -> Ids:
    scores = vectors @ query if len(allowed) == len(vectors) else vectors[allowed] @ query
    return np.asarray(np.argsort(-scores)[:TOP])


def _encoder() -> Callable[[int], None]:
    """A query through the real text towers, never the same twice."""
    recipe = recipes.active()
    picture_encoder, sentence_encoder = engine.pictures(recipe), engine.sentences(recipe)

    unique = itertools.count(1)  # no cache has seen it

    def encode(number: int) -> None:
        text = f"{BACKGROUND[number % len(BACKGROUND)]} {next(unique)}"
        picture_encoder.encode_texts([text])
        sentence_encoder.encode_queries([text])
        tokenize(text)

    encode(0)
    return encode
