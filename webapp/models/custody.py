"""What is kept about files on their way in, about who saw and changed what, and about copies on their way out."""

import uuid
from typing import Any

from django.db import models

from webapp.models.people import User
from webapp.models.videos import Video, media_name
from webapp.storage.ports import StoredFile
from webapp.storage.store import store


class Upload(models.Model):
    """A resumable upload. `offset_bytes` are kept for sure; more may be there, which was never acknowledged."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="uploads")
    file_name = models.CharField(max_length=255)
    visibility = models.CharField(max_length=10, choices=Video.Visibility, default=Video.Visibility.PRIVATE)
    length_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    video = models.ForeignKey(Video, on_delete=models.CASCADE, null=True, related_name="uploads")
    error = models.CharField(max_length=300, blank=True, help_text="why the finished file was not taken")
    multipart = models.CharField(max_length=300, blank=True, help_text="what a bucket calls it while it arrives")
    parts = models.JSONField(default=list, help_text="of an object in a bucket: number, etag, size")
    fence = models.IntegerField(default=0)
    held_until = models.DateTimeField(null=True, help_text="by the process that writes it to a bucket")

    class Meta:
        ordering = ["pk"]

    @property
    def media(self) -> StoredFile:
        """What it will be once it is whole: its video has the same key."""
        return StoredFile(store(), media_name(self.key))

    @property
    def is_complete(self) -> bool:
        return self.offset_bytes == self.length_bytes


class AuditEntry(models.Model):
    """Who saw or changed what, and when (UTC). Append-only; names no titles and no words of a video."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True, help_text="empty once the person was forgotten")
    action = models.CharField(max_length=20, db_index=True)
    subject = models.CharField(max_length=60, db_index=True, help_text="video:<key> or user:<number>")
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor_name or '–'} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise ValueError("An audit entry is written once.")
        super().save(*args, **kwargs)


class ExportLink(models.Model):
    """Leave to fetch one's own data once, for a short while."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="export_links")
    expires_at = models.DateTimeField()
