"""Home: one search box, what is being processed, what is new, what may interest."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static

from webapp.models import Step, Video
from webapp.people.access import signed_in
from webapp.search import recommendations
from webapp.views.models import list_models


@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    visible = Video.objects.visible_to(user)
    total = visible.count()
    recent = list(visible.exclude(status=Video.Status.FAILED).select_related("owner")[:12])
    open_states = [Video.Status.PROCESSING, Video.Status.SEARCHABLE]
    return render(
        request,
        "home.html",
        {
            "recent": recent,
            "working": Video.objects.editable_by(user)
            .filter(status__in=open_states)
            .annotate(
                all_steps=Count("steps"),
                done_steps=Count("steps", filter=Q(steps__status=Step.Status.DONE)),
                running_steps=Count("steps", filter=Q(steps__status=Step.Status.RUNNING)),
            )[:6],
            "continued": user.viewings.filter(video__in=visible)
            .select_related("video__owner")
            .order_by("-seen_at")[:4],
            # What is only new stands below already.
            "for_you": [
                item for item in recommendations.recommend(user, 6) if item.because or item.video not in recent
            ],
            "total": total,
            # For the admin of an empty library: what this installation works with, where to begin.
            "welcome": user.is_superuser and not total,
            "models": list_models() if user.is_superuser and not total else [],
        },
    )


def accessibility(request: HttpRequest) -> HttpResponse:
    """What works for whom, what does not yet, and how to say so. Anybody may read it."""
    return render(request, "accessibility.html")


def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for beside pages that name no icon.

    A 404 page would bring a CSRF cookie of its own, which could overtake that of the sign-in form.
    """
    return redirect(static("webapp/icon.svg"))
