"""One recipe takes over from another: when somebody switches, or by itself after an upgrade that brought other weights,
where what made the active vectors is gone. The recipe of the settings is then made in its place and answers as soon as
no video lacks it; until then exact words are found.
"""

import logging

from webapp import engine
from webapp.index import generations, recipes
from webapp.models import IndexState, Recipe, Step
from webapp.pipeline import ledger
from webapp.search import background

log = logging.getLogger(__name__)


def succeed() -> bool:
    """Whether another recipe answers from now on."""
    state = IndexState.objects.select_related("active").filter(pk=1).first()
    if state is None or state.active is None or not engine.is_gone(state.active):
        return False
    successor = recipes.wanted()
    tried = Step.objects.filter(name="reembed").exclude(status=Step.Status.DONE)
    for video in recipes.pending(successor).exclude(steps__in=tried):
        ledger.add(video, "reembed")
    if not is_over(successor):
        return False
    take_over(successor)
    log.warning("%s answers from now on; what made %s is not installed any more", successor, state.active)
    return True


def is_over(recipe: Recipe) -> bool:
    """Whether nothing is left to wait for: every video that lacks the recipe has failed for good or was cancelled."""
    over = Step.objects.filter(name="reembed", status__in=[Step.Status.FAILED, Step.Status.CANCELLED])
    return not recipes.pending(recipe).exclude(pk__in=over.values("video")).exists()


def take_over(recipe: Recipe) -> None:
    """Answer with it from now on, with an index and a calibration of its own."""
    if generations.is_due(recipe):
        generations.publish(recipe)
    background.refresh(recipe)
    recipes.activate(recipe)
