"""Labels that are taught by examples, for admins: from the thumbs of a search, and by judging what is doubtful."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from indexer.classifier import MIN_EXAMPLES
from webapp.models import Classifier, Judgement, Label, Tag, Video
from webapp.parsing import parse_key, parse_seconds
from webapp.people.access import signed_in
from webapp.pipeline import classifiers, doubts
from webapp.views.operations import only_admins

MAX_ASKED = 12  # moments that are asked about at once

# Of tags: how many stretches, in how many videos, for how long.
TAGGED = {"stretches": Count("pk"), "videos": Count("video", distinct=True), "seconds": Sum(F("end") - F("start"))}


@require_safe
@login_required
def labels(request: HttpRequest) -> HttpResponse:
    """What was taught, and the form that begins with another one."""
    only_admins(request)
    counted = Label.objects.annotate(good=count_examples(True), bad=count_examples(False)).exclude(good=0, bad=0)
    taught = list(counted.select_related("classifier"))
    seen = {
        row["name"]: row for row in Tag.objects.seen(label.name for label in taught).values("name").annotate(**TAGGED)
    }
    rows = [(label, seen.get(label.name)) for label in taught]
    return render(request, "labels.html", {"rows": rows, "kinds": Label.Kind.choices})


@require_safe
@login_required
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """What was judged and what should be; or with ?part only the state that is polled."""
    only_admins(request)
    found = get_object_or_404(Label.objects.select_related("classifier"), pk=pk)
    context: dict[str, Any] = {"label": found, **describe(found)}
    if "part" in request.GET:
        return render(request, "fragments/label_state.html", context)
    context["asked"] = doubts.find_doubts(found, signed_in(request), MAX_ASKED)
    context["examples"] = doubts.show_examples(found)
    return render(request, "label.html", context)


def count_examples(good: bool) -> Count:
    return Count("examples", filter=Q(examples__good=good))


def describe(found: Label) -> dict[str, Any]:
    """How far a label is learned, what of it was found, and how well that is known."""
    learned = getattr(found, "classifier", None)
    return {
        "learned": learned,
        "pending": isinstance(learned, Classifier) and learned.state != classifiers.digest(found, learned.recipe),
        "tagged": Tag.objects.seen([found.name]).aggregate(**TAGGED),
        "lacking": max(0, MIN_EXAMPLES - found.examples.filter(good=True).count()),
        "passed": Video.objects.filter(pk__lte=learned.reached).count() if learned else 0,
        "videos": Video.objects.count(),
    }


@require_POST
@login_required
def teach(request: HttpRequest) -> HttpResponse:
    """Begin with a label, or go on with it; the thumbs that were given to searches for its name are its examples."""
    only_admins(request)
    name = " ".join(request.POST.get("name", "").split())[:60]
    kind = request.POST.get("kind", "")
    if not name or kind not in Label.Kind.values:
        messages.error(request, _("Give the label a name."))
        return redirect("labels")
    found, _made = Label.objects.get_or_create(name=name, defaults={"kind": kind})
    for row in Judgement.objects.filter(query__iexact=name).select_related("video"):
        keep(found, row.video, row.start, row.end, row.good, request)
    return redirect("label", found.pk)


@require_POST
@login_required
def judge_example(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes, no, or neither any more."""
    only_admins(request)
    found, key = get_object_or_404(Label, pk=pk), parse_key(request.POST.get("video", ""))
    video = get_object_or_404(Video, key=key)
    start, end = (parse_seconds(request.POST.get(name, "")) for name in ("start", "end"))
    if start is None or end is None or not start < end <= video.duration + 1:
        return HttpResponse(status=400)
    if request.POST.get("good") in ("0", "1"):
        keep(found, video, start, end, request.POST["good"] == "1", request)
    else:
        found.examples.filter(video=video, start=round(start, 2)).delete()
    if request.headers.get("Accept", "").startswith("application/json"):
        return HttpResponse(status=204)
    return redirect("label", pk)


def keep(found: Label, video: Video, start: float, end: float, good: bool, request: HttpRequest) -> None:
    """Of a kind of video, the whole of it is an example."""
    if found.kind == Label.Kind.GENRE:
        start, end = 0.0, video.duration
    values = {"end": end, "good": good, "judge": signed_in(request)}
    found.examples.update_or_create(video=video, start=round(start, 2), defaults=values)


@require_POST
@login_required
def unteach(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget its examples and what was found by them; the label itself stays in the bank."""
    only_admins(request)
    found = get_object_or_404(Label, pk=pk)
    found.examples.all().delete()
    classifiers.forget(found)
    messages.success(request, _("“%(name)s” is no longer taught by examples.") % {"name": found.name})
    return redirect("labels")
