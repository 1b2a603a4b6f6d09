"""Drift between rows, files, vectors and the index on disk."""

from collections.abc import Iterator

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from indexer import fusion
from indexer.vectors import unpack_fields, unpack_valid
from webapp import engine
from webapp.index import generations, snapshot
from webapp.index.changes import drop_segments, mark_changed
from webapp.models import FrameVector, IndexState, Keyframe, Recipe, Segment, Tombstone, Video
from webapp.operations.findings import Finding
from webapp.pipeline import ledger, outputs
from webapp.storage.store import store

MAX_IDS = 20  # named in one line


def examine_vectors(recipe: Recipe) -> Iterator[Finding]:
    """Vectors that are not what was written."""
    bad: dict[int, set[int]] = {}  # video -> segments
    rows = Segment.objects.filter(recipe=recipe).values_list("pk", "video_id", "field_vectors", *fusion.SPACES)
    for pk, video, fields, *blobs in rows.iterator(chunk_size=2000):
        kept = [unpack_valid(b, recipe.dims[s]) for b, s in zip(blobs, fusion.SPACES, strict=True)]
        kept += unpack_fields(fields, recipe.dims["text"]).values()
        if any(vector is None for vector in kept):
            bad.setdefault(video, set()).add(pk)
    frames = FrameVector.objects.filter(encoder=recipe.picture_encoder)
    dim = recipe.dims["visual"]
    blobs_of = frames.values_list("pk", "vector", "smoothed").iterator()
    corrupt = [pk for pk, *blobs in blobs_of if any(unpack_valid(blob, dim) is None for blob in blobs)]
    if bad:
        yield Finding(
            "error",
            _("Segments %(ids)s of %(recipe)s hold other vectors than were written; search leaves them out.")
            % {"ids": name_some({pk for found in bad.values() for pk in found}), "recipe": recipe},
            _("`doctor --fix` has their videos embedded again."),
            lambda: embed_again(recipe, list(bad)),
        )
    if corrupt:
        yield Finding(
            "error",
            _("%(count)s keyframes hold other vectors than were written.") % {"count": len(corrupt)},
            _("`doctor --fix` has their videos embedded again."),
            lambda: embed_frames_again(recipe, corrupt),
        )


def embed_frames_again(recipe: Recipe, corrupt: list[int]) -> None:
    videos = list(Video.objects.filter(keyframes__vectors__in=corrupt).distinct().values_list("pk", flat=True))
    FrameVector.objects.filter(pk__in=corrupt).delete()
    embed_again(recipe, videos)


def embed_again(recipe: Recipe, videos: list[int]) -> None:
    for video in Video.objects.filter(pk__in=videos):
        with transaction.atomic():
            drop_segments(video.segments.filter(recipe=recipe), mark_changed())
            ledger.add(video, "reembed")


def examine_index(recipe: Recipe) -> Iterator[Finding]:
    """The generation on disk against the rows that it was made from."""
    manifest, _parts, damaged = snapshot.load_newest(recipe)
    if damaged:
        what = _("Index generations %(numbers)s do not verify; an older one or the database answers.") % {
            "numbers": ", ".join(map(str, damaged))
        }
        yield Finding(
            "error", what, _("`doctor --fix` writes a new one (a worker does, too)."), lambda: replace(recipe)
        )
    if manifest is None:
        level = "warning" if generations.is_due(recipe) else "ok"
        remedy = _("Run `manage.py reindex`.") if level == "warning" else ""
        yield Finding(
            level,
            _("No generation of %(recipe)s: the database is scanned.") % {"recipe": recipe},
            remedy,
            lambda: replace(recipe),
        )
        return
    base = snapshot.open_newest(recipe)
    indexed, kept = base.shelf.vectors.vectors()
    rows = snapshot.read_rows(Segment.objects.filter(recipe=recipe, sequence__lte=base.sequence), recipe)
    known = set(Tombstone.objects.values_list("segment", flat=True))
    gone = set(indexed.tolist()) - set(Segment.objects.filter(recipe=recipe).values_list("pk", flat=True)) - known
    unknown = set(rows.ids.tolist()) - set(indexed.tolist())
    place = {pk: i for i, pk in enumerate(indexed.tolist())}
    both = [i for i, pk in enumerate(rows.ids.tolist()) if pk in place]
    fused = engine.fusion(recipe).fuse_segments(rows.blocks)[both]
    off = np.abs(fused - kept[[place[int(rows.ids[i])] for i in both]]).max(1) > 1e-3 if both else np.zeros(0, bool)
    changed = {int(rows.ids[i]) for i, differs in zip(both, off, strict=True) if differs}
    absent, missing = (
        _("Segments %(ids)s are in the index but not in the database."),
        _("Segments %(ids)s are not in the index."),
    )
    for ids, what in ((gone, absent), (unknown, missing)):
        if ids:
            yield Finding(
                "error", what % {"ids": name_some(ids)}, _("Run `manage.py reindex`."), lambda: replace(recipe)
            )
    if changed:
        what = _("Segments %(ids)s have other vectors in the index than in the database.") % {"ids": name_some(changed)}
        yield Finding("error", what, _("Run `manage.py reindex`."), lambda: replace(recipe))
    if not (gone or unknown or changed or damaged):
        yield Finding(
            "ok",
            _("Index generation %(number)s: %(count)s segments, as in the database.")
            % {"number": manifest.number, "count": len(indexed)},
        )


def replace(recipe: Recipe) -> None:
    """A new generation; the state's row changes too, so that every process opens it."""
    for number in snapshot.load_newest(recipe)[2]:
        snapshot.drop_generation(number)
    with transaction.atomic():
        mark_changed()
    generations.publish(recipe, anew=True)
    IndexState.objects.filter(pk=1).update(damaged="")


def name_some(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids)[:MAX_IDS])) + (" …" if len(ids) > MAX_IDS else "")


def examine_files() -> Iterator[Finding]:
    for video in Video.objects.all():
        if video.media.look_up() is None:
            remedy = (
                _("Put it back, or import it from its new place with `ingest --in-place`.")
                if video.original
                else _("Restore it from a backup, or delete the video and upload it again.")
            )
            yield Finding(
                "error",
                _("The file of video %(number)s (%(title)s) is gone.") % {"number": video.pk, "title": video.title},
                remedy,
            )
            continue
        named = {*Keyframe.objects.filter(video=video).values_list("file", flat=True), *video.files.values()}
        here = {stored.name for stored in store().list(video.folder)}
        lost = [name for name in named if video.derived(name).name not in here]
        if lost:
            makers = {video.files.get("proxy"): "proxy", video.files.get("cover"): "probe"}
            again = makers.get(lost[0], "look") if len(lost) == 1 else "look" if video.width else "probe"
            yield Finding(
                "error",
                _("%(count)s pictures or renditions of video %(number)s (%(title)s) are gone.")
                % {"count": len(lost), "number": video.pk, "title": video.title},
                _("`doctor --fix` has them made again."),
                lambda video=video, again=again: ledger.add(video, again),  # type: ignore[misc]
            )
    orphans = list(outputs.find_orphans())
    if orphans:
        told = {"count": len(orphans), "path": orphans[0].name}
        what = _("%(count)s files belong to no video, %(path)s for one.") % told
        yield Finding("warning", what, _("`doctor --fix` removes them (workers do, every hour)."), outputs.sweep)
