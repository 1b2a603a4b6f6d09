"""Quality, for admins: what benchmarks measured over time, and what people said about results."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from webapp.index import recipes
from webapp.models import Impression, IndexState, Judgement, Measurement, Tuning, Video
from webapp.parsing import parse_key, parse_seconds
from webapp.people.access import signed_in
from webapp.search import feedback
from webapp.views.operations import only_admins

WIDTH, HEIGHT, MARGIN = 320, 90, 8  # units of a plot
MAX_ROWS = 50


@dataclass(frozen=True)
class Plot:
    """One number of one benchmark over time, as points of a drawing `WIDTH` × `HEIGHT`."""

    metric: str
    last: float
    least: float
    most: float
    points: tuple[tuple[float, float, float, datetime, int | None], ...]  # x, y, value, when, recipe

    @property
    def summary(self) -> str:
        """In words, for who can't see it."""
        return f"{self.metric}: {', '.join(str(value) for _x, _y, value, *_rest in self.points)}"

    @property
    def line(self) -> str:
        return " ".join(f"{x},{y}" for x, y, *_rest in self.points)


@require_safe
@login_required
def quality(request: HttpRequest) -> HttpResponse:
    only_admins(request)
    said = Judgement.objects.values("query").annotate(
        right=Count("pk", filter=Q(good=True)), wrong=Count("pk", filter=Q(good=False))
    )
    return render(
        request,
        "quality.html",
        {
            "benches": plot_all(),
            "judged": said.order_by("-right", "query")[:MAX_ROWS],
            "learns": feedback.is_on(),
            "impressions": Impression.objects.count(),
            "followed": Impression.objects.exclude(followed={}).count(),
            "tunings": Tuning.objects.select_related("recipe")[:10],
            "gains": recipes.active().gains,
            "width": WIDTH,
            "height": HEIGHT,
        },
    )


@require_POST
@login_required
def learn(request: HttpRequest) -> HttpResponse:
    """Let search learn from use or not, have it learn now, or go back to how it ranked before it learned."""
    only_admins(request)
    wanted = request.POST.get("do")
    if wanted in ("on", "off"):
        feedback.switch(wanted == "on")
        messages.success(request, _("Search learns from use.") if wanted == "on" else _("Search no longer learns."))
    elif wanted == "now":
        IndexState.objects.filter(pk=1).update(learn_now=True)
        messages.success(request, _("A worker learns within a minute, where enough was followed."))
    elif wanted == "back":
        feedback.go_back()
        messages.success(request, _("Search ranks as it did before it learned."))
    return redirect("quality")


def plot_all() -> list[tuple[str, list[Plot]]]:
    """Every benchmark that was kept, with a plot for each of its numbers."""
    values: dict[str, dict[str, list[tuple[float, datetime, int | None]]]] = defaultdict(lambda: defaultdict(list))
    for row in Measurement.objects.all():
        for metric, value in row.numbers.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values[row.bench][metric].append((float(value), row.measured_at, row.recipe_id))
    return [(bench, [plot(metric, series) for metric, series in found.items()]) for bench, found in values.items()]


def plot(metric: str, series: list[tuple[float, datetime, int | None]]) -> Plot:
    """In the order of measuring, evenly spaced; the axis begins at zero unless something is negative."""
    numbers = [value for value, _when, _recipe in series]
    least, most = min(0.0, *numbers), max(numbers)
    scale = (HEIGHT - 2 * MARGIN) / ((most - least) or 1.0)
    step = (WIDTH - 2 * MARGIN) / max(1, len(series) - 1)
    points = tuple(
        (round(MARGIN + i * step, 1), round(HEIGHT - MARGIN - (value - least) * scale, 1), value, when, recipe)
        for i, (value, when, recipe) in enumerate(series)
    )
    return Plot(metric, numbers[-1], least, most, points)


@require_POST
@login_required
def judge(request: HttpRequest) -> HttpResponse:
    """A thumb for a moment of a search: up, down, or taken back. It changes no ranking by itself."""
    user, query = signed_in(request), request.POST.get("q", "").strip()[:500]
    key = parse_key(request.POST.get("video", ""))
    video = Video.objects.visible_to(user).filter(key=key).first() if key else None
    start, end = (parse_seconds(request.POST.get(name, "")) for name in ("start", "end"))
    if video is None:
        raise Http404
    if start is None or end is None or not (query and start < end <= video.duration + 1):
        return HttpResponse(status=400)
    about: dict[str, Any] = {"judge": user, "query": query, "video": video, "start": round(start, 2)}
    if request.POST.get("good") in ("0", "1"):
        Judgement.objects.update_or_create(**about, defaults={"end": end, "good": request.POST["good"] == "1"})
    else:
        Judgement.objects.filter(**about).delete()
    if request.headers.get("Accept", "").startswith("application/json"):
        return HttpResponse(status=204)
    return redirect(f"{reverse('search')}?{urlencode({'q': query})}")
