"""The library's vectors in memory: an immutable snapshot per recipe, swapped by one assignment.

The database is the truth. A snapshot is a generation from disk (verified, or else nothing), plus an exact index of the
segments that are newer than it, minus those that were deleted since. Without a generation everything is "newer": that
is the exact scan of the database to which a damaged index falls back.
"""

import io
import logging
import threading
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from indexer import fusion
from indexer.calibration import NEUTRAL, Calibration
from indexer.errors import BadVectors
from indexer.generations import GenerationStore, Manifest
from indexer.ports import VectorIndex
from indexer.types import Hit, Vectors
from webapp import recipes
from webapp.embedding import unpack
from webapp.models import IndexState, Recipe, Segment, Tombstone

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]

_swap = threading.Lock()
_current: dict[int, "Snapshot"] = {}  # recipe -> its snapshot


@dataclass(frozen=True)
class Rows:
    """Segments in one order: ids (n,), their videos (n,), blocks {"visual": (n, dv), "text": (n, dt)}."""

    ids: Ids
    videos: Ids
    blocks: dict[str, Vectors]


@dataclass(frozen=True)
class Base:
    """A generation in memory: `segments` (n,) of `videos` (n,) and the mean look (dv,) of each video."""

    number: int
    sequence: int
    index: VectorIndex
    segments: Ids
    videos: Ids
    looks: dict[int, Vectors]


@dataclass(frozen=True)
class Snapshot:
    """All searchable segments at one moment: `ids[i]` belongs to video `videos[i]`."""

    sequence: int
    recipe: Recipe
    base: Base
    delta: VectorIndex
    ids: Ids
    videos: Ids
    calibration: Calibration
    looks: dict[int, Vectors]  # mean visual vector (dv,) of each video

    def allowed(self, videos: Ids) -> Ids:
        """Segment ids of these videos."""
        return self.ids[np.isin(self.videos, videos)]

    def search(self, query: Vectors, k: int, allowed: Ids) -> list[Hit]:
        """Best `k` of `allowed`, best first: exact over generation and delta together."""
        hits = self.base.index.search(query, k, allowed) + self.delta.search(query, k, allowed)
        return sorted(hits, key=lambda hit: -hit.score)[:k]


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
    kept = ~np.isin(base.segments, np.fromiter(gone, np.int64))
    ids = np.concatenate([base.segments[kept], rows.ids])
    videos = np.concatenate([base.videos[kept], rows.videos])
    calibration = Calibration(**recipe.calibration) if recipe.calibration else NEUTRAL
    delta = index_class()(fusion.fuse_segments(rows.blocks), rows.ids)
    looks = base.looks | mean_looks(rows)
    return Snapshot(sequence, recipe, base, delta, ids, videos, calibration, looks)


def label(fingerprint: str) -> str:
    """What generations of a recipe are filed under: the recipe, and the database whose segments they hold."""
    key = IndexState.objects.values_list("key", flat=True).filter(pk=1).first()
    return f"{fingerprint}|{key}"


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
    dim = sum(recipe.dims.values())
    if manifest is None:
        none = np.zeros(0, np.int64)
        return Base(0, -1, index_class()(np.zeros((0, dim), np.float32), none), none, none, {})
    rows = np.load(io.BytesIO(parts["rows"]), allow_pickle=False)
    looks = dict(zip(rows["looking"].tolist(), rows["looks"].astype(np.float32), strict=True))
    index = index_class().load(parts["vectors"])
    return Base(manifest.number, manifest.sequence, index, rows["segments"], rows["videos"], looks)


def mean_looks(rows: Rows) -> dict[int, Vectors]:
    """The mean visual block (dv,) of each video."""
    return {int(v): rows.blocks["visual"][rows.videos == v].mean(0) for v in np.unique(rows.videos)}


def read_rows(segments: QuerySet[Segment], recipe: Recipe) -> Rows:
    """Segments with their blocks; one whose vectors are not what was written is left out and logged."""
    ids: list[int] = []
    videos: list[int] = []
    parts: dict[str, list[Vectors]] = {space: [] for space in fusion.SPACES}
    columns = segments.order_by("pk").values_list("pk", "video_id", *fusion.SPACES)
    for pk, video, *blobs in columns.iterator(chunk_size=2000):
        try:
            blocks = [unpack(b, recipe.dims[s]) for b, s in zip(blobs, fusion.SPACES, strict=True)]
        except BadVectors as error:
            log.error("segment %s is left out of search: %s", pk, error)
            continue
        ids.append(pk)
        videos.append(video)
        for space, block in zip(fusion.SPACES, blocks, strict=True):
            parts[space].append(block)
    stacked = {s: np.stack(p) if p else np.zeros((0, recipe.dims[s]), np.float32) for s, p in parts.items()}
    return Rows(np.array(ids, np.int64), np.array(videos, np.int64), stacked)
