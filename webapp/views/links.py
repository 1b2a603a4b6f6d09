"""Links for anybody, taken back at will: a moment, embeddable and known to oEmbed, and a conversation to be read."""

import uuid

from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_list_or_404, get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_POST, require_safe

from webapp.answers import threads
from webapp.media.embeds import fit, write_embed_code
from webapp.models import Question, SharedMoment, SharedThread, Video
from webapp.parsing import parse_address, parse_number, parse_seconds
from webapp.people import audit
from webapp.people.access import editable_video, signed_in
from webapp.views.media import pick_poster, picture, send_captions, send_video


@require_POST
@login_required
def share(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A link to this second, for whoever may change the video: it lets strangers in."""
    video = editable_video(request, key)
    start = min(parse_seconds(request.POST.get("start", "")) or 0.0, video.duration)
    shared = SharedMoment.objects.create(video=video, start=start, made_by=signed_in(request))
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


@require_POST
@login_required
def share_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    """A link to a conversation of one's own. What it holds of other people's videos stays theirs to show."""
    questions = get_list_or_404(Question, asker=signed_in(request), thread=thread)
    shared, _made = SharedThread.objects.get_or_create(thread=thread, defaults={"made_by": signed_in(request)})
    audit.note(request, "share conversation", signed_in(request), after=str(shared.key))
    messages.success(
        request,
        _("Whoever has the link can read this conversation now, as far as it is about videos that are yours."),
    )
    return redirect(threads.address(questions[0]))


@require_POST
@login_required
def unshare_thread(request: HttpRequest, thread: uuid.UUID) -> HttpResponse:
    shared = get_object_or_404(SharedThread, made_by=signed_in(request), thread=thread)
    shared.delete()
    audit.note(request, "unshare conversation", signed_in(request), before=str(shared.key))
    return redirect(threads.address(get_list_or_404(Question, asker=signed_in(request), thread=thread)[0]))


@require_safe
def shared_thread(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The conversation without what it says of videos that neither its person may share nor the reader may see."""
    shared = get_object_or_404(SharedThread.objects.select_related("made_by"), key=key)
    questions = get_list_or_404(shared.made_by.questions.order_by("pk"), thread=shared.thread)
    readable = threads.cited_in(Video.objects.visible_to(request.user), questions)
    context = {
        "questions": questions,
        "cited": readable | threads.cited_in(Video.objects.editable_by(shared.made_by), questions),
        "readable": readable,
        "made_by": shared.made_by,
    }
    return render(request, "shared_conversation.html", context)


def find_shared(key: uuid.UUID) -> SharedMoment:
    """What anybody may play who has the link."""
    return get_object_or_404(SharedMoment.objects.select_related("video__owner"), key=key)


@require_safe
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
def shared(request: HttpRequest, moment: uuid.UUID) -> HttpResponse:
    """The player alone: as a page, or in a frame of somebody's page."""
    found = find_shared(moment)
    return render(request, "shared.html", {"moment": found, "video": found.video, "here": address(request, found)})


def open_to_all(response: HttpResponseBase) -> HttpResponseBase:
    """Whoever has the link may play it inside any page, also in a sandboxed frame, which has no origin."""
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def shared_stream(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    return open_to_all(send_video(request, find_shared(moment).video))


@require_safe
def shared_poster(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    video = find_shared(moment).video
    return open_to_all(picture(request, video, pick_poster(video)))


@require_safe
def shared_captions(request: HttpRequest, moment: uuid.UUID) -> HttpResponseBase:
    return open_to_all(send_captions(find_shared(moment).video))


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """oEmbed 1.0 (https://oembed.com): what other sites ask to put the player into their page. JSON only."""
    if request.GET.get("format", "json") != "json":
        return HttpResponse(status=501)
    address_given = parse_address(request.GET.get("url", ""))
    try:
        found = resolve(address_given.path) if address_given else None
    except Resolver404:
        found = None
    if (
        address_given is None
        or found is None
        or address_given.netloc != request.get_host()
        or found.url_name != "shared"
    ):
        raise Http404
    moment = find_shared(found.kwargs["moment"])
    size = fit(moment.video, *(parse_number(request.GET.get(name, "")) for name in ("maxwidth", "maxheight")))
    return JsonResponse(
        {
            "version": "1.0",
            "type": "video",
            "provider_name": "Kinoscope",
            "provider_url": request.build_absolute_uri("/"),
            "title": moment.video.title,
            "author_name": moment.video.owner.username,
            "html": write_embed_code(moment.video, address(request, moment), size),
            "width": size[0],
            "height": size[1],
        },
        headers={"Access-Control-Allow-Origin": "*"},
    )


def address(request: HttpRequest, moment: SharedMoment) -> str:
    return request.build_absolute_uri(reverse("shared", args=[moment.key]))
