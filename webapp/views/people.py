"""What a person may do with their own account and data."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from webapp.media.export import archive, make_link, send, use_link
from webapp.models import Token, User
from webapp.people import audit, first_run, tokens
from webapp.people.access import signed_in
from webapp.uploads import intake


class AdminForm(BaseUserCreationForm):
    class Meta:
        model = User
        fields = ("username",)


class PasswordChange(PasswordChangeView):
    template_name = "password.html"
    success_url = reverse_lazy("home")


def welcome(request: HttpRequest) -> HttpResponse:
    """Who holds the key of the first run chooses the admin's name and password, and is signed in."""
    if not first_run.fits(request.GET.get("key", "")):
        raise Http404
    form = AdminForm(request.POST or None, instance=first_run.admin())
    if form.is_valid():
        user = form.save()
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        audit.note(request, "first run", user)
        return redirect("home")
    return render(request, "welcome.html", {"form": form})


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """What is kept here of this person; POST asks for a copy of it."""
    user = signed_in(request)
    link = None
    if request.method == "POST":
        link = make_link(user)
        audit.note(request, "export asked", user)
    return render(request, "account.html", {**describe(user), "link": link})


def describe(user: User) -> dict[str, Any]:
    return {
        "held_bytes": sum(user.videos.filter(original="").values_list("size_bytes", flat=True)),
        "free_bytes": intake.free_bytes(user),
        "counts": {"videos": user.videos.count(), "questions": user.questions.count()},
        "tokens": user.tokens.all(),
        "scopes": Token.Scope.choices,
    }


@require_POST
@login_required
def make_token(request: HttpRequest) -> HttpResponse:
    """A token for a program. The page that answers is the only one that ever shows it."""
    user = signed_in(request)
    scopes = [scope for scope in request.POST.getlist("scope") if scope in Token.Scope.values]
    name = request.POST.get("name", "").strip()
    if not (scopes and name):
        messages.error(request, _("A token needs a name and something that it may do."))
        return redirect("account")
    token = tokens.issue(user, name, scopes)
    audit.note(request, "token made", user, after=" ".join(scopes))
    return render(request, "account.html", {**describe(user), "token": token})


@require_POST
@login_required
def drop_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    get_object_or_404(user.tokens, pk=pk).delete()
    audit.note(request, "token ended", user)
    return redirect("account")


@require_safe
@login_required
def export(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """The archive; the address works once."""
    user = signed_in(request)
    if not use_link(user, str(key)):
        raise Http404
    audit.note(request, "export", user)
    made = archive(user)
    response = StreamingHttpResponse(send(made), content_type="application/zip")
    response["Content-Length"] = str(len(made))
    response["Content-Disposition"] = 'attachment; filename="kinoscope-export.zip"'
    return response
