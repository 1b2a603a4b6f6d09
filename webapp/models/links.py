"""Ways in without a password: tokens of programs, and links to a moment that anybody may play."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.people import User
from webapp.models.videos import Video


class Token(models.Model):
    """What a program signs in with. Only the digest is kept; the token itself is shown once."""

    class Scope(models.TextChoices):
        READ = "read", _("search, watch and download")
        ASK = "ask", _("ask questions")
        UPLOAD = "upload", _("upload")
        EDIT = "edit", _("change, retry and delete videos")

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=60)
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name


class SharedThread(models.Model):
    """A link to a conversation that anybody who has it may read, until it is taken back."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    thread = models.UUIDField(unique=True)
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="shared_threads")
    created_at = models.DateTimeField(auto_now_add=True)


class SharedMoment(models.Model):
    """A link to a moment of a video that anybody who has it may play, until it is taken back."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="shared_moments")
    start = models.FloatField(default=0)
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["start", "pk"]
