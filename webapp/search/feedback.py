"""Learning from use, where an admin lets it: what searches showed, what was followed, and gains that come of it.

Nothing of it leaves the installation; it is forgotten after `KEPT`, with its person, and when it is switched off.
"""

import logging
from collections import defaultdict
from datetime import timedelta

import numpy as np
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from indexer.gains import Shown, compare, learn
from indexer.queries import PARTS
from webapp.index import recipes
from webapp.models import Impression, IndexState, Judgement, Recipe, Tuning, User
from webapp.parsing import parse_key, parse_number
from webapp.search import background
from webapp.search.moments import Found, Moment, find_moments

log = logging.getLogger(__name__)

KEPT = timedelta(days=90)
EVERY = timedelta(days=1)  # that gains are learned anew
MIN_FOLLOWED = 30  # results before anything is learned
MIN_BETTER = 0.005  # mean reciprocal rank by which searches that were not learned from have to gain
OPENED, PLAYED, PRAISED = 1.0, 1.0, 3.0  # how much following counts: opened, ten seconds played, thumb up
NEAR = 2.0  # seconds between a judged moment and the shown one
DEPTH = 3  # results among which what people called right should be


def is_on() -> bool:
    return IndexState.objects.filter(pk=1, learns=True).exists()


def switch(on: bool) -> None:
    """Off forgets what was noted; gains that are in use stay until somebody goes back."""
    IndexState.objects.update_or_create(pk=1, defaults={"learns": on})
    if not on:
        Impression.objects.all().delete()


# -- noting ----------------------------------------------------------------------------------------------------------


def note_shown(user: User, found: Found) -> str:
    """What a page showed, by a key that its links carry; "" while nothing is to be learned."""
    if not found.query or not found.moments or not is_on():
        return ""
    gains = recipes.active().gains
    shown = [
        {
            "video": moment.video.pk,
            "start": moment.start,
            "parts": {name: part / gains.get(name, 1.0) for name, part in moment.why.items()},
        }
        for moment in found.moments
    ]
    try:
        with transaction.atomic():
            return str(Impression.objects.create(searcher=user, query=found.query, shown=shown).key)
    except DatabaseError:  # a full disk is no reason not to search
        log.warning("a search could not be noted", exc_info=True)
        return ""


def note_followed(user: User, address: str, strength: float = OPENED) -> None:
    """Of `KEY.RANK` (from 0), as links have it; what is none, or somebody else's, is passed over."""
    key, _, rank = address.partition(".")
    number, known = parse_number(rank), parse_key(key)
    impression = Impression.objects.filter(key=known, searcher=user).first() if known else None
    if impression is not None and number is not None and number < len(impression.shown):
        done = impression.followed.get(rank, 0.0)
        impression.followed[rank] = min(done + strength, OPENED + PLAYED)
        try:
            with transaction.atomic():
                impression.save(update_fields=["followed"])
        except DatabaseError:
            log.warning("what was followed could not be noted", exc_info=True)


# -- learning --------------------------------------------------------------------------------------------------------


def read_shown() -> list[Shown]:
    """What was shown, with what was followed or called right of it; only where something was."""
    praised: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
    for judge, query, video, start in Judgement.objects.filter(good=True).values_list(
        "judge", "query", "video", "start"
    ):
        praised[judge, query].append((video, start))
    found = []
    for row in Impression.objects.order_by("pk").iterator():
        followed = np.zeros(len(row.shown))
        for place, item in enumerate(row.shown):
            good = any(
                item["video"] == video and abs(item["start"] - start) < NEAR
                for video, start in praised[row.searcher_id, row.query]
            )
            followed[place] = row.followed.get(str(place), 0.0) + PRAISED * good
        if followed.any():
            parts = np.array([[item["parts"].get(name, 0.0) for name in PARTS] for item in row.shown])
            found.append(Shown(row.query, parts, followed))
    return found


def tune(recipe: Recipe) -> Tuning | None:
    """Learn gains, and use them where they help searches that they were not learned from; None where there is too
    little to learn from.
    """
    shown = read_shown()
    followed = int(sum(np.count_nonzero(s.followed) for s in shown))
    if followed < MIN_FOLLOWED:
        return None
    before, after = compare(shown, len(PARTS))
    gains = dict(zip(PARTS, (round(float(gain), 3) for gain in learn(shown, len(PARTS))), strict=True))
    report: dict[str, float | bool | None] = {
        "searches": len(shown),
        "followed": followed,
        "before": round(before, 4),
        "after": round(after, 4),
        "judged_before": find_judged(recipe),
    }
    tuning = Tuning(recipe=recipe, gains=gains, report=report)
    if after >= before + MIN_BETTER:
        former = recipe.gains
        use(recipe, gains)
        report |= {"judged_after": find_judged(recipe), "used": True}
        if (report["judged_after"] or 0) < (report["judged_before"] or 0):  # what people called right comes first
            use(recipe, former)
            report["used"] = False
    tuning.save()
    return tuning


def find_judged(recipe: Recipe) -> float | None:
    """Share of what people called right that comes among the first; None where nothing was judged."""
    hits = []
    for row in Judgement.objects.filter(good=True).select_related("judge"):
        found = find_moments(row.judge, row.query, DEPTH, recipe=recipe).moments
        hits.append(any(meets(moment, row) for moment in found))
    return round(sum(hits) / len(hits), 4) if hits else None


def meets(moment: Moment, row: Judgement) -> bool:
    """Whether a moment is what somebody judged: times, as segments change with recipes."""
    return moment.video.pk == row.video_id and moment.start < row.end and row.start < moment.end


def use(recipe: Recipe, gains: dict[str, float]) -> None:
    """Rank with these gains from now on, and measure what chance reaches with them."""
    recipe.gains = gains
    recipe.save(update_fields=["gains"])
    background.refresh(recipe, anew=True)


def go_back() -> None:
    """Rank as before anything was learned."""
    recipe = recipes.active()
    if recipe.gains:
        use(recipe, {})


def sweep() -> None:
    """What is too old is forgotten; gains are learned where they are due, or wanted now."""
    Impression.objects.filter(made_at__lt=Now() - KEPT).delete()
    due = Q(learn_now=True) | Q(learned_at=None) | Q(learned_at__lt=Now() - EVERY)
    if IndexState.objects.filter(due, pk=1, learns=True, active__isnull=False).update(
        learn_now=False, learned_at=Now()
    ):
        tuning = tune(recipes.active())
        log.warning("learning from use: %s", tuning.report if tuning else "too little was followed")
