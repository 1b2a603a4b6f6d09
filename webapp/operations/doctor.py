"""Is everything in order? Drift between rows, files, vectors and index; the queue; what is missing. For `doctor`."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from indexer import box, fusion, towers
from indexer.errors import ModelMissing
from indexer.vectors import unpack_fields, unpack_valid
from indexer.weights import COMPACT, HEADS
from webapp import engine
from webapp.index import generations, snapshot
from webapp.index.changes import drop_segments, mark_changed
from webapp.messages import explain, render
from webapp.models import FrameVector, IndexState, Keyframe, Recipe, Segment, Step, Tombstone, User, Video, Worker
from webapp.people import first_run
from webapp.pipeline import ledger, outputs

LATE = timedelta(minutes=2)  # a due step that waits for longer has no worker
SEEN = timedelta(minutes=2)
SHOWN = 20  # ids named in one line


LEVELS = (gettext_noop("ok"), gettext_noop("warning"), gettext_noop("error"), gettext_noop("fatal"))


@dataclass(frozen=True)
class Finding:
    """`level` is one of `LEVELS`; nothing is looked at after a fatal one; `fix` repairs it where that is safe."""

    level: str
    what: str
    remedy: str = ""
    fix: Callable[[], object] | None = None


def examine() -> Iterator[Finding]:
    """Every finding, what is in order included."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        remedy = _("Run `manage.py migrate` (serve does it by itself).")
        yield Finding("fatal", _("The database is not migrated."), remedy)
        return
    yield from examine_database()
    yield from examine_people()
    yield from examine_models()
    yield from examine_recipes()
    for recipe in Recipe.objects.all():
        yield from examine_vectors(recipe)
        yield from examine_index(recipe)
    yield from examine_files()
    yield from examine_queue()
    yield from examine_machine()


def examine_database() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check")
            (verdict,) = cursor.fetchone()
        if verdict != "ok":
            yield Finding(
                "error",
                _("The SQLite file is damaged: %(verdict)s.") % {"verdict": verdict},
                _("Restore it from a backup."),
            )
            return
    yield Finding("ok", _("Database: %(vendor)s, migrated.") % {"vendor": connection.vendor})


def examine_people() -> Iterator[Finding]:
    if not User.objects.filter(is_superuser=True).exists():
        remedy = _("Open %(link)s of the site and choose a name and a password.") % {"link": first_run.link()}
        yield Finding("warning", _("Nobody looks after this library yet."), remedy)


def examine_models() -> Iterator[Finding]:
    sound = True
    for weights in (*COMPACT, *HEADS):
        try:
            weights.verify()
        except (ModelMissing, OSError) as error:
            sound = False
            yield Finding(
                "error",
                f"{weights.name}: {explain(error) if isinstance(error, ModelMissing) else error}",
                _("Reinstall %(package)s.") % {"package": weights.package},
            )
    if sound:
        yield Finding(
            "ok", _("Profile %(profile)s; weights are the pinned ones.") % {"profile": settings.KINOSCOPE_PROFILE}
        )
    for choice in towers.read_choices(settings.KINOSCOPE_HOME / "models" / "towers").values():
        yield Finding("ok", f"{choice}.")


def examine_recipes() -> Iterator[Finding]:
    """Do the settings name what answers?"""
    state = IndexState.objects.select_related("active").filter(pk=1).first()
    active = state.active if state else None
    if active is None:
        yield Finding("ok", _("Nothing has been embedded yet."))
        return
    lengths = settings.KINOSCOPE_SEGMENT_SECONDS
    made_by = (active.encoders, (active.shortest, active.longest), active.fusion)
    if made_by != (engine.encoders_of_settings(), lengths, settings.KINOSCOPE_FUSION):
        remedy = _("Run `manage.py reindex --wait`, then `manage.py reindex --activate`; or set the settings back.")
        yield Finding(
            "warning",
            _("The settings name other models than those that answer (%(recipe)s).") % {"recipe": active},
            remedy,
        )
    else:
        yield Finding("ok", _("Active recipe: %(recipe)s.") % {"recipe": active})


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
    worn = [pk for pk, blob in frames.values_list("pk", "vector").iterator() if unpack_valid(blob, dim) is None]
    if bad:
        yield Finding(
            "error",
            _("Segments %(ids)s of %(recipe)s hold other vectors than were written; search leaves them out.")
            % {"ids": name_some({pk for found in bad.values() for pk in found}), "recipe": recipe},
            _("`doctor --fix` has their videos embedded again."),
            lambda: embed_again(recipe, list(bad)),
        )
    if worn:
        yield Finding(
            "error",
            _("%(count)s keyframes hold other vectors than were written.") % {"count": len(worn)},
            _("`doctor --fix` has their videos embedded again."),
            lambda: embed_frames_again(recipe, worn),
        )


def embed_frames_again(recipe: Recipe, worn: list[int]) -> None:
    videos = list(Video.objects.filter(keyframes__vectors__in=worn).distinct().values_list("pk", flat=True))
    FrameVector.objects.filter(pk__in=worn).delete()
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
    there, kept = base.shelf.vectors.vectors()
    rows = snapshot.read_rows(Segment.objects.filter(recipe=recipe, sequence__lte=base.sequence), recipe)
    known = set(Tombstone.objects.values_list("segment", flat=True))
    gone = set(there.tolist()) - set(Segment.objects.filter(recipe=recipe).values_list("pk", flat=True)) - known
    unknown = set(rows.ids.tolist()) - set(there.tolist())
    place = {pk: i for i, pk in enumerate(there.tolist())}
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
            % {"number": manifest.number, "count": len(there)},
        )


