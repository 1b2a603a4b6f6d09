"""Writing index generations: one writer at a time, by a lease on the index state's row; its fence is the number."""

import io
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import IO

import numpy as np
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from indexer import fusion
from indexer.documents import Document
from indexer.generations import Manifest, Part
from indexer.lexical import LexicalIndex
from indexer.ports import MomentStore
from indexer.types import Ids, Moments, Vectors
from webapp import engine
from webapp.index import exchange, snapshot, vector_engine
from webapp.index.changes import sequence_now
from webapp.index.documents import fill_documents
from webapp.models import IndexState, Recipe, Segment, Tombstone, Video

log = logging.getLogger(__name__)

WRITER_LEASE = timedelta(minutes=10)  # building one for 10^5 segments takes seconds
MAX_SETTLING = 3600  # seconds that an engine is given to index what it was told
# What may be new or gone before a generation is due: this many segments, an exact scan of which is nothing, or this
# share of the generation.
MAX_DELTA_SEGMENTS = 256
MAX_DELTA_SHARE = 0.1


def publish(recipe: Recipe, anew: bool = False) -> int | None:
    """Build and write a generation of everything there is; its number, or None when another process is writing. An
    engine is told what changed; `anew` everything.

    A writer that died holds the lease until it runs out; meanwhile the delta serves. One that was only slow writes
    under an older number, which no reader prefers.
    """
    free = Q(writer_until=None) | Q(writer_until__lt=Now())
    if not IndexState.objects.filter(free, pk=1).update(fence=F("fence") + 1, writer_until=Now() + WRITER_LEASE):
        return None
    number = IndexState.objects.values_list("fence", flat=True).get(pk=1)
    try:
        exchange.take(snapshot.store())
        before = set(snapshot.store().numbers())
        sequence = sequence_now()
        segments = Segment.objects.filter(recipe=recipe, sequence__lte=sequence)
        store = snapshot.open_store(recipe)
        with tempfile.TemporaryFile(dir=snapshot.store().folder) as vectors:
            built = Build(recipe, None if store else vectors)
            if store is not None:
                newest = None if anew else snapshot.newest_manifest(recipe)
                since = newest.sequence if newest is not None and not is_behind(store, newest) else -1
                feed(store, recipe, since, sequence, number)
            words = LexicalIndex(built.take(segments))
            parts = {"words": words.dump, **built.parts()}
            snapshot.store().publish(number, snapshot.label(recipe.fingerprint), sequence, len(words), parts)
        exchange.give(snapshot.store(), number, before - set(snapshot.store().numbers()))
        forget_tombstones()
        if store is not None:
            vector_engine.drop_others(store, [snapshot.label(r.fingerprint) for r in Recipe.objects.all()])
    finally:
        IndexState.objects.filter(pk=1, fence=number).update(writer_until=None)
    return number


class Build:
    """What a generation is made of, in one pass over the segments: fused vectors in half precision, in a file where
    they go into the generation; of every video the sum of its blocks; the words, for who reads on.
    """

    def __init__(self, recipe: Recipe, vectors: IO[bytes] | None) -> None:
        self.recipe, self.fused, self.file = recipe, engine.fusion(recipe), vectors
        self.ids: list[Ids] = []
        self.videos: list[Ids] = []
        self.sums: dict[str, dict[int, Vectors]] = {space: {} for space in fusion.SPACES}
        self.counts: dict[int, int] = defaultdict(int)

    def take(self, segments: QuerySet[Segment]) -> Iterator[tuple[Document, str]]:
        for rows in snapshot.read_pieces(segments, self.recipe):
            if self.file is not None:
                self.file.write(self.fused.fuse_segments(rows.blocks).astype("<f2").tobytes())
            self.ids.append(rows.ids)
            self.videos.append(rows.videos)
            videos, numbers = np.unique(rows.videos, return_counts=True)
            counts = dict(zip(videos.tolist(), numbers.tolist(), strict=True))
            for video, count in counts.items():
                self.counts[video] += count
            for space, sums in self.sums.items():
                for video, mean in rows.video_means(space).items():
                    sums[video] = sums.get(video, 0) + counts[video] * mean
            yield from rows.documents

    def parts(self) -> dict[str, Part]:
        """The index of the vectors, unless an engine has them; segments and their videos; the mean blocks of the
        videos, ascending, as `snapshot.open_newest` maps them.
        """
        averaged = np.array(sorted(self.counts), np.int64)
        buffer = io.BytesIO()
        segments, videos = snapshot.join_ids(self.ids), snapshot.join_ids(self.videos)
        np.savez(buffer, segments=segments, videos=videos, averaged=averaged)
        means = {
            space: b"".join((sums[v] / self.counts[v]).astype("<f2").tobytes() for v in averaged.tolist())
            for space, sums in self.sums.items()
        }
        if self.file is None:
            return {"rows": buffer.getvalue(), **means}
        self.file.flush()
        shape = (len(segments), self.fused.dim)
        vectors = np.memmap(self.file, "<f2", "r", shape=shape) if len(segments) else np.zeros(shape, np.float16)
        return {"vectors": snapshot.index_class()(vectors, segments).dump, "rows": buffer.getvalue(), **means}


