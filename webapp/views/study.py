"""Study mode: the cards of a video, being asked, how far one is, and a path through a collection."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.answers import paths
from webapp.answers import study as learning
from webapp.models import Collection, Review, Video
from webapp.people.access import signed_in, visible_video


@require_safe
@login_required
def study(request: HttpRequest) -> HttpResponse:
    """What is due, and every video that one learns from."""
    user = signed_in(request)
    progress = learning.list_progress(user)
    context = {
        "due": learning.due(user).count(),
        "progress": progress,
        "next": paths.recommend(user, [row.video for row in progress]),
    }
    return render(request, "study.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def study_video(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Its terms and cards; POST begins to learn them."""
    user, video = signed_in(request), visible_video(request, key)
    cards = learning.list_cards(user, video)
    if request.method == "POST":
        learning.begin(user, cards)
        return redirect("study-next")
    may_teach = Video.objects.editable_by(user).filter(pk=video.pk).exists()
    context = {
        "video": video,
        "cards": cards,
        "terms": [card for card in cards if card.term],
        "begun": Review.objects.filter(learner=user, card__in=cards).count(),
        "due": learning.due(user, video).count(),
        "before": paths.find_before(user, video),
        "after": paths.find_after(user, video),
        "hard": learning.find_hard_cards(video) if may_teach else [],
        "places": learning.find_hard_places(video) if may_teach else [],
    }
    return render(request, "study_video.html", context)


@require_safe
@login_required
def study_next(request: HttpRequest) -> HttpResponse:
    """The card that is due longest; ?reveal shows its back."""
    user = signed_in(request)
    waiting = learning.due(user)
    context = {"review": waiting.first(), "left": waiting.count(), "reveal": "reveal" in request.GET}
    return render(request, "study_next.html", context)


@require_POST
@login_required
def rate_card(request: HttpRequest, pk: int) -> HttpResponse:
    """How well it was known."""
    user = signed_in(request)
    visible = Video.objects.visible_to(user)
    review = get_object_or_404(Review, pk=pk, learner=user, card__video__in=visible)
    if request.POST.get("rating", "") not in learning.RATINGS:
        return HttpResponse(status=400)
    learning.rate(review, request.POST["rating"])
    return redirect("study-next")


@require_safe
@login_required
def study_cards(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """For Anki."""
    video = visible_video(request, key)
    address = request.build_absolute_uri(reverse("watch", args=[video.key]))
    text = learning.write_anki(learning.list_cards(signed_in(request), video), video, address)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="kinoscope-cards.txt"'
    return response


@require_safe
@login_required
def study_path(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A collection in the order in which it is best watched."""
    user = signed_in(request)
    shelf = get_object_or_404(Collection.objects.visible_to(user), key=key)
    return render(request, "study_path.html", {"collection": shelf, "path": paths.find_path(user, shelf)})
