"""Models that were added to those from PyPI, and which model does what where an admin chose."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.messages import render


class Installation(models.Model):
    """An entry of the catalogue on its way here, or here. The row is what is wanted; a worker brings it about."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        FETCHING = "fetching", _("being fetched")
        PAUSED = "paused", _("paused")
        FAILED = "failed", _("failed")
        HERE = "here", _("installed")
        REMOVING = "removing", _("being removed")

    name = models.CharField(max_length=60, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    done_bytes = models.BigIntegerField(default=0)
    total_bytes = models.BigIntegerField(default=0)
    error_text = models.CharField(max_length=500, blank=True, help_text="a template, filled from `error_values`")
    error_values = models.JSONField(default=dict)
    owner = models.CharField(max_length=80, blank=True, help_text="the worker that fetches it")
    lease_until = models.DateTimeField(null=True)
    speed = models.JSONField(default=dict, help_text="by role: what was measured here, see `benchmarks.installed`")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["asked_at", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def error(self) -> str:
        """Why it did not come, in the language of the reader."""
        return render(self.error_text, self.error_values)

    @property
    def share(self) -> float:
        return self.done_bytes / self.total_bytes if self.total_bytes else 0.0


class ReadingCurve(models.Model):
    """How sure answers may be with a sentence encoder and a re-ranker, see `qa.evidence.Curve`."""

    sentence_encoder = models.CharField(max_length=100)
    reranker = models.CharField(max_length=100)
    read = models.JSONField()
    unread = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sentence_encoder", "reranker"], name="one_curve_a_pair")]

    def __str__(self) -> str:
        return f"{self.sentence_encoder} with {self.reranker}"


class Assignment(models.Model):
    """What an admin chose for a role: [dotted path of the adapter, what it is given …]; else the settings decide."""

    role = models.CharField(max_length=20, unique=True)
    adapter = models.JSONField()

    def __str__(self) -> str:
        return f"{self.role}: {self.adapter}"