def feed(store: MomentStore, recipe: Recipe, since: int, upto: int, number: int) -> None:
    """Tell an engine what is newer than one sequence, up to another; writer `number` keeps its lease meanwhile."""
    fused = engine.fusion(recipe)
    newer = Segment.objects.filter(recipe=recipe, sequence__gt=since, sequence__lte=upto)
    for rows in snapshot.read_pieces(newer, recipe):
        keep_lease(number)
        columns = Video.objects.filter(pk__in=np.unique(rows.videos).tolist()).values_list("pk", "owner", "visibility")
        owners = {pk: (owner, visibility == Video.Visibility.PUBLIC) for pk, owner, visibility in columns}
        told = [owners.get(video, (-1, False)) for video in rows.videos.tolist()]
        store.put(
            Moments(
                rows.ids,
                rows.videos,
                np.array([owner for owner, _public in told], np.int64),
                np.array([public for _owner, public in told], np.bool_),
                fused.fuse_segments(rows.blocks),
            )
        )
    gone = Tombstone.objects.filter(sequence__gt=since).values_list("segment", flat=True)
    store.remove(np.fromiter(gone, np.int64))
    end = time.monotonic() + MAX_SETTLING
    while not store.is_settled() and time.monotonic() < end:
        keep_lease(number)
        time.sleep(0.5)


def keep_lease(number: int) -> None:
    IndexState.objects.filter(pk=1, fence=number).update(writer_until=Now() + WRITER_LEASE)


def is_behind(store: MomentStore, newest: Manifest) -> bool:
    """Whether an engine has lost what it was told for the newest generation. Raises `EngineAway`."""
    gone = Tombstone.objects.filter(sequence__gt=newest.sequence).count()
    return store.count() < newest.segments - gone


def is_due(recipe: Recipe) -> bool:
    """No generation yet, or too much that is newer than it."""
    exchange.take(snapshot.store())
    newest = snapshot.newest_manifest(recipe)
    if newest is None:
        return Segment.objects.filter(recipe=recipe).exists()
    return count_changed(recipe, newest.sequence) > max(MAX_DELTA_SEGMENTS, MAX_DELTA_SHARE * newest.segments)


def count_changed(recipe: Recipe, since: int) -> int:
    """Segments that are newer than a sequence, or gone since."""
    newer = Segment.objects.filter(recipe=recipe, sequence__gt=since).count()
    return newer + Tombstone.objects.filter(sequence__gt=since).count()


def repair() -> bool:
    """Replace generations that a reader found damaged (see `snapshot.open_newest`), or that are all lost, as they
    are after a backup was restored.
    """
    state = IndexState.objects.read()
    if state is None or state.active is None:
        return False
    if not state.damaged:
        newest, store = snapshot.newest_manifest(state.active), snapshot.open_store(state.active)
        if newest is None:
            return is_due(state.active) and publish(state.active) is not None
        if store is None or not is_behind(store, newest):
            return False
        log.warning("the vector engine holds less than it was told; it is told everything again")
        return publish(state.active, anew=True) is not None
    damaged = state.damaged
    for number in damaged.split(", "):
        snapshot.drop_generation(int(number))
    if publish(state.active) is None:
        return False
    IndexState.objects.filter(pk=1, damaged=damaged).update(damaged="")
    log.warning("index generations %s were damaged and have been replaced", damaged)
    return True


def fill() -> bool:
    """After an upgrade: words for the segments that have none in today's form, and an index of them."""
    state = IndexState.objects.read()
    if state is None or state.active is None or not fill_documents():
        return False
    return publish(state.active) is not None


def forget_tombstones() -> None:
    """Tombstones older than every generation on disk have done their work."""
    fingerprints = Recipe.objects.values_list("fingerprint", flat=True)
    sequences = [m.sequence for f in fingerprints for m in snapshot.store().manifests(snapshot.label(f))]
    if sequences:
        Tombstone.objects.filter(sequence__lte=min(sequences)).delete()
