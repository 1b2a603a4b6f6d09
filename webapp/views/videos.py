"""One video: its progress, its settings, what a person does about it."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from indexer import cues
from indexer.errors import translatable
from indexer.media import MAX_DURATION
from webapp.answers import study
from webapp.index.changes import note_rights
from webapp.media import subtitles, tracks
from webapp.messages import explain
from webapp.models import Dismissal, User, Utterance, Video, Viewing
from webapp.parsing import parse_number, parse_numbers, parse_seconds
from webapp.people import audit
from webapp.people.access import editable_video, signed_in, visible_video
from webapp.pipeline import estimates, ledger
from webapp.search import feedback
from webapp.uploads import removal

PLAYED_SECONDS = 8  # of one report from which on something counts as played
MAX_SPELLINGS = 4000  # characters: Whisper reads some 220 tokens of them
MAX_WORDS = 200  # characters that are replaced at once


@require_safe
@login_required
def progress(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The fragment that the page polls; it carries the status, so that the page knows when to reload."""
    video = visible_video(request, key)
    response = render(
        request,
        "fragments/step_progress.html",
        {
            "video": video,
            "steps": estimates.watch(video.steps.all()),
            "ahead": estimates.count_ahead(video),
            "may_edit": Video.objects.editable_by(signed_in(request)).filter(pk=video.pk).exists(),
        },
    )
    response["X-Video-Status"] = video.status
    return response


@require_POST
@login_required
def cancel(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    ledger.cancel(editable_video(request, key))
    return redirect("watch", key)


@require_POST
@login_required
def retry(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """All steps that did not end well, or the one named."""
    ledger.retry(editable_video(request, key), request.POST.get("step"))
    return redirect("watch", key)


@require_POST
@login_required
def edit(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Title, visibility and the people it is shared with."""
    video = editable_video(request, key)
    title = request.POST.get("title", "").strip()
    visibility = request.POST.get("visibility", "")
    if title:
        video.title = title[:200]
    before = video.visibility
    if visibility in Video.Visibility.values:
        video.visibility = visibility
    video.save(update_fields=["title", "visibility"])
    people = parse_numbers(request.POST.getlist("people"))
    is_shared = video.visibility == Video.Visibility.SHARED
    let_in, known = User.objects.filter(pk__in=people if is_shared else []), set(video.shared_with.all())
    video.shared_with.set(let_in)
    if before != video.visibility or (is_shared and set(let_in) != known):
        note_rights([video.pk])
    audit.note(request, "edit", video, before, video.visibility)
    messages.success(request, _("Saved."))
    return redirect("watch", key)


@require_POST
@login_required
def delete(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    video = editable_video(request, key)
    removal.remove(video)
    audit.note(request, "delete", video)
    messages.success(request, _("“%(title)s” was deleted.") % {"title": video.title})
    return redirect("library")


@require_POST
@login_required
def bring_subtitles(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A VTT, SRT or ASS file becomes the transcript."""
    video = editable_video(request, key)
    file = request.FILES.get("subtitles")
    try:
        if file is None:
            raise cues.BadSubtitles(translatable("Choose a file first."))
        data = file.read(cues.MAX_BYTES + 1)
        found = cues.read_file(file.name or "", data, video.duration or MAX_DURATION)
        subtitles.replace(video, found)
        audit.note(request, "subtitles", video, after=str(len(found)))
        messages.success(request, _("%(n)d subtitles are the transcript now.") % {"n": len(found)})
    except cues.BadSubtitles as refusal:
        messages.error(request, explain(refusal))
    return redirect("watch", key)


@require_POST
@login_required
def choose_tracks(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Which sound is played and listened to, and where the transcript comes from."""
    video = editable_video(request, key)
    sound, words = parse_number(request.POST.get("sound", "")), request.POST.get("words", "")
    if not tracks.choose(video, sound, words):
        return HttpResponse(status=400)
    audit.note(request, "tracks", video, after=f"{sound} {words}".strip())
    messages.success(request, _("Saved. The video is understood anew."))
    return redirect("watch", key)


@require_POST
@login_required
def make_qualities(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Several qualities and all sounds, for slow lines and other languages; the step shows how far it is."""
    video = editable_video(request, key)
    if video.info.has_video:
        ledger.add(video, "streams")
        audit.note(request, "qualities", video)
    return redirect("watch", key)


@require_POST
@login_required
def spell(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Names and terms that are likely to be spoken; the video is heard again with them."""
    video = editable_video(request, key)
    video.spellings = request.POST.get("spellings", "").strip()[:MAX_SPELLINGS]
    video.save(update_fields=["spellings"])
    tracks.hear_again(video)
    audit.note(request, "spellings", video)
    messages.success(request, _("Saved. The video is understood anew."))
    return redirect("watch", key)


@require_POST
@login_required
def respell(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A word that is written wrong in many lines, of this video or of all that the person may edit."""
    video = editable_video(request, key)
    old, new = (cues.clean(request.POST.get(name, ""))[:MAX_WORDS] for name in ("old", "new"))
    if not old or not new:
        messages.error(request, _("Write what is wrong and what is right."))
        return redirect("watch", key)
    videos = Video.objects.editable_by(signed_in(request))
    count = subtitles.respell_everywhere(videos if "all" in request.POST else videos.filter(pk=video.pk), old, new)
    audit.note(request, "respell", video, old, new)
    messages.success(request, ngettext("%(n)d line was changed.", "%(n)d lines were changed.", count) % {"n": count})
    return redirect(f"{reverse('watch', args=[key])}#transcript")


@require_POST
@login_required
def correct(request: HttpRequest, key: uuid.UUID, line: int) -> HttpResponse:
    """Somebody who knows better mends a line of the transcript; an empty one is removed."""
    video = editable_video(request, key)
    utterance = get_object_or_404(Utterance, pk=line, video=video)
    text = cues.clean(request.POST.get("text", ""))
    if text != utterance.text:
        subtitles.correct(utterance, text)
        audit.note(request, "correct", video)
        messages.success(request, _("Corrected. What is searched and summarised follows in a moment."))
    return redirect(f"{reverse('watch', args=[video.key])}?t={utterance.start:.2f}#transcript")


@require_POST
@login_required
def dismiss(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Not interested: it is not recommended again, and what is like it less."""
    Dismissal.objects.get_or_create(viewer=signed_in(request), video=visible_video(request, key))
    return redirect("home")


@require_POST
@login_required
def watched(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The player reports every few seconds where it is, how long it played, and where it was stopped or set back."""
    video, user = visible_video(request, key), signed_in(request)
    position, seconds = (parse_seconds(request.POST.get(name, "")) for name in ("position", "seconds"))
    if position is None or seconds is None or position > video.duration + 1 or seconds > 60:
        return HttpResponse(status=400)
    if seconds >= PLAYED_SECONDS:
        feedback.note_followed(user, request.POST.get("hit", ""), feedback.PLAYED)
    Viewing.objects.get_or_create(viewer=user, video=video)
    Dismissal.objects.filter(viewer=user, video=video).delete()  # whoever plays it after all is interested
    Viewing.objects.filter(viewer=user, video=video).update(
        position=position, watched_seconds=F("watched_seconds") + seconds
    )
    study.note_pauses(user, video, parse_numbers(request.POST.getlist("paused")))
    return HttpResponse(status=204)