def replace(recipe: Recipe) -> None:
    """A new generation; the state's row changes too, so that every process opens it."""
    for number in snapshot.load_newest(recipe)[2]:
        snapshot.store().remove(number)
    with transaction.atomic():
        mark_changed()
    generations.publish(recipe)
    IndexState.objects.filter(pk=1).update(damaged="")


def name_some(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids)[:SHOWN])) + (" …" if len(ids) > SHOWN else "")


def examine_files() -> Iterator[Finding]:
    for video in Video.objects.all():
        if not video.path.exists():
            remedy = _("Restore it from a backup, or delete the video and upload it again.")
            yield Finding(
                "error",
                _("The file of video %(number)s (%(title)s) is gone.") % {"number": video.pk, "title": video.title},
                remedy,
            )
            continue
        named = {*Keyframe.objects.filter(video=video).values_list("file", flat=True), *video.files.values()}
        lost = [name for name in named if not (video.derived / name).exists()]
        if lost:
            again = "proxy" if lost == [video.files.get("proxy")] else "look"
            yield Finding(
                "error",
                _("%(count)s pictures or renditions of video %(number)s (%(title)s) are gone.")
                % {"count": len(lost), "number": video.pk, "title": video.title},
                _("`doctor --fix` has them made again."),
                lambda video=video, again=again: ledger.add(video, again),  # type: ignore[misc]
            )
    orphans = list(outputs.find_orphans())
    if orphans:
        what = _("%(count)s files belong to no video, %(path)s for one.") % {"count": len(orphans), "path": orphans[0]}
        yield Finding("warning", what, _("`doctor --fix` removes them (workers do, every hour)."), outputs.sweep)


def examine_queue() -> Iterator[Finding]:
    steps = Step.objects.all()
    stuck = steps.filter(status=Step.Status.RUNNING, lease_until__lt=Now()).count()
    if stuck:
        remedy = _("A worker takes them over; start one with `manage.py worker`.")
        yield Finding(
            "warning", _("%(count)s steps were left by a worker that died.") % {"count": stuck}, remedy, ledger.sweep
        )
    oldest = steps.filter(ledger.due(Now()), ready_at__lt=Now() - LATE).aggregate(first=Min("ready_at"))["first"]
    if oldest is not None:
        minutes = (timezone.now() - oldest).total_seconds() / 60
        remedy = _("Workers are busy, or there is none: start one with `manage.py worker`.")
        yield Finding(
            "warning",
            _("The oldest due step has waited for %(minutes)s minutes.") % {"minutes": f"{minutes:.0f}"},
            remedy,
        )
    for row in steps.filter(status=Step.Status.WAITING).values("error_text", "error_values").annotate(n=Count("pk")):
        yield Finding(
            "warning",
            _("%(count)s steps wait: %(why)s")
            % {"count": row["n"], "why": render(row["error_text"], row["error_values"])},
            _("They go on by themselves."),
        )
    failed = steps.filter(status=Step.Status.FAILED).count()
    if failed:
        remedy = _("The operations page lists them with their reasons and tries a selection again.")
        yield Finding("warning", _("%(count)s steps failed.") % {"count": failed}, remedy)
    alive = Worker.objects.filter(seen_at__gt=Now() - SEEN).count()
    if alive:
        yield Finding(
            "ok",
            _("%(alive)s workers alive, %(due)s steps due.")
            % {"alive": alive, "due": steps.filter(ledger.due(Now())).count()},
        )
    else:
        yield Finding(
            "warning", _("No worker was seen in the last two minutes."), _("Run `manage.py serve` or `worker`.")
        )


def examine_machine() -> Iterator[Finding]:
    usage = shutil.disk_usage(settings.KINOSCOPE_HOME)
    level = "error" if not outputs.has_room() else "ok" if usage.free > 5 << 30 else "warning"
    yield Finding(
        level,
        _("%(size)s MB free in %(folder)s.") % {"size": usage.free >> 20, "folder": settings.KINOSCOPE_HOME},
        "" if level == "ok" else _("Make room."),
    )
    tier = box.find_tier()
    yield Finding(
        "warning" if tier == "C" else "ok",
        _("Decoder box, tier %(tier)s: %(guards)s.") % {"tier": tier, "guards": _(box.TIERS[tier])},
    )
    if settings.REDIS_URL:
        yield examine_redis()


def examine_redis() -> Finding:
    import redis

    link = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        policy = str(link.info("memory").get("maxmemory_policy", ""))
    except (redis.RedisError, OSError) as error:
        remedy = _("Workers go on, up to 20 s slower to start; start Redis.")
        return Finding("warning", _("Redis does not answer (%(why)s).") % {"why": error}, remedy)
    if policy not in ("noeviction", ""):
        return Finding(
            "warning",
            _("Redis may drop messages: maxmemory-policy is %(policy)s.") % {"policy": policy},
            _("Set it to noeviction."),
        )
    return Finding("ok", _("Redis answers."))
