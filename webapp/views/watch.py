"""The watch page: a player with everything that is known about the video beside it."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from indexer.errors import EngineAway, IndexerError
from webapp.answers import claims
from webapp.media import documents, tracks
from webapp.messages import page_language
from webapp.models import Chapter, Video
from webapp.parsing import parse_seconds
from webapp.people import audit
from webapp.people.access import people_to_tick, signed_in, visible_video
from webapp.pipeline import estimates, ledger, tags
from webapp.search import feedback, footage, recommendations
from webapp.search.moments import MIN_CONFIDENCE, Found, Moment, find_moments, find_pictures
from webapp.search.queries import Wanted
from webapp.search.translation import translate
from webapp.views.questions import open_thread

DOCUMENTS = (
    ("transcript", gettext_lazy("Transcript")),
    ("chapters", gettext_lazy("Chapters")),
    ("summary", gettext_lazy("Summary")),
    ("answers", gettext_lazy("Your questions")),
)
MAX_HITS = 8  # of a search inside the video
MAX_SIMILAR_MOMENTS = 4  # moments of other videos beside the one that plays
MAX_SECONDS = 1e9  # longer than any video
RAIL_UNITS = 1000  # units that the timeline is wide


@require_safe
@login_required
def watch(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    video, user = visible_video(request, key), signed_in(request)
    may_edit = Video.objects.editable_by(user).filter(pk=video.pk).exists()
    audit.record_view(request, "watch", video)
    feedback.note_followed(user, request.GET.get("hit", ""))
    if not video.content_type:
        ledger.hurry(video, "proxy")
    segments = list(video.segments.active().prefetch_related("keyframes"))
    chapters = list(video.chapters.all())
    query = request.GET.get("q", "").strip()
    found = find_moments(user, Wanted(query), MAX_HITS, videos=[video.pk]) if query and segments else Found("")
    hits = choose_hits(found.moments)
    is_ready = video.status == Video.Status.READY
    conversation = open_thread(user, video, request.GET.get("thread", ""))
    return render(
        request,
        "watch.html",
        {
            "video": video,
            "may_edit": may_edit,
            "steps": [] if is_ready else estimates.watch(video.steps.all()),  # loaded where somebody opens them
            "ahead": 0 if is_ready else estimates.count_ahead(video),
            "utterances": video.utterances.all(),
            "segments": segments,
            "chapters": chapters,
            "player": set_up_player(video),
            "captions": tracks.list_captions(video),
            "inside": query,
            "words": found.reading.forms if found.reading else (),
            "hits": hits,
            "rail": lay_out(video, chapters, hits) if video.duration else None,
            "timeline": tags.lay_out(video),
            **conversation,
            "documents": [(kind, name) for kind, name in DOCUMENTS if kind != "answers" or conversation["asked"]],
            "forms": list(documents.FORMATS),
            **people_to_tick(video, may_edit),
            "tracks": tracks.list_choices(video) if may_edit else {},
            "visibilities": Video.Visibility.choices,
            "shared_moments": video.shared_moments.all() if may_edit else [],
            "origin": request.build_absolute_uri("/")[:-1],
        },
    )


@require_safe
@login_required
def similar(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The nearest other videos: a fragment that the page loads when its tab is opened."""
    found = recommendations.similar(signed_in(request), visible_video(request, key))
    return render(request, "fragments/similar_videos.html", {"similar": found})


@require_safe
@login_required
def compared(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What other videos say to its claims, and where its pictures are seen elsewhere: loaded with its tab."""
    user, video = signed_in(request), visible_video(request, key)
    held, context = claims.hold(user, video), dict[str, Any]()
    try:
        reused = footage.find_reused(user, video)
    except EngineAway as away:
        reused, context["away"] = [], away
    pictures = iter(find_pictures([item.place for item in held if item.place]))
    there = find_pictures([(item.video.pk, item.there) for item in reused])
    context["claims"] = [(item, next(pictures) if item.place else "") for item in held]
    context["reused"] = list(zip(reused, there, strict=True))
    return render(request, "fragments/compared.html", context)


@require_safe
@login_required
def near(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Where to go on from the moment at ?t: the moments of other videos that are most like it, one of each."""
    video, user = visible_video(request, key), signed_in(request)
    try:
        time = min(max(0.0, float(request.GET.get("t", "0"))), MAX_SECONDS)  # a player may say anything
    except ValueError:
        return HttpResponseBadRequest()
    # Addresses round to hundredths.
    here = video.segments.active().filter(start__lte=time + 0.01).order_by("-start").first()
    others = Video.objects.visible_to(user).exclude(pk=video.pk).values_list("pk", flat=True)
    found = find_moments(user, Wanted(like=(here.pk,)), MAX_SIMILAR_MOMENTS, "video", others) if here else None
    return render(request, "fragments/similar_moments.html", {"here": here, "moments": found.moments if found else []})


@require_safe
@login_required
def translation(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What is said at ?t, in the language of the page."""
    video, time = visible_video(request, key), parse_seconds(request.GET.get("t", ""))
    here = video.segments.active().filter(start__lte=(time or 0) + 0.01).order_by("-start").first()
    if time is None or here is None:
        raise Http404
    context: dict[str, Any] = {"segment": here}
    try:
        context["translation"] = translate(here, page_language())
    except IndexerError as error:
        context["problem"] = error
    return render(request, "fragments/translation.html", context)


def choose_hits(moments: Sequence[Moment]) -> list[Moment]:
    """Those that beat chance, in the order of time."""
    return sorted((m for m in moments if m.confidence >= MIN_CONFIDENCE), key=lambda m: m.start)


def lay_out(video: Video, chapters: Sequence[Chapter], hits: Sequence[Moment]) -> dict[str, Any]:
    """Chapters and hits as stretches (what, x, width) of a rail `RAIL_UNITS` units wide."""
    scale = RAIL_UNITS / video.duration

    def stretch(start: float, end: float) -> tuple[int, int]:
        return round(start * scale), max(4, round((min(end, video.duration) - start) * scale))

    return {
        "chapters": [(c, *stretch(c.start, c.end)) for c in chapters],
        "hits": [(m, *stretch(m.start, m.end)) for m in hits],
    }


def set_up_player(video: Video) -> dict[str, Any]:
    """Settings of Plyr: our own icons, words in the person's language, pictures to scrub by."""
    settings: dict[str, Any] = {
        "iconUrl": static("webapp/plyr/plyr-3.8.4.svg"),
        "title": video.title,
        "captions": {"active": not video.width, "language": "auto"},
        "i18n": {
            "play": _("Play"),
            "pause": _("Pause"),
            "seek": _("Seek"),
            "seekLabel": _("{currentTime} of {duration}"),
            "played": _("Played"),
            "buffered": _("Buffered"),
            "currentTime": _("Current time"),
            "duration": _("Duration"),
            "volume": _("Volume"),
            "mute": _("Mute"),
            "unmute": _("Unmute"),
            "enableCaptions": _("Show captions"),
            "disableCaptions": _("Hide captions"),
            "enterFullscreen": _("Full screen"),
            "exitFullscreen": _("Leave full screen"),
            "frameTitle": _("Player"),
            "captions": _("Captions"),
            "settings": _("Settings"),
            "pip": _("Picture in picture"),
            "menuBack": _("Back"),
            "speed": _("Speed"),
            "normal": _("Normal"),
            "disabled": _("Off"),
        },
    }
    if video.storyboard_tiles > 1:
        settings["previewThumbnails"] = {"enabled": True, "src": reverse("thumbnails", args=[video.key])}
    return settings
