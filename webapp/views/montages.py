"""Films of the library's own moments: asked for, followed, played by whom they are for, and made again."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from indexer.cues import lay_out
from indexer.types import Span, Utterance
from webapp.media import documents
from webapp.messages import base_language
from webapp.models import Montage, User
from webapp.operations import montages as making
from webapp.parsing import parse_number
from webapp.people.access import require_session, signed_in
from webapp.search.moments import find_pictures
from webapp.uploads import removal
from webapp.views.media import guard, send_file

LENGTHS = (30, 60, 120, 180)  # seconds
MAX_KEPT = 30  # of one person
Status = Montage.Status


@require_safe
@login_required
def montages(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    context = {"montages": user.montages.all(), "lengths": LENGTHS, "topic": request.GET.get("topic", "")[:200]}
    return render(request, "montages.html", context)


@require_POST
@login_required
def make_montage(request: HttpRequest) -> HttpResponse:
    """A worker begins within half a minute."""
    user, seconds = signed_in(request), parse_number(request.POST.get("seconds", ""))
    topic = " ".join(request.POST.get("topic", "").split())[:200]
    if not topic or seconds not in LENGTHS:
        messages.error(request, _("Say what the film is to be about, and how long."))
    elif user.montages.count() >= MAX_KEPT:
        messages.error(
            request, _("You have %(n)s films. Delete one before you have another one made.") % {"n": MAX_KEPT}
        )
    else:
        made = user.montages.create(
            topic=topic, seconds=seconds, has_music="music" in request.POST, language=get_language() or ""
        )
        return redirect("montage", made.key)
    return redirect("montages")


@require_safe
@login_required
def montage(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The film with its sources; or with ?part how far it is."""
    found = own(signed_in(request), key)
    is_shown = found.status == Status.READY and making.is_shown(found)
    pieces = list(found.pieces.select_related("video")) if is_shown else []
    pictures = find_pictures([(p.video_id, Span(p.start, p.end)) for p in pieces])
    context = {
        "montage": found,
        "is_shown": is_shown,
        "pieces": list(zip(pieces, pictures, strict=True)),
        "subtitles": base_language(found.language) if any(p.translated for p in pieces) else "",
    }
    return render(request, "fragments/montage_state.html" if "part" in request.GET else "montage.html", context)


@require_POST
@login_required
def change_montage(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Cancel it, make it again, or delete it."""
    found = own(signed_in(request), key)
    rows = Montage.objects.filter(pk=found.pk)
    if "delete" in request.POST:
        removal.remove_films(rows)
        return redirect("montages")
    if "cancel" in request.POST:
        rows.filter(status__in=[Status.QUEUED, Status.RENDERING]).update(status=Status.CANCELLED)
    elif "again" in request.POST:
        rows.exclude(status__in=[Status.QUEUED, Status.RENDERING]).update(status=Status.QUEUED, error_text="")
    return redirect("montage", key)


@require_safe
@require_session
def montage_video(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    found = get_shown(signed_in(request), key)
    return send_file(request, found.stored, "video/mp4", found.file)


@require_safe
@require_session
def montage_captions(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """What is said in it, in the languages in which it is said; with ?translated in that of the film, as far as
    something else was spoken.
    """
    found = get_shown(signed_in(request), key)
    told = [(piece.translated if "translated" in request.GET else []) or piece.words for piece in found.pieces.all()]
    lines = [Utterance(start, end, text) for rows in told for start, end, text in rows]
    text = documents.write_vtt([documents.Cue(cue.start, cue.end, cue.text) for cue in lay_out(lines)])
    return guard(HttpResponse(text, content_type="text/vtt; charset=utf-8"))


def own(user: User, key: uuid.UUID) -> Montage:
    return get_object_or_404(Montage.objects.select_related("owner"), key=key, owner=user)


def get_shown(user: User, key: uuid.UUID) -> Montage:
    found = own(user, key)
    if found.status != Status.READY or not making.is_shown(found):
        raise Http404
    return found
