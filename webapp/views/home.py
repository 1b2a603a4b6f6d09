"""Home: one search box, what is being processed, what is new, what may interest."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static

from webapp import recommending
from webapp.access import signed_in
from webapp.models import Video


@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    visible = Video.objects.visible_to(user)
    open_states = [Video.Status.PROCESSING, Video.Status.SEARCHABLE]
    return render(
        request,
        "home.html",
        {
            "recent": visible.exclude(status=Video.Status.FAILED)[:12],
            "working": Video.objects.editable_by(user).filter(status__in=open_states)[:6],
            "continued": user.viewings.filter(video__in=visible).select_related("video").order_by("-seen_at")[:4],
            "for_you": recommending.recommend(user, 6),
            "total": visible.count(),
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


def health(request: HttpRequest) -> JsonResponse:
    """For a proxy or a supervisor: the site answers."""
    return JsonResponse({"status": "ok"})
