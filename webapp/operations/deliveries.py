"""Alerts on their way out: mails and webhooks that a worker sends, again and again where they fail; digests of a week.

What somebody may no longer see is left out when a message is written, not when it was queued.
"""

import logging
import smtplib
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.messages import speaking
from webapp.models import Alert, Delivery, User, Video
from webapp.operations import webhooks
from webapp.search.alerts import list_alerts

log = logging.getLogger(__name__)

# Seconds until a message that failed is tried again; after the last it is given up. Some five hours in all.
DELAYS = (30, 120, 600, 3600, 14_400)
WEEK = timedelta(days=7)
LATE = Q(digested_at__lt=Now() - WEEK)  # whose last digest is old
MAX_AT_ONCE = 20  # messages of one sweep
MAX_SECONDS = 10.0  # after which the rest waits for the next one: addresses that are silent hold up nothing else
MAX_NEW = 20  # videos that a digest names
TEST: dict[str, Any] = {"type": "test", "data": {}}  # what an admin sends to try an address


def sweep() -> None:
    """Write the digests that are due, and send what is."""
    late = User.objects.filter(is_active=True, alert_mail=User.AlertMail.WEEK)
    for user in late.filter(LATE):
        queue_digest(user)
    begun = time.monotonic()
    for delivery in due().select_related("owner", "webhook")[:MAX_AT_ONCE]:
        if time.monotonic() - begun > MAX_SECONDS:
            return
        # Whoever moves it on is the one that sends it; what dies on the way is sent later.
        claimed = due().filter(pk=delivery.pk, attempts=delivery.attempts)
        if claimed.update(attempts=F("attempts") + 1, due_at=Now() + timedelta(seconds=wait(delivery.attempts))):
            delivery.attempts += 1
            send(delivery)


def due() -> QuerySet[Delivery]:
    return Delivery.objects.filter(due_at__lte=Now()).order_by("due_at")


def wait(attempts: int) -> int:
    return DELAYS[min(attempts, len(DELAYS) - 1)]


def send(delivery: Delivery) -> None:
    """Once; a failure is kept in words."""
    row = Delivery.objects.filter(pk=delivery.pk)
    told = list(list_alerts(delivery.owner).filter(deliveries=delivery))
    videos = list_new(delivery.owner) if delivery.is_digest else []
    is_test = delivery.webhook is not None and not delivery.alerts.exists()
    if not (told or videos or is_test):
        row.update(due_at=None, error="")
        return
    try:
        if delivery.webhook is not None:
            webhooks.post(delivery.webhook, f"msg_{delivery.key.hex}", TEST if is_test else describe(told))
        else:
            write_mail(delivery, told, videos).send()
    except (webhooks.Refused, smtplib.SMTPException, OSError) as error:
        log.warning("an alert could not be sent: %s", error)
        row.update(error=str(error)[:300], **({"due_at": None} if delivery.attempts >= len(DELAYS) else {}))
        return
    row.update(due_at=None, sent_at=Now(), error="")


def queue_digest(user: User) -> None:
    """What was found since the last one; a week without anything needs no mail."""
    with transaction.atomic():
        if User.objects.filter(LATE, pk=user.pk).update(digested_at=Now()):
            told = list_alerts(user, since=user.digested_at)
            Delivery.objects.create(owner=user, is_digest=True, due_at=Now()).alerts.set(told)


def list_new(user: User) -> list[Video]:
    """The newest videos of the week that this person may see."""
    fresh = Video.objects.visible_to(user).filter(ready_at__gt=timezone.now() - WEEK)
    return list(fresh.order_by("-ready_at")[:MAX_NEW])


# -- messages ------------------------------------------------------------------------------------------------------


def address(path: str) -> str:
    """Of a page of this site, as others reach it."""
    origin = settings.CSRF_TRUSTED_ORIGINS[0] if settings.CSRF_TRUSTED_ORIGINS else "http://localhost:8000"
    return f"{origin.rstrip('/')}{path}"


def watch_address(alert: Alert) -> str:
    return address(f"{reverse('watch', args=[alert.video.key])}?t={alert.start:.2f}")


def describe(told: Sequence[Alert]) -> dict[str, Any]:
    """As a program reads it: alerts of one search."""
    moments = [
        {
            "video": str(alert.video.key),
            "title": alert.video.title,
            "start": alert.start,
            "end": alert.end,
            "confidence": round(alert.confidence, 2),
            "address": watch_address(alert),
        }
        for alert in told
    ]
    search = told[0].search
    found = {"search": search.name, "address": address(f"{reverse('search')}?{search.query}"), "moments": moments}
    return {"type": "alert.found", "data": found}


def write_mail(delivery: Delivery, told: Sequence[Alert], videos: Sequence[Video]) -> EmailMessage:
    """In the language in which its reader began to watch."""
    search = told[0].search if told else delivery.owner.saved_searches.exclude(watched_from=None).first()
    context = {
        "alerts": [(alert, watch_address(alert)) for alert in told],
        "videos": [(video, address(reverse("watch", args=[video.key]))) for video in videos],
        "page": address(reverse("alerts")),
    }

    with speaking(search.language if search else ""):
        text = render_to_string("mail/alerts.txt", context)
        return EmailMessage(write_subject(delivery, told), text, to=[delivery.owner.email])


def write_subject(delivery: Delivery, told: Sequence[Alert]) -> str:
    """A line: whatever a search is called."""
    if delivery.is_digest:
        return _("Kinoscope: your week")
    text = ngettext(
        "Kinoscope: %(n)s new moment of “%(search)s”", "Kinoscope: %(n)s new moments of “%(search)s”", len(told)
    )
    return " ".join((text % {"n": len(told), "search": told[0].search.name[:100]}).split())
