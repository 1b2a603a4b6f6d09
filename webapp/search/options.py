"""What a query says of the videos that it wants: whose, in which collection, from when, how long, who speaks."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from indexer.query_language import Parsed, Part
from indexer.types import Ids
from webapp.models import Collection, Recipe, Segment, User, Utterance, Video
from webapp.parsing import parse_day, parse_length

Condition = dict[str, Any]


@dataclass(frozen=True)
class Narrowed:
    """The videos that remain, and why a part was left out, by where it begins."""

    videos: QuerySet[Video]
    problems: dict[int, str]


def narrow_videos(videos: QuerySet[Video], user: User | AnonymousUser, parsed: Parsed) -> Narrowed:
    """All parts count. A date is that of the recording where the file has one, else of the upload."""
    readers: dict[str, Callable[[str], Condition | str]] = {
        "by": lambda name: {"owner__username__iexact": name},
        "in": lambda name: {"pk__in": _videos_in(user, name)},
        "speaker": lambda name: {"pk__in": Utterance.objects.filter(speaker__iexact=name).values("video")},
        "before": lambda text: _read_day(text, "dated__date__lt"),
        "after": lambda text: _read_day(text, "dated__date__gte"),
        "longer": lambda text: _read_length(text, "duration__gte"),
        "shorter": lambda text: _read_length(text, "duration__lt"),
    }
    problems: dict[int, str] = {}
    parts = [part for part in parsed.parts if part.kind in readers]
    if parts:
        videos = videos.annotate(dated=Coalesce("recorded_at", "created_at"))
    for part in parts:
        condition = readers[part.kind](part.value)
        if isinstance(condition, str):
            problems[part.start] = condition
        else:
            videos = videos.filter(**condition)
    return Narrowed(videos, problems)


def _videos_in(user: User | AnonymousUser, name: str) -> Any:
    named = Collection.objects.visible_to(user).filter(name__iexact=name)
    return Collection.videos.through.objects.filter(collection__in=named).values("video")


def _read_day(text: str, lookup: str) -> Condition | str:
    day = parse_day(text)
    if day is None:
        return _("“%(value)s” is no date; write 2024-05-31, 2024-05 or 2024.") % {"value": text}
    return {lookup: day}


def _read_length(text: str, lookup: str) -> Condition | str:
    seconds = parse_length(text)
    if seconds is None:
        return _("“%(value)s” is no length; write 90s, 10m, 1h30m or 1:30:00.") % {"value": text}
    return {lookup: seconds}


def find_spoken_by(names: tuple[str, ...], recipe: Recipe, may_see: Ids) -> Ids:
    """The segments in which one of these people speaks."""
    said: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for name in names:
        rows = Utterance.objects.filter(speaker__iexact=name).values_list("video", "start", "end")
        for video, start, end in rows:
            said[video].append((start, end))
    seen = set(map(int, may_see))
    segments = Segment.objects.filter(recipe=recipe, video__in=[video for video in said if video in seen])
    found = [
        pk
        for pk, video, start, end in segments.values_list("pk", "video", "start", "end")
        if any(a < end and start < b for a, b in said[video])
    ]
    return np.array(found, np.int64)


def describe_part(part: Part) -> str:
    """What a part of a query asks for, in words."""
    return {
        "words": "",
        "phrase": _("exactly"),
        "without": _("without"),
        "title": _("in the title"),
        "speaker": _("said by"),
        "in": _("in the collection"),
        "by": _("uploaded by"),
        "before": _("before"),
        "after": _("from"),
        "longer": _("at least"),
        "shorter": _("shorter than"),
    }[part.kind]
