"""The ledger's steps, and the workers that take them."""

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from webapp.messages import render
from webapp.models.videos import Video


class Step(models.Model):
    """One piece of work on one video. The row is the queue; see `ledger`."""

    class Status(models.TextChoices):
        READY = "ready", _("queued")
        WAITING = "waiting", _("waiting")  # for something that is not its fault: room, a model, memory
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Name(models.TextChoices):
        """The ledger's words for its steps, and what people call them."""

        PROBE = "probe", _("check of the file")
        GLANCE = "glance", _("first look")
        LOOK = "look", _("shots and keyframes")
        SPEECH = "speech", _("speech")
        SCREEN_TEXT = "screen_text", _("text on screen")
        PICTURES = "pictures", _("vectors of pictures")
        EMBED = "embed", _("vectors")
        INDEX = "index", _("index")
        DESCRIBE = "describe", _("summary, chapters, tags")
        PROXY = "proxy", _("version for browsers")
        STREAMS = "streams", _("several qualities")
        REEMBED = "reembed", _("vectors of another recipe")

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=20, choices=Name)
    status = models.CharField(max_length=10, choices=Status, default=Status.READY)
    attempt = models.IntegerField(default=0)
    priority = models.SmallIntegerField(default=5)
    turn = models.IntegerField(default=0, help_text="of its video among those of all people, see `pipeline.turns`")
    fence = models.IntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    progress = models.FloatField(default=0)
    checkpoint = models.JSONField(default=list, help_text="what it has done so far, see `pipeline.checkpoints`")
    peak_memory_bytes = models.BigIntegerField(null=True)
    error_code = models.CharField(max_length=30, blank=True)
    error_text = models.CharField(max_length=500, blank=True, help_text="a template, filled from `error_values`")
    error_values = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["video", "name"], name="one_step_of_a_name")]
        indexes = [models.Index(fields=["status", "priority", "turn", "id"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.video_id}"

    @property
    def error(self) -> str:
        """Why it did not end well, in the language of the reader."""
        return render(self.error_text, self.error_values)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        """Those that were seen lately."""
        return self.filter(seen_at__gt=Now() - Worker.TTL)


class Worker(models.Model):
    """A process that takes steps, as it was last seen by itself."""

    TTL = timedelta(minutes=2)

    name = models.CharField(max_length=80, unique=True)
    carrier = models.CharField(max_length=10, help_text="table or celery")
    box = models.CharField(max_length=1, default="C", help_text="tier of its decoder's box, see `indexer.child.TIERS`")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()
