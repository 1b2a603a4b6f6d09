"""Search results: moments with picture, time, words and why."""

from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from webapp import searching
from webapp.access import signed_in

LIMIT = 24


@login_required
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    grouped = request.GET.get("by") != "moment"
    found = searching.find(signed_in(request), text, LIMIT)
    order = list(dict.fromkeys(m.video.pk for m in found.moments))
    ranked = sorted(found.moments, key=lambda m: order.index(m.video.pk)) if grouped else found.moments
    groups = [(v, list(ms)) for v, ms in groupby(ranked, key=lambda m: m.video)] if grouped else []
    return render(
        request,
        "search.html",
        {"found": found, "groups": groups, "grouped": grouped, "words": searching.encode(text).terms if text else ()},
    )
