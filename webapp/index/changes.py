"""Noting that segments changed: a sequence number that every process compares, and tombstones for what is gone."""

from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from webapp.models import IndexState, Segment, Tombstone, Video


def mark_changed() -> int:
    """Tell every process that segments changed; the new sequence number. Call it first in a transaction: the row stays
    locked until the commit, so that numbers become visible in their order.
    """
    IndexState.objects.update_or_create(pk=1, defaults={}, create_defaults={"sequence": 0})
    IndexState.objects.filter(pk=1).update(sequence=F("sequence") + 1)
    return IndexState.objects.values_list("sequence", flat=True).get(pk=1)


def sequence_now() -> int:
    return IndexState.objects.values_list("sequence", flat=True).filter(pk=1).first() or 0


def note_rights(videos: Collection[int]) -> None:
    """Say that others may see these videos from now on, or no longer: they are news for searches that watch. An engine
    that keeps whose a moment is has to be told again; until it is, they are asked of their rows.
    """
    Video.objects.filter(pk__in=videos).update(opened_at=Now())
    if settings.KINOSCOPE_MOMENTS and videos:
        with transaction.atomic():
            Segment.objects.filter(video__in=videos).update(sequence=mark_changed())


def drop_segments(segments: QuerySet[Segment], sequence: int) -> None:
    """Delete segments and leave tombstones, because generations on disk still hold them."""
    gone = list(segments.values_list("pk", flat=True))
    Tombstone.objects.bulk_create((Tombstone(segment=pk, sequence=sequence) for pk in gone), ignore_conflicts=True)
    segments.all().delete()
