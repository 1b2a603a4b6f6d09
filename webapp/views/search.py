"""Search results: moments with picture, time, words and why."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from indexer.terms import terms
from webapp import searching
from webapp.access import signed_in

LIMIT = 24


@login_required
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    grouped = request.GET.get("by") != "moment"
    found = searching.find(signed_in(request), text, LIMIT)
    by_video: dict[int, list[searching.Moment]] = {}
    for moment in found.moments:
        by_video.setdefault(moment.video.pk, []).append(moment)
    groups = [(moments[0], moments[1:]) for moments in by_video.values()]
    context = {"found": found, "groups": groups, "grouped": grouped, "words": tuple(terms(text))}
    response = render(request, "search.html", context)
    response["X-Index"] = found.index  # which generation answered: for tests and for reports of errors
    return response
