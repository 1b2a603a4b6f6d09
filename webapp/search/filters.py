"""Narrowing a search: who uploaded it, when, how long it is, its language, its tags. All of it lives in the address."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from webapp.models import Tag, Utterance, Video
from webapp.parsing import parse_place

MAX_CHOICES = 12  # choices of a facet
NEAR = 0.1  # degrees of latitude around a place: 11 km
LENGTHS = {"short": (0, 60), "medium": (60, 600), "long": (600, 1e9)}  # seconds


@dataclass(frozen=True)
class Facet:
    """A choice with how many videos it leaves."""

    value: str
    name: str
    count: int
    chosen: bool


class Filters(forms.Form):
    """What may stand in the address; what makes no sense there is left out."""

    person = forms.CharField(required=False, max_length=150, widget=forms.HiddenInput)
    after = forms.DateField(required=False, label=_("Added from"), widget=forms.DateInput({"type": "date"}))
    before = forms.DateField(required=False, label=_("Added until"), widget=forms.DateInput({"type": "date"}))
    recorded_after = forms.DateField(required=False, label=_("Recorded from"), widget=forms.DateInput({"type": "date"}))
    recorded_before = forms.DateField(
        required=False, label=_("Recorded until"), widget=forms.DateInput({"type": "date"})
    )
    length = forms.ChoiceField(
        required=False,
        label=_("Length"),
        choices=[
            ("", _("any")),
            ("short", _("under 1 minute")),
            ("medium", _("1 to 10 minutes")),
            ("long", _("over 10 minutes")),
        ],
    )
    near = forms.CharField(
        required=False,
        max_length=60,
        label=_("Recorded near (latitude, longitude)"),
        widget=forms.TextInput({"placeholder": "48.8577, 2.2950"}),
    )
    language = forms.CharField(required=False, max_length=8, widget=forms.HiddenInput)
    speech = forms.ChoiceField(
        required=False,
        label=_("Speech"),
        choices=[("", _("any")), ("yes", _("with speech")), ("no", _("without speech"))],
    )
    tag = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    video = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.is_valid()

    def clean_near(self) -> tuple[float, float] | None:
        place = parse_place(self.cleaned_data["near"])
        if place is None and self.cleaned_data["near"]:
            raise forms.ValidationError(_("Give degrees, like 48.8577, 2.2950."))
        return place

    def wanted(self) -> dict[str, Any]:
        """The valid filters that are set."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def apply(self, videos: QuerySet[Video], without: str = "") -> QuerySet[Video]:
        """The videos that pass all filters but `without`."""
        chosen = {name: value for name, value in self.wanted().items() if name != without}
        conditions: dict[str, Callable[[Any], dict[str, Any]]] = {
            "person": lambda name: {"owner__username": name},
            "after": lambda day: {"created_at__date__gte": day},
            "before": lambda day: {"created_at__date__lte": day},
            "recorded_after": lambda day: {"recorded_at__date__gte": day},
            "recorded_before": lambda day: {"recorded_at__date__lte": day},
            "length": lambda name: {"duration__gte": LENGTHS[name][0], "duration__lt": LENGTHS[name][1]},
            "near": are_near,
            "video": lambda key: {"key": key},
        }
        for name, value in chosen.items():
            if name in conditions:
                videos = videos.filter(**conditions[name](value))
        if "language" in chosen:
            spoken = Utterance.objects.filter(language=chosen["language"]).values("video")
            videos = videos.filter(Q(language=chosen["language"]) | Q(pk__in=spoken))
        if "speech" in chosen:
            spoken = Utterance.objects.values("video")
            videos = videos.filter(pk__in=spoken) if chosen["speech"] == "yes" else videos.exclude(pk__in=spoken)
        if "tag" in chosen:
            videos = videos.filter(pk__in=Tag.objects.filter(name=chosen["tag"]).values("video"))
        return videos

    def facets(self, visible: QuerySet[Video]) -> dict[str, list[Facet]]:
        """Choices with counts, each under the other filters."""
        set_ = self.wanted()
        people = count(self.apply(visible, "person"), "owner__username")
        languages = count(self.apply(visible, "language").exclude(language=""), "language")
        tags = count_tags(self.apply(visible, "tag"))
        return {
            name: [Facet(value, value, n, set_.get(name) == value) for value, n in rows]
            for name, rows in (("person", people), ("language", languages), ("tag", tags[:MAX_CHOICES]))
        }


def are_near(place: tuple[float, float]) -> dict[str, Any]:
    """Within `NEAR` of latitude and as far to the east and west; not over the poles or the date line."""
    latitude, longitude = place
    wide = NEAR / max(0.1, math.cos(math.radians(latitude)))
    return {
        "latitude__range": (latitude - NEAR, latitude + NEAR),
        "longitude__range": (longitude - wide, longitude + wide),
    }


def count(videos: QuerySet[Video], column: str) -> list[tuple[str, int]]:
    rows = videos.order_by().values(column).annotate(n=Count("pk")).order_by("-n", column)[:MAX_CHOICES]
    return [(row[column], row["n"]) for row in rows]


def count_tags(videos: QuerySet[Video]) -> list[tuple[str, int]]:
    """Labels with the number of videos that have them, most frequent first. Moods are no labels."""
    tags = Tag.objects.filter(video__in=videos.order_by().values("pk")).exclude(kind="mood")
    return list(tags.order_by().values_list("name").annotate(n=Count("video", distinct=True)).order_by("-n", "name"))


def without_paging(parameters: QueryDict) -> QueryDict:
    """What of a search's address says what is searched, not which page of it is shown."""
    remaining = parameters.copy()
    for passing in ("page", "upto"):
        remaining.pop(passing, None)
    return remaining
