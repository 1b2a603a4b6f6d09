"""The library's vectors in memory: an immutable snapshot per recipe, swapped by one assignment.

The database is the truth. A snapshot is a generation from disk (verified, or else nothing), plus an exact index of the
segments that are newer than it, minus those that were deleted since. Without a generation everything is "newer": that
is the exact scan of the database to which a damaged index falls back.
"""

import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from indexer import fusion
from indexer.calibration import NEUTRAL, Calibration
from indexer.errors import BadVectors
from indexer.generations import GenerationStore, Manifest
from indexer.lexical import LexicalIndex
from indexer.ports import VectorIndex
from indexer.types import Hit, Ids, Mask, Vectors
from webapp import engine
from webapp.index import recipes
from webapp.models import IndexState, Recipe, Segment, Tombstone
from webapp.pipeline.embed import unpack

log = logging.getLogger(__name__)

FORMAT = 4  # of a generation's parts: raise it with them, and every installation builds new ones

_swap = threading.Lock()
_current: dict[int, "Snapshot"] = {}  # recipe -> its snapshot


@dataclass(frozen=True)
class Rows:
    """Segments in one order: ids (n,), their videos (n,), blocks {"visual": (n, dv), "text": (n, dt)}, their terms."""

    ids: Ids
    videos: Ids
    blocks: dict[str, Vectors]
    terms: list[list[str]]


@dataclass(frozen=True)
class Shelf:
    """Segments in one order and what finds them. Segment i belongs to video `videos[homes[i]]`; dead ones are gone."""

    segments: Ids
    videos: Ids
    homes: Ids
    alive: Mask
    vectors: VectorIndex
    words: LexicalIndex

    def mask(self, may_see: Ids) -> Mask:
        """(n,): the segments of these videos."""
        return np.asarray(np.isin(self.videos, may_see, kind="sort")[self.homes] & self.alive, np.bool_)


@dataclass(frozen=True)
class Base:
    """A generation in memory, and the mean look (dv,) and meaning (dt,) of each video."""

    number: int
    sequence: int
    shelf: Shelf
    looks: dict[int, Vectors]
    meanings: dict[int, Vectors]


@dataclass(frozen=True)
class Snapshot:
    """All searchable segments at one moment: a generation, and what is newer."""

    sequence: int
    recipe: Recipe
    base: Base
    shelves: tuple[Shelf, Shelf]
    calibration: Calibration
    looks: dict[int, Vectors]  # mean visual vector (dv,) of each video
    meanings: dict[int, Vectors]  # mean text vector (dt,) of each video

    @cached_property
    def ids(self) -> Ids:
        return np.concatenate([shelf.segments[shelf.alive] for shelf in self.shelves])

    @cached_property
    def videos(self) -> Ids:
        """Of each of `ids`."""
        return np.concatenate([shelf.videos[shelf.homes[shelf.alive]] for shelf in self.shelves])

    def masks(self, may_see: Ids) -> tuple[Mask, Mask]:
        """What a person who may see these videos may find, per shelf."""
        base, delta = self.shelves
        return base.mask(may_see), delta.mask(may_see)

    def search(self, query: Vectors, k: int, masks: tuple[Mask, Mask]) -> list[Hit]:
        """Best `k` by vector, best first: over generation and what is newer together."""
        found = zip(self.shelves, masks, strict=True)
        hits = [hit for shelf, mask in found for hit in shelf.vectors.search(query, k, mask)]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def look_up(self, terms: Sequence[str], k: int, masks: tuple[Mask, Mask]) -> list[Hit]:
        """Best `k` by their words."""
        found = zip(self.shelves, masks, strict=True)
        hits = [Hit(int(s.segments[row]), score) for s, mask in found for row, score in s.words.search(terms, k, mask)]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def rarity(self, terms: Sequence[str]) -> dict[str, float]:
        """How rare each term is in the larger shelf."""
        return max(self.shelves, key=lambda shelf: len(shelf.words)).words.rarity(terms)


@cache
def store() -> GenerationStore:
    return GenerationStore(settings.KINOSCOPE_HOME / "index")


def index_class() -> type[VectorIndex]:
    return import_string(settings.KINOSCOPE_INDEX)  # type: ignore[no-any-return]


def snapshot(recipe: Recipe | None = None) -> Snapshot:
    """The current snapshot of the active recipe (or of the one given); readers keep theirs while a newer one comes."""
    recipe = recipe or recipes.active()
    seen = _current.get(recipe.pk)
    if seen is not None and seen.sequence == sequence_now():
        return seen
    with _swap:
        for _ in range(5):
            before = sequence_now()
            seen = _current.get(recipe.pk)
            if seen is None or seen.sequence != before:
                seen = load(recipe, before, seen.base if seen else None)
            if sequence_now() == before:  # else it changed while we read, and rows may be missing from both sides
                break
        assert seen is not None
        _current[recipe.pk] = seen
        for gone in set(_current) - set(Recipe.objects.values_list("pk", flat=True)):
            del _current[gone]
        return seen


def sequence_now() -> int:
    return IndexState.objects.values_list("sequence", flat=True).filter(pk=1).first() or 0


