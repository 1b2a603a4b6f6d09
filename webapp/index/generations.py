"""Writing index generations: one writer at a time, by a lease on the index state's row; its fence is the number."""

import io
import logging
from datetime import timedelta

import numpy as np
from django.db.models import F, Q
from django.db.models.functions import Now

from indexer import fusion
from indexer.lexical import LexicalIndex
from webapp import engine
from webapp.index import exchange, snapshot
from webapp.index.changes import sequence_now
from webapp.index.documents import fill_documents
from webapp.models import IndexState, Recipe, Segment, Tombstone

log = logging.getLogger(__name__)

WRITER_LEASE = timedelta(minutes=10)  # building one for 10^5 segments takes seconds
# What may be new or gone before a generation is due: this many segments, an exact scan of which is nothing, or this
# share of the generation.
MAX_DELTA_SEGMENTS = 256
MAX_DELTA_SHARE = 0.1


def publish(recipe: Recipe) -> int | None:
    """Build and write a generation of everything there is; its number, or None when another process is writing.

    A writer that died holds the lease until it runs out; meanwhile the delta serves. One that was only slow writes
    under an older number, which no reader prefers.
    """
    free = Q(writer_until=None) | Q(writer_until__lt=Now())
    if not IndexState.objects.filter(free, pk=1).update(fence=F("fence") + 1, writer_until=Now() + WRITER_LEASE):
        return None
    number = IndexState.objects.values_list("fence", flat=True).get(pk=1)
    try:
        sequence = sequence_now()
        rows = snapshot.read_rows(Segment.objects.filter(recipe=recipe, sequence__lte=sequence), recipe)
        index = snapshot.index_class()(engine.fusion(recipe).fuse_segments(rows.blocks), rows.ids)
        averages = {space: rows.video_means(space) for space in fusion.SPACES}
        buffer = io.BytesIO()
        visual, text = (
            np.array(list(m.values()), np.float16).reshape(len(m), recipe.dims[space]) for space, m in averages.items()
        )
        averaged = np.array(list(averages["visual"]), np.int64)
        np.savez(buffer, segments=rows.ids, videos=rows.videos, averaged=averaged, visual=visual, text=text)
        parts = {"vectors": index.dump(), "words": LexicalIndex(rows.documents).dump(), "rows": buffer.getvalue()}
        snapshot.store().publish(number, snapshot.label(recipe.fingerprint), sequence, len(rows.ids), parts)
        exchange.give(snapshot.store(), number)
        forget_tombstones()
    finally:
        IndexState.objects.filter(pk=1, fence=number).update(writer_until=None)
    return number


def is_due(recipe: Recipe) -> bool:
    """No generation yet, or too much that is newer than it."""
    newest = snapshot.newest_manifest(recipe)
    if newest is None:
        return Segment.objects.filter(recipe=recipe).exists()
    changed = Segment.objects.filter(recipe=recipe, sequence__gt=newest.sequence).count()
    changed += Tombstone.objects.filter(sequence__gt=newest.sequence).count()
    return changed > max(MAX_DELTA_SEGMENTS, MAX_DELTA_SHARE * newest.segments)


def repair() -> bool:
    """Replace generations that a reader found damaged (see `snapshot.open_newest`), or that are all lost, as they
    are after a backup was restored.
    """
    state = IndexState.objects.select_related("active").filter(pk=1).first()
    if state is None or state.active is None:
        return False
    if not state.damaged:
        lost = snapshot.newest_manifest(state.active) is None
        return lost and is_due(state.active) and publish(state.active) is not None
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
    state = IndexState.objects.select_related("active").filter(pk=1).first()
    if state is None or state.active is None or not fill_documents():
        return False
    return publish(state.active) is not None


def forget_tombstones() -> None:
    """Tombstones older than every generation on disk have done their work."""
    fingerprints = Recipe.objects.values_list("fingerprint", flat=True)
    sequences = [m.sequence for f in fingerprints for m in snapshot.store().manifests(snapshot.label(f))]
    if sequences:
        Tombstone.objects.filter(sequence__lte=min(sequences)).delete()
