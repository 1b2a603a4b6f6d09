"""Who saw or changed what: append-only rows that name people and keys, never titles or words."""

from datetime import timedelta

from django.db.models.functions import Now
from django.http import HttpRequest

from webapp.models import AuditEntry, User, Video
from webapp.people.access import signed_in

ENTRY_TTL = timedelta(days=365)
MIN_VIEW_INTERVAL = timedelta(hours=1)  # looking at the same thing again within this is one look


def note(request: HttpRequest, action: str, subject: Video | User, before: str = "", after: str = "") -> None:
    """Somebody changed something in the browser."""
    record(signed_in(request), action, subject, before, after, request.META.get("REMOTE_ADDR"))


def record_view(request: HttpRequest, action: str, video: Video) -> None:
    """Somebody looked at what another person owns; once an hour."""
    user = signed_in(request)
    if user.pk == video.owner_id:
        return
    lately = AuditEntry.objects.filter(actor=user, action=action, subject=name(video), at__gt=Now() - MIN_VIEW_INTERVAL)
    if not lately.exists():
        note(request, action, video)


def record(
    actor: User | None,
    action: str,
    subject: Video | User,
    before: str = "",
    after: str = "",
    address: str | None = None,
) -> None:
    """`actor` is None for what was done by command on the machine itself."""
    AuditEntry.objects.create(
        actor=actor,
        actor_name=actor.username if actor else "",
        action=action,
        subject=name(subject),
        before=before[:100],
        after=after[:100],
        address=address or None,
    )


def name(subject: Video | User) -> str:
    return f"video:{subject.key}" if isinstance(subject, Video) else f"user:{subject.pk}"


def sweep() -> None:
    """A year is enough."""
    AuditEntry.objects.filter(at__lt=Now() - ENTRY_TTL).delete()
