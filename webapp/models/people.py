"""People, what they watched and what they dismissed."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. Admins (`is_superuser`) see everything; uploaders may add videos; viewers watch."""

    class Role(models.TextChoices):
        VIEWER = "viewer", _("viewer")
        UPLOADER = "uploader", _("uploader")
        ADMIN = "admin", _("admin")

    class AlertMail(models.TextChoices):
        NONE = "", _("no mail")
        NOW = "now", _("a mail at once")
        WEEK = "week", _("a mail a week")

    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    unseen_alerts = models.PositiveIntegerField(default=0)
    alert_mail = models.CharField(max_length=10, choices=AlertMail, blank=True, default=AlertMail.NONE)
    digested_at = models.DateTimeField(null=True, help_text="until when the last digest told")
    feed_key = models.UUIDField(null=True, unique=True, help_text="of the address that feed readers use")

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.is_superuser:
            self.role = self.Role.ADMIN
        self.is_staff = self.is_superuser = self.role == self.Role.ADMIN
        super().save(*args, **kwargs)

    @property
    def may_upload(self) -> bool:
        return self.role in (self.Role.UPLOADER, self.Role.ADMIN)


class Dismissal(models.Model):
    """Somebody does not want a video recommended."""

    viewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="dismissals")
    video = models.ForeignKey("Video", on_delete=models.CASCADE, related_name="dismissals")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["viewer", "video"], name="one_dismissal")]


class Viewing(models.Model):
    """How far somebody watched a video."""

    viewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="viewings")
    video = models.ForeignKey("Video", on_delete=models.CASCADE, related_name="viewings")
    position = models.FloatField(default=0)
    watched_seconds = models.FloatField(default=0)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["viewer", "video"], name="one_viewing")]
