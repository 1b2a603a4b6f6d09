"""One recipe takes over from another: when somebody switches, or by itself after an upgrade that brought other weights,
where what made the active vectors is gone. Other encoders that an admin chose get a recipe beside the active one.
"""

import logging

from indexer.errors import IndexerError
from webapp import engine
from webapp.catalogue import installations
from webapp.index import generations, recipes, snapshot
from webapp.models import IndexState, Recipe, Step
from webapp.pipeline import ledger
from webapp.search import background

log = logging.getLogger(__name__)


def prepare() -> Recipe | None:
    """The recipe of the encoders that were chosen, when it was just begun: every video is embedded for it, too, when
    nothing more urgent is due.
    """
    state, encoders = IndexState.objects.read(), engine.wanted_encoders()
    active = state.active if state else None
    if active is None or engine.is_gone(active) or encoders == active.encoders:
        return None
    if engine.environment_names_encoders() or recipes.others().filter(encoders=encoders).exists():
        return None
    try:
        recipe = recipes.wanted()
    except IndexerError as error:
        log.warning("%s", error)
        return None
    build_beside(recipe)
    return recipe


def build_beside(recipe: Recipe) -> list[str]:
    """Queue what it lacks; the fingerprints of older ones that made room for it."""
    dropped = drop_others(recipe)
    queue_pending(recipe)
    return dropped


def queue_pending(recipe: Recipe) -> int:
    """How many videos lack it; each is queued."""
    pending = list(recipes.pending(recipe))
    for video in pending:
        ledger.add(video, "reembed")
    return len(pending)


def drop_others(kept: Recipe) -> list[str]:
    """Only the active recipe and `kept` stay, with their index."""
    dropped = recipes.drop_oldest(kept)
    for fingerprint in dropped:
        for manifest in snapshot.store().manifests(snapshot.label(fingerprint)):
            snapshot.drop_generation(manifest.number)
    return dropped


def ask_for(recipe: Recipe) -> None:
    """It answers as soon as no video lacks it."""
    queue_pending(recipe)
    installations.follow(recipe)
    IndexState.objects.filter(pk=1).update(successor=recipe, successor_error="")


def discard() -> None:
    """Stay with what answers; nothing is kept beside it."""
    active = recipes.active()
    installations.follow(active)
    IndexState.objects.filter(pk=1).update(successor=None, successor_error="")
    Step.objects.filter(name="reembed", status__in=[Step.Status.READY, Step.Status.WAITING]).update(
        status=Step.Status.CANCELLED
    )
    drop_others(active)


def succeed() -> bool:
    """Whether another recipe answers from now on."""
    state = IndexState.objects.read()
    if state is None or state.active is None:
        return False
    active, successor = state.active, state.successor
    if successor is None and engine.is_gone(active):
        successor = recipes.wanted()
        tried = Step.objects.filter(name="reembed").exclude(status=Step.Status.DONE)
        for video in recipes.pending(successor).exclude(steps__in=tried):
            ledger.add(video, "reembed")
    if successor is None or not is_over(successor):
        return False
    try:
        take_over(successor)
    except IndexerError as error:
        log.warning("%s can't take over: %s", successor, error)
        IndexState.objects.filter(pk=1).update(successor=None, successor_error=str(error)[:300])
        return False
    log.warning("%s answers from now on, in place of %s", successor, active)
    return True


def is_over(recipe: Recipe) -> bool:
    """Whether nothing is left to wait for: every video that lacks the recipe has failed for good or was cancelled."""
    over = Step.objects.filter(name="reembed", status__in=[Step.Status.FAILED, Step.Status.CANCELLED])
    return not recipes.pending(recipe).exclude(pk__in=over.values("video")).exists()


def take_over(recipe: Recipe) -> None:
    """Answer with it from now on, with an index and a calibration of its own. What can't be asked is not activated."""
    engine.sentences(recipe).encode_queries(["warm up"])
    engine.pictures(recipe).encode_texts(["warm up"])
    if generations.is_due(recipe):
        generations.publish(recipe)
    background.refresh(recipe)
    recipes.activate(recipe)
