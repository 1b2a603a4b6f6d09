"""After an upgrade that brought other weights: what made the active vectors is gone, and the recipe of the settings is
made in its place and answers as soon as no video lacks it. Until then exact words are found.
"""

import logging

from webapp import engine
from webapp.index import generations, recipes
from webapp.models import IndexState, Step
from webapp.pipeline import ledger
from webapp.search import background

log = logging.getLogger(__name__)


def succeed() -> bool:
    """Whether another recipe answers from now on."""
    state = IndexState.objects.select_related("active").filter(pk=1).first()
    if state is None or state.active is None or not engine.is_gone(state.active):
        return False
    successor = recipes.wanted()
    lacking = recipes.pending(successor)
    for video in lacking.exclude(steps__in=Step.objects.filter(name="reembed").exclude(status=Step.Status.DONE)):
        ledger.add(video, "reembed")
    over = Step.objects.filter(name="reembed", status__in=[Step.Status.FAILED, Step.Status.CANCELLED])
    if lacking.exclude(pk__in=over.values("video")).exists():
        return False
    if generations.is_due(successor):
        generations.publish(successor)
    if successor.segments.exists():
        background.save(successor, background.measure(successor))
    recipes.activate(successor)
    log.warning("%s answers from now on; what made %s is not installed any more", successor, state.active)
    return True
