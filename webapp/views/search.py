"""Search by words, a picture or a moment. The address of a page says all that it shows."""

import uuid
from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from indexer.errors import IndexerError, UnreadableMedia
from indexer.queries import PARTS
from webapp import engine
from webapp.messages import explain
from webapp.models import PictureQuery, SavedSearch, Video
from webapp.parsing import parse_number
from webapp.people.access import signed_in
from webapp.search import addresses, alerts, feedback, pictures
from webapp.search.completion import complete, remember
from webapp.search.filters import Filters, without_paging
from webapp.search.moments import find_moments, group_by_video

PAGE_SIZE = 12
MAX_PAGES = 20


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    visible = Video.objects.visible_to(user)
    filters = Filters(request.GET)
    wanted, pointed = addresses.read(request.GET, user, visible)
    page = min(parse_number(request.GET.get("page", "")) or 1, MAX_PAGES)
    scope = filters.apply(visible).values_list("pk", flat=True) if filters.wanted() else None
    found = find_moments(user, wanted, PAGE_SIZE * page + 1, videos=scope)
    shown = found.moments[PAGE_SIZE * (page - 1) : PAGE_SIZE * page]
    if wanted.text and page == 1:
        remember(user, wanted.text)
    grouped = request.GET.get("by") != "moment"
    unfiltered = [pair for pair in pairs(without_paging(request.GET)) if pair[0] not in filters.fields]
    context = {
        "found": found,
        "wanted": wanted,
        "pointed": pointed,
        "moments": shown,
        "groups": [
            (first, [other for other in others if other.start not in first.said_at])
            for first, *others in group_by_video(shown).values()
        ],
        "grouped": grouped,
        "words": found.reading.forms if found.reading else (),
        "filters": filters,
        "facets": filters.facets(visible) if wanted else {},
        "page": page,
        "more": len(found.moments) > PAGE_SIZE * page and page < MAX_PAGES,
        "parts": [(part, part not in wanted.off) for part in PARTS],
        "judged": {
            (video, start): good
            for video, start, good in user.judgements.filter(query=found.query).values_list("video_id", "start", "good")
        },
        "saved": user.saved_searches.all()[:20],
        "recent": user.recent_searches.all()[:10],
        "translates": engine.translates(),
        "query": request.GET.urlencode(),
        "kept": unfiltered,
        "unfiltered": urlencode(unfiltered),
        "facet_names": [("person", _("Uploaded by")), ("language", _("Language")), ("tag", _("Tag"))],
    }
    if page == 1:
        context["impression"] = feedback.note_shown(user, replace(found, moments=shown))
    response = render(request, "search.html", context)
    response["X-Index"] = found.index  # which generation answered: for tests and for reports of errors
    return response


def pairs(parameters: QueryDict) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in parameters.lists() for value in values]


@require_POST
@login_required
def search_picture(request: HttpRequest) -> HttpResponse:
    """A picture from somebody's disk: into the box, then to the address that searches with it."""
    file = request.FILES.get("picture")
    try:
        if file is None:
            raise UnreadableMedia("No picture arrived. Choose a JPEG, PNG or WebP of at most 16 MB.")
        kept = pictures.store_picture(signed_in(request), file)
    except IndexerError as error:
        messages.error(request, explain(error))
        return redirect("search")
    return redirect(f"{reverse('search')}?picture={kept.key}")


@require_safe
@login_required
def picture_searched(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The picture itself, as the box wrote it, for whom brought it."""
    kept = get_object_or_404(PictureQuery, key=key, owner=signed_in(request))
    return HttpResponse(bytes(kept.picture), content_type="image/jpeg", headers={"X-Content-Type-Options": "nosniff"})


@require_safe
@login_required
def suggest(request: HttpRequest) -> JsonResponse:
    """How what was typed may go on; the key is no `q`, so that typing does not count as searching."""
    user = signed_in(request)
    offered = complete(user, Video.objects.visible_to(user), request.GET.get("beginning", "")[:100])
    return JsonResponse({"suggestions": offered})


@require_POST
@login_required
def save_search(request: HttpRequest) -> HttpResponse:
    """Keep the address of a search by its words; and tell of new videos that fit, where that is wanted."""
    user = signed_in(request)
    parameters = without_paging(QueryDict(request.POST.get("query", "")[:2000]))
    name = parameters.get("q", "").strip()[:200] or _("Search by picture")
    if parameters:
        kept, _made = SavedSearch.objects.get_or_create(
            owner=user, query=parameters.urlencode()[:2000], defaults={"name": name}
        )
        messages.success(request, _("The search is saved."))
        if request.POST.get("watch") == "1":
            alerts.watch(kept, True, get_language() or "")
            return redirect("alerts")
    return redirect(f"{reverse('search')}?{parameters.urlencode()}")


@require_POST
@login_required
def forget_searches(request: HttpRequest) -> HttpResponse:
    """One of one's own recent searches, or all of them."""
    recent = signed_in(request).recent_searches
    text = request.POST.get("text", "")
    (recent.filter(text=text) if text else recent.all()).delete()
    return redirect("search")


@require_POST
@login_required
def drop_search(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(SavedSearch, pk=pk, owner=signed_in(request)).delete()
    return redirect("search")
