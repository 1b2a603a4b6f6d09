"""Is everything in order? Database, people, models, recipes, drift, queue and machine. For `doctor` and its page."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from indexer import child, towers
from indexer.errors import ModelMissing
from indexer.weights import COMPACT, HEADS
from webapp import engine
from webapp.catalogue.download import is_here
from webapp.catalogue.table import ENTRIES
from webapp.index import recipes
from webapp.messages import explain, render
from webapp.models import IndexState, Recipe, Step, User, Video, Worker
from webapp.operations.drift import examine_files, examine_index, examine_vectors
from webapp.operations.findings import Finding
from webapp.people import first_run
from webapp.pipeline import ledger, outputs

MAX_WAIT = timedelta(minutes=2)  # a due step that waits for longer has no worker


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
    yield from examine_decoder()
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
        yield Finding("ok", _("The weights that came with Kinoscope are the pinned ones."))
    for entry in (ENTRIES[name] for name in engine.list_used()):
        if not is_here(engine.catalogue_folder(), entry):
            what = _("%(name)s is used, and is not on this machine.") % {"name": entry.title}
            remedy = _("Fetch it on the models page, or with `manage.py models fetch %(entry)s`.")
            yield Finding("error", what, remedy % {"entry": entry.name})
    for choice in towers.read_choices(settings.KINOSCOPE_HOME / "models" / "towers").values():
        yield Finding("ok", f"{choice}.")


def examine_decoder() -> Iterator[Finding]:
    """A language model that runs here already is offered: it would word the answers."""
    if engine.adapter_of("decoder") is not None:
        return
    for address, model in engine.load_adapter("qa.adapters.local_servers.find_local")():
        what = _("The language model %(model)s runs at %(address)s; it could write the answers from the evidence.")
        remedy = _("Choose it on the models page, if you want that.")
        values = {"model": model, "address": address}
        yield Finding("ok", what % values, remedy)


def examine_recipes() -> Iterator[Finding]:
    """Do the settings name what answers?"""
    state = IndexState.objects.read()
    active = state.active if state else None
    if active is None:
        yield Finding("ok", _("Nothing has been embedded yet."))
        return
    lengths = settings.KINOSCOPE_SEGMENT_SECONDS
    if engine.is_gone(active):
        kept = [recipe for recipe in recipes.others() if not engine.is_gone(recipe)]
        lacking = Video.objects.filter(segments__recipe=active).exclude(segments__recipe__in=kept)
        left = lacking.distinct().count()
        what = _(
            "An upgrade brought other weights than those that made the vectors (%(recipe)s); %(count)d videos are left."
        )
        remedy = _("Until they are embedded anew only exact words are found. Let a worker run: it switches by itself.")
        yield Finding("warning", what % {"recipe": active, "count": left}, remedy)
        return
    made_by = (active.encoders, (active.shortest, active.longest), active.fusion)
    if made_by != (engine.wanted_encoders(), lengths, settings.KINOSCOPE_FUSION):
        remedy = _("Run `manage.py reindex --wait`, then `manage.py reindex --activate`; or set the settings back.")
        if not engine.environment_names_encoders() and active.encoders != engine.wanted_encoders():
            remedy = _("An index for them is built beside it; switch on the models page when it is there.")
        yield Finding(
            "warning",
            _("The settings name other models than those that answer (%(recipe)s).") % {"recipe": active},
            remedy,
        )
    else:
        yield Finding("ok", _("Active recipe: %(recipe)s.") % {"recipe": active})


def examine_queue() -> Iterator[Finding]:
    steps = Step.objects.all()
    stuck = steps.filter(status=Step.Status.RUNNING, lease_until__lt=Now()).count()
    if stuck:
        remedy = _("A worker takes them over; start one with `manage.py worker`.")
        yield Finding(
            "warning", _("%(count)s steps were left by a worker that died.") % {"count": stuck}, remedy, ledger.sweep
        )
    oldest = steps.filter(ledger.due(Now()), ready_at__lt=Now() - MAX_WAIT).aggregate(first=Min("ready_at"))["first"]
    if oldest is not None:
        minutes = (timezone.now() - oldest).total_seconds() / 60
        remedy = _("Workers are busy, or there is none: start one with `manage.py worker`.")
        yield Finding(
            "warning",
            _("The oldest due step has waited for %(minutes)s minutes.") % {"minutes": f"{minutes:.0f}"},
            remedy,
        )
    for row in ledger.count_waiting():
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
    alive = Worker.objects.alive().count()
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
    tier = child.find_tier()
    yield Finding(
        "warning" if tier == "C" else "ok",
        _("Decoder box, tier %(tier)s: %(guards)s.") % {"tier": tier, "guards": _(child.TIERS[tier])},
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
