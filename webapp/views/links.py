"""Moments for anybody: a link that plays without signing in, embeddable, known to oEmbed, taken back at will."""

import uuid
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from webapp.models import SharedMoment, Video
from webapp.parsing import parse_number
from webapp.people import audit
from webapp.people.access import editable_video, signed_in
from webapp.views.media import pick_poster, picture, send_captions, send_video

WIDTH, HEIGHT = 640, 360  # of an embedded player, unless its place is smaller


@require_POST
@login_required
def share(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A link to this second, for whoever may change the video: it lets strangers in."""
    video = editable_video(request, key)
    try:
        start = float(request.POST.get("start") or 0)
    except ValueError:
        start = 0.0
    shared = SharedMoment.objects.create(
        video=video, start=min(max(start, 0.0), video.duration) if start == start else 0.0, made_by=signed_in(request)
    )
    audit.note(request, "share moment", video, after=str(shared.key))
    messages.success(request, _("Whoever has the link can play this video now. You can take it back here."))
    return redirect(f"{reverse('watch', args=[video.key])}#settings")


@require_POST
@login_required
def unshare(request: HttpRequest, key: uuid.UUID, moment: uuid.UUID) -> HttpResponse:
    video = editable_video(request, key)
    get_object_or_404(video.shared_moments, key=moment).delete()
    audit.note(request, "unshare moment", video, before=str(moment))
    return redirect(f"{reverse('watch', args=[video.key])}#settings")


def find_shared(key: uuid.UUID) -> SharedMoment:
    """What anybody may play who has the link."""
    return get_object_or_404(SharedMoment.objects.select_related("video__owner"), key=key)


@require_GET
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
def shared(request: HttpRequest, moment: uuid.UUID) -> HttpResponse:
    """The player alone: as a page, or in a frame of somebody's page."""
    found = find_shared(moment)
    return render(request, "shared.html", {"moment": found, "video": found.video, "here": address(request, found)})


@require_safe
def shared_stream(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    return send_video(request, find_shared(moment).video)


@require_safe
def shared_poster(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    video = find_shared(moment).video
    return picture(request, video, pick_poster(video))


@require_safe
def shared_captions(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    return send_captions(find_shared(moment).video)


@require_GET
def oembed(request: HttpRequest) -> HttpResponse:
    """oEmbed 1.0 (https://oembed.com): what other sites ask to put the player into their page. JSON only."""
    if request.GET.get("format", "json") != "json":
        return HttpResponse(status=501)
    asked = urlsplit(request.GET.get("url", ""))
    try:
        found = resolve(asked.path)
    except Resolver404:
        raise Http404 from None
    if asked.netloc != request.get_host() or found.url_name != "shared":
        raise Http404
    moment = find_shared(found.kwargs["moment"])
    width, height = fit(request.GET.get("maxwidth", ""), request.GET.get("maxheight", ""))
    return JsonResponse(
        {
            "version": "1.0",
            "type": "video",
            "provider_name": "Kinoscope",
            "provider_url": request.build_absolute_uri("/"),
            "title": moment.video.title,
            "author_name": moment.video.owner.username,
            "html": frame(moment.video, address(request, moment), width, height),
            "width": width,
            "height": height,
        },
        headers={"Access-Control-Allow-Origin": "*"},
    )


def address(request: HttpRequest, moment: SharedMoment) -> str:
    return request.build_absolute_uri(reverse("shared", args=[moment.key]))


def frame(video: Video, here: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The HTML that embeds it."""
    context = {"video": video, "here": here, "width": width, "height": height}
    return render_to_string("fragments/embed_code.html", context).strip()


def fit(most_wide: str, most_high: str) -> tuple[int, int]:
    """The largest 16:9 up to `WIDTH` that fits."""
    wide, high = ((WIDTH if n is None else n) for n in map(parse_number, (most_wide, most_high)))
    width = max(1, min(WIDTH, wide, high * 16 // 9))
    return width, max(1, width * 9 // 16)
