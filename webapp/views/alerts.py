"""Alerts: what saved searches watched for and found, how one is told of it, and the feed."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.syndication.views import Feed
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from indexer.types import Span
from webapp.messages import clock
from webapp.models import Alert, SavedSearch, User
from webapp.people.access import signed_in
from webapp.search import alerts as watching
from webapp.search.moments import find_pictures

MAX_SHOWN = 60


@require_safe
@login_required
def alerts(request: HttpRequest) -> HttpResponse:
    """What was found, newest first; from now on it counts as seen."""
    user = signed_in(request)
    shown = list(watching.list_alerts(user)[:MAX_SHOWN])
    pictures = find_pictures([(alert.video_id, Span(alert.start, alert.end)) for alert in shown])
    unseen = user.unseen_alerts
    if unseen:
        User.objects.filter(pk=user.pk).update(unseen_alerts=0)
        user.unseen_alerts = 0
    return render(
        request,
        "alerts.html",
        {
            "alerts": [
                (alert, picture, place < unseen)
                for place, (alert, picture) in enumerate(zip(shown, pictures, strict=True))
            ],
            "searches": user.saved_searches.all(),
            "feed": request.build_absolute_uri(reverse("alert-feed", args=[user.feed_key])) if user.feed_key else "",
            "mails": bool(settings.KINOSCOPE_MAIL),
            "choices": User.AlertMail.choices,
            "webhooks": user.webhooks.filter(enabled=True).count(),
            "failed": user.deliveries.exclude(error="").first(),
        },
    )


@require_POST
@login_required
def watch_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Be told of what comes from now on, or of nothing any more."""
    search = get_object_or_404(SavedSearch, pk=pk, owner=signed_in(request))
    watching.watch(search, request.POST.get("on") == "1", get_language() or "")
    return redirect("alerts")


@require_POST
@login_required
def set_alerts(request: HttpRequest) -> HttpResponse:
    """How one is told: by mail, and whether there is an address for feed readers."""
    user = signed_in(request)
    changed: dict[str, Any] = {}
    if "mail" in request.POST and settings.KINOSCOPE_MAIL:
        wanted, email = request.POST["mail"], request.POST.get("email", "").strip()
        try:
            if wanted:
                validate_email(email)
        except ValidationError:
            messages.error(request, _("“%s” is no mail address.") % email[:100])
            return redirect("alerts")
        if wanted in User.AlertMail.values:
            changed |= {"alert_mail": wanted, "email": email or user.email, "digested_at": Now()}
    if "feed" in request.POST:
        changed["feed_key"] = uuid.uuid4() if request.POST["feed"] == "1" else None
    if changed:
        User.objects.filter(pk=user.pk).update(**changed)
    return redirect("alerts")


class AlertFeed(Feed):
    """Atom, for whoever holds the address: its key is the permission, and another one can be made."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, key: uuid.UUID) -> User:
        return get_object_or_404(User, feed_key=key, is_active=True)

    def title(self, user: User) -> str:
        return _("Kinoscope: alerts of %s") % user.username

    def link(self, user: User) -> str:
        return reverse("alerts")

    def items(self, user: User) -> Iterable[Alert]:
        return watching.list_alerts(user)[:MAX_SHOWN]

    def item_title(self, item: Any) -> str:
        return f"{item.search.name}: {item.video.title}"

    def item_description(self, item: Any) -> str:
        return _("%(from)s–%(to)s, %(share)s %% sure") % {
            "from": clock(item.start),
            "to": clock(item.end),
            "share": round(100 * item.confidence),
        }

    def item_link(self, item: Any) -> str:
        return f"{reverse('watch', args=[item.video.key])}?t={item.start:.2f}"

    def item_guid(self, item: Any) -> str:
        return f"urn:kinoscope:alert:{item.pk}"

    def item_pubdate(self, item: Any) -> datetime:
        return item.found_at  # type: ignore[no-any-return]
