"""Loading the library's vectors: an immutable `indexer.snapshot.Snapshot` per recipe, swapped by one assignment.

The database is the truth. A snapshot is a generation from disk (verified, or else nothing), plus an exact index of the
segments that are newer than it, minus those that were deleted since. Without a generation everything is "newer": that
is the exact scan of the database to which a damaged index falls back.
"""

import io
import logging
import threading
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from indexer import fusion
from indexer.calibration import NEUTRAL, Calibration
from indexer.documents import Document
from indexer.errors import BadVectors
from indexer.generations import GenerationStore, Manifest
from indexer.lexical import LexicalIndex
from indexer.moment_store import EngineVectors
from indexer.ports import MomentStore, VectorIndex
from indexer.snapshot import Base, Means, Rows, Shelf, Snapshot
from indexer.types import Ids, Vectors
from indexer.vectors import unpack
from webapp import engine
from webapp.index import exchange, recipes, vector_engine
from webapp.index.changes import sequence_now
from webapp.index.documents import read_documents
from webapp.models import IndexState, Recipe, Segment, Tombstone

log = logging.getLogger(__name__)

FORMAT = 6  # of a generation's parts: raise it with them, and every installation builds new ones

PIECE = 5000  # segments that are read from the database at once

_swap = threading.Lock()
_current: dict[int, Snapshot] = {}  # recipe -> its snapshot


@cache
def store() -> GenerationStore:
    return GenerationStore(settings.KINOSCOPE_HOME / "index")


def index_class() -> type[VectorIndex]:
    return import_string(settings.KINOSCOPE_INDEX)  # type: ignore[no-any-return]


def current_snapshot(recipe: Recipe | None = None) -> Snapshot:
    """The current snapshot of the active recipe (or of the one given); readers keep theirs while a newer one comes."""
    recipe = recipe or recipes.active()
    snapshot = _current.get(recipe.pk)
    if snapshot is not None and snapshot.sequence == sequence_now():
        return snapshot
    with _swap:
        for _ in range(5):
            before = sequence_now()
            snapshot = _current.get(recipe.pk)
            if snapshot is None or snapshot.sequence != before:
                snapshot = load_snapshot(recipe, before, snapshot.base if snapshot else None)
            if sequence_now() == before:  # else it changed while we read, and rows may be missing from both sides
                break
        assert snapshot is not None
        _current[recipe.pk] = snapshot
        for gone in set(_current) - set(Recipe.objects.values_list("pk", flat=True)):
            del _current[gone]
        return snapshot


def load_snapshot(recipe: Recipe, sequence: int, known: Base | None) -> Snapshot:
    """Read what is newer than the newest generation; `known` is the one in memory, kept while none is newer."""
    recipe.refresh_from_db()
    exchange.take(store())
    newest = next(iter(store().numbers()), 0)
    base = known if known is not None and known.number >= newest else open_newest(recipe)
    newer = read_rows(Segment.objects.filter(recipe=recipe, sequence__gt=base.sequence), recipe)
    tombstones = Tombstone.objects.filter(sequence__gt=base.sequence).values_list("segment", flat=True)
    gone = np.fromiter(tombstones, np.int64)
    calibration = Calibration(**recipe.calibration) if recipe.calibration else NEUTRAL
    return Snapshot.of(sequence, base, gone, newer, index_class(), engine.fusion(recipe), calibration)


def label(fingerprint: str) -> str:
    """What generations of a recipe are filed under: the recipe, the database whose segments they hold, and whether
    their vectors lie in an engine.
    """
    kind = "|engine" if settings.KINOSCOPE_MOMENTS else ""
    return f"{fingerprint}|{vector_engine.database_key()}|{FORMAT}{kind}"


def open_store(recipe: Recipe) -> MomentStore | None:
    """The engine that keeps the recipe's vectors; None where they lie in files."""
    return vector_engine.open_store(label(recipe.fingerprint), engine.fusion(recipe).dim)


def load_newest(recipe: Recipe) -> tuple[Manifest | None, dict[str, memoryview], list[int]]:
    """As `GenerationStore.load`. After a backup of the database was restored, an index of later days is damaged too."""
    manifest, parts, damaged = store().load(label(recipe.fingerprint))
    if manifest is not None and manifest.sequence > sequence_now():
        return None, {}, [m.number for m in store().manifests(manifest.fingerprint)]
    return manifest, parts, damaged


def drop_generation(number: int) -> None:
    store().remove(number)
    exchange.drop(number)


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
        return Base(0, -1, Shelf.of(none, none, empty, LexicalIndex([])), {}, {})
    rows = np.load(io.BytesIO(parts["rows"]), allow_pickle=False)
    visual, text = (
        Means(rows["averaged"], np.frombuffer(parts[space], "<f2").reshape(-1, recipe.dims[space]))
        for space in fusion.SPACES
    )
    store, lexical = open_store(recipe), LexicalIndex.load(parts["words"])
    vectors = EngineVectors(store, rows["segments"], rows["videos"]) if store else index_class().load(parts["vectors"])
    shelf = Shelf.of(rows["segments"], rows["videos"], vectors, lexical)
    return Base(manifest.number, manifest.sequence, shelf, visual, text)


def read_rows(segments: QuerySet[Segment], recipe: Recipe) -> Rows:
    """Segments with their blocks; one whose vectors are not what was written is left out and logged."""
    pieces = list(read_pieces(segments, recipe))
    blocks = {
        space: np.concatenate([np.zeros((0, recipe.dims[space]), np.float32), *(p.blocks[space] for p in pieces)])
        for space in fusion.SPACES
    }
    ids, videos = join_ids([piece.ids for piece in pieces]), join_ids([piece.videos for piece in pieces])
    return Rows(ids, videos, blocks, [document for piece in pieces for document in piece.documents])


def join_ids(pieces: Sequence[Ids]) -> Ids:
    return np.concatenate([np.zeros(0, np.int64), *pieces])


def read_pieces(segments: QuerySet[Segment], recipe: Recipe) -> Iterator[Rows]:
    """The same, some thousands at a time, in the order of their numbers."""
    last = -1
    while piece := list(segments.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:PIECE]):
        last = piece[-1]
        yield read_piece(segments.filter(pk__gte=piece[0], pk__lte=last), recipe)


def read_piece(segments: QuerySet[Segment], recipe: Recipe) -> Rows:
    ids: list[int] = []
    videos: list[int] = []
    parts: dict[str, list[Vectors]] = {space: [] for space in fusion.SPACES}
    documents: list[tuple[Document, str]] = []
    words = read_documents(segments)
    columns = segments.order_by("pk").values_list("pk", "video_id", "language", *fusion.SPACES)
    for pk, video, language, *blobs in columns.iterator(chunk_size=2000):
        try:
            blocks = [unpack(b, recipe.dims[s]) for b, s in zip(blobs, fusion.SPACES, strict=True)]
        except BadVectors as error:
            log.error("segment %s is left out of search: %s", pk, error)
            continue
        ids.append(pk)
        videos.append(video)
        documents.append((words.get(pk, Document()), language))
        for space, block in zip(fusion.SPACES, blocks, strict=True):
            parts[space].append(block)
    stacked = {s: np.stack(p) if p else np.zeros((0, recipe.dims[s]), np.float32) for s, p in parts.items()}
    return Rows(np.array(ids, np.int64), np.array(videos, np.int64), stacked, documents)