def load(recipe: Recipe, sequence: int, known: Base | None) -> Snapshot:
    """Read what is newer than the newest generation; `known` is the one in memory, kept while none is newer."""
    recipe.refresh_from_db()
    newest = next(iter(store().numbers()), 0)
    base = known if known is not None and known.number >= newest else open_newest(recipe)
    rows = read_rows(Segment.objects.filter(recipe=recipe, sequence__gt=base.sequence), recipe)
    gone = Tombstone.objects.filter(sequence__gt=base.sequence).values_list("segment", flat=True)
    alive = ~np.isin(base.shelf.segments, np.fromiter(gone, np.int64))
    vectors = index_class()(engine.fusion(recipe).fuse_segments(rows.blocks), rows.ids)
    delta = make_shelf(rows.ids, rows.videos, vectors, LexicalIndex(rows.terms))
    calibration = Calibration(**recipe.calibration) if recipe.calibration else NEUTRAL
    shelves = (replace(base.shelf, alive=alive), delta)
    looks, meanings = base.looks | means(rows, "visual"), base.meanings | means(rows, "text")
    return Snapshot(sequence, recipe, base, shelves, calibration, looks, meanings)


def make_shelf(segments: Ids, videos: Ids, vectors: VectorIndex, words: LexicalIndex) -> Shelf:
    unique, homes = np.unique(videos, return_inverse=True)
    return Shelf(segments, unique, homes.astype(np.int64), np.ones(len(segments), np.bool_), vectors, words)


def label(fingerprint: str) -> str:
    """What generations of a recipe are filed under: the recipe, and the database whose segments they hold."""
    key = IndexState.objects.values_list("key", flat=True).filter(pk=1).first()
    return f"{fingerprint}|{key}|{FORMAT}"


def load_newest(recipe: Recipe) -> tuple[Manifest | None, dict[str, bytes], list[int]]:
    """As `GenerationStore.load`. After a backup of the database was restored, an index of later days is damaged too."""
    manifest, parts, damaged = store().load(label(recipe.fingerprint))
    if manifest is not None and manifest.sequence > sequence_now():
        return None, {}, [m.number for m in store().manifests(manifest.fingerprint)]
    return manifest, parts, damaged


def newest_manifest(recipe: Recipe) -> Manifest | None:
    """Of the newest generation that has a readable one; its files are verified by `load_newest`."""
    return next(iter(store().manifests(label(recipe.fingerprint))), None)


def open_newest(recipe: Recipe) -> Base:
    """The newest generation that verifies; what does not is noted for the workers, who build a new one."""
    manifest, parts, damaged = load_newest(recipe)
    if damaged:
        log.error("index generations %s did not verify; a worker will build a new one", damaged)
        note = ", ".join(map(str, damaged))[:300]
        IndexState.objects.filter(pk=1).exclude(damaged=note).update(damaged=note)
    if manifest is None:
        none, dim = np.zeros(0, np.int64), engine.fusion(recipe).dim
        empty = index_class()(np.zeros((0, dim), np.float32), none)
        return Base(0, -1, make_shelf(none, none, empty, LexicalIndex([])), {}, {})
    rows = np.load(io.BytesIO(parts["rows"]), allow_pickle=False)
    looks, meanings = (
        dict(zip(rows["averaged"].tolist(), rows[name].astype(np.float32), strict=True)) for name in fusion.SPACES
    )
    vectors, words = index_class().load(parts["vectors"]), LexicalIndex.load(parts["words"])
    shelf = make_shelf(rows["segments"], rows["videos"], vectors, words)
    return Base(manifest.number, manifest.sequence, shelf, looks, meanings)


def means(rows: Rows, space: str) -> dict[int, Vectors]:
    """The mean block (d,) of each video."""
    order = np.argsort(rows.videos, kind="stable")
    videos, starts = np.unique(rows.videos[order], return_index=True)
    looks = np.split(rows.blocks[space][order], starts[1:])
    return {int(v): part.mean(0) for v, part in zip(videos, looks, strict=True)} if len(videos) else {}


def read_rows(segments: QuerySet[Segment], recipe: Recipe) -> Rows:
    """Segments with their blocks; one whose vectors are not what was written is left out and logged."""
    ids: list[int] = []
    videos: list[int] = []
    parts: dict[str, list[Vectors]] = {space: [] for space in fusion.SPACES}
    words: list[list[str]] = []
    columns = segments.order_by("pk").values_list("pk", "video_id", "terms", *fusion.SPACES)
    for pk, video, terms, *blobs in columns.iterator(chunk_size=2000):
        try:
            blocks = [unpack(b, recipe.dims[s]) for b, s in zip(blobs, fusion.SPACES, strict=True)]
        except BadVectors as error:
            log.error("segment %s is left out of search: %s", pk, error)
            continue
        ids.append(pk)
        videos.append(video)
        words.append(terms.split())
        for space, block in zip(fusion.SPACES, blocks, strict=True):
            parts[space].append(block)
    stacked = {s: np.stack(p) if p else np.zeros((0, recipe.dims[s]), np.float32) for s, p in parts.items()}
    return Rows(np.array(ids, np.int64), np.array(videos, np.int64), stacked, words)
