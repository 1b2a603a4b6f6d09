"""Films that people had made of moments: what was asked for, how far it is, which stretch of which video is where."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.messages import render
from webapp.models.people import User
from webapp.models.videos import Video
from webapp.storage.ports import StoredFile
from webapp.storage.store import store


class Montage(models.Model):
    """The row is the queue: a worker takes it, renews its lease while it renders, and is followed by another one when
    it dies. `parts` is how many pieces it was made of: with one gone, it may not be shown any more.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RENDERING = "rendering", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="montages")
    topic = models.CharField(max_length=200)
    seconds = models.PositiveIntegerField()
    has_music = models.BooleanField(default=True)
    language = models.CharField(max_length=10, blank=True, help_text="of its title and subtitles")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(default=0)
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    error_text = models.CharField(max_length=300, blank=True, help_text="a template, filled from `error_values`")
    error_values = models.JSONField(default=dict)
    file = models.CharField(max_length=80, blank=True)
    duration = models.FloatField(default=0)
    parts = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return self.topic

    @property
    def error(self) -> str:
        return render(self.error_text, self.error_values)

    @property
    def stored(self) -> StoredFile:
        return StoredFile(store(), f"derived/{self.key}/{self.file}")


class Piece(models.Model):
    """A stretch of a video, `start` to `end` there, that plays from `at` on. `words` are the lines that are said in it:
    seconds of the montage from and until, and the text; `translated` the same in the language of the montage.
    """

    montage = models.ForeignKey(Montage, on_delete=models.CASCADE, related_name="pieces")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="+")
    start = models.FloatField()
    end = models.FloatField()
    at = models.FloatField()
    words = models.JSONField(default=list)
    translated = models.JSONField(default=list)

    class Meta:
        ordering = ["at"]
