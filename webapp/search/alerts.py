"""Saved searches that watch: each new video is held against them, and what surely fits becomes an alert.

Only what a person may see is looked at, and what they may no longer see is not told of any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce, Greatest, Now
from django.http import QueryDict

from webapp.models import Alert, Delivery, Label, SavedSearch, Tag, User, Video
from webapp.search.addresses import read
from webapp.search.filters import Filters
from webapp.search.moments import LITERAL_CONFIDENCE, find_moments

# Calibrated confidence from which on somebody is told: that of words which are all said or written. Of 151 held-out
# photos of Flickr8k as videos, each watched for by one of its captions, 86 % are told of, and at most 4 % of the
# others, some of which fit, too (93 and 7 % at 0.5, 65 and 2 % at 0.9).
MIN_CONFIDENCE = LITERAL_CONFIDENCE
NEWS = Greatest("ready_at", Coalesce("opened_at", "ready_at"))  # when somebody may see it who might not before
MAX_AT_ONCE = 200  # new videos that are looked at together


@dataclass(frozen=True)
class Sighting:
    """What fits in a new video, in seconds."""

    video: int
    start: float
    end: float
    confidence: float


def sweep() -> None:
    """Hold what became ready, or was opened to others, since against every search that watches."""
    newest = Video.objects.filter(ready_at__isnull=False).aggregate(newest=Max(NEWS))["newest"]
    if newest is None:
        return
    for search in SavedSearch.objects.filter(watched_from__lt=newest).select_related("owner"):
        look(search)


def look(search: SavedSearch) -> None:
    """The next new videos; what was looked at is not looked at again, unless others were let in since."""
    fresh = Video.objects.filter(ready_at__isnull=False).annotate(news_at=NEWS)
    fresh = fresh.filter(news_at__gt=search.watched_from).order_by("news_at")
    rows = list(fresh.values_list("pk", "news_at")[:MAX_AT_ONCE])
    if not rows:
        return
    told = set(search.alerts.values_list("video", flat=True))
    found = list(find_new(search, [pk for pk, _news in rows if pk not in told]))
    with transaction.atomic():
        behind = SavedSearch.objects.filter(pk=search.pk, watched_from__lt=rows[-1][1])
        if behind.update(watched_from=rows[-1][1]) and found:
            tell(search, found)


def find_new(search: SavedSearch, videos: Sequence[int]) -> Iterator[Sighting]:
    """Of these videos what its owner may see, passes the filters, and fits above `MIN_CONFIDENCE`."""
    parameters = QueryDict(search.query)
    visible = Video.objects.visible_to(search.owner)
    filters = Filters(parameters)
    scope = list(filters.apply(visible.filter(pk__in=videos)).values_list("pk", flat=True))
    wanted, _pointed = read(parameters, search.owner, visible)
    if not scope or not search.owner.is_active:
        return
    if filters.wanted().get("tag") == wanted.text and Label.objects.taught().filter(name=wanted.text).exists():
        for tag in Tag.objects.seen([wanted.text]).filter(video__in=scope).best_of_each():
            yield Sighting(tag.video_id, tag.start, tag.end, tag.confidence)
        return
    found = find_moments(search.owner, wanted, len(scope), "video", scope)
    if found.missing is not None:  # a model or the engine: nothing is passed over, the next sweep looks again
        raise found.missing
    for moment in found.moments:
        if moment.confidence >= MIN_CONFIDENCE:
            yield Sighting(moment.video.pk, moment.start, moment.end, moment.confidence)


def tell(search: SavedSearch, found: Sequence[Sighting]) -> None:
    """Alerts, and messages about them to wherever their owner wants them."""
    made = Alert.objects.bulk_create(
        Alert(search=search, video_id=s.video, start=s.start, end=s.end, confidence=s.confidence) for s in found
    )
    User.objects.filter(pk=search.owner_id).update(unseen_alerts=F("unseen_alerts") + len(made))
    hooks = list(search.owner.webhooks.filter(enabled=True))
    channels = [*hooks, *([None] if search.owner.alert_mail == User.AlertMail.NOW else [])]
    for webhook in channels:
        Delivery.objects.create(owner=search.owner, webhook=webhook, due_at=Now()).alerts.set(made)


def list_alerts(user: User, since: datetime | None = None) -> QuerySet[Alert]:
    """What this person was told of and may still see, newest first."""
    rows = Alert.objects.filter(search__owner=user, video__in=Video.objects.visible_to(user))
    if since is not None:
        rows = rows.filter(found_at__gt=since)
    return rows.select_related("video", "search")


def watch(search: SavedSearch, on: bool, language: str) -> None:
    """Tell its owner of what comes from now on, or of nothing any more."""
    SavedSearch.objects.filter(pk=search.pk).update(language=language, watched_from=Now() if on else None)
