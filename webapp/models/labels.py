"""Labels that videos are tagged with, and the tags: what is where, how sure that is, and where it comes from."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.videos import Video


class Label(models.Model):
    """An entry of the label bank, which admins edit. It takes effect when a video is described (again)."""

    class Kind(models.TextChoices):
        OBJECT = "object", _("thing")
        SCENE = "scene", _("place")
        ACTION = "action", _("action")

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.OBJECT)
    description = models.CharField(
        _("description"),
        max_length=200,
        blank=True,
        help_text=_("of a picture that shows it; “a picture of …” if empty"),
    )
    enabled = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def picture_text(self) -> str:
        """What describes a picture that shows it."""
        return self.description or f"a picture of {self.name}"


class Tag(models.Model):
    """A stretch of a video with a label. `confidence` in [0, 1] is the chance that a person would agree."""

    class Source(models.TextChoices):
        PICTURE = "picture", _("seen")
        SPEECH = "speech", _("said")
        SCREEN = "screen", _("written")

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="timeline")
    name = models.CharField(max_length=60, db_index=True)
    kind = models.CharField(max_length=10, help_text="of the label; or mood")
    source = models.CharField(max_length=10, choices=Source)
    confidence = models.FloatField()
    start = models.FloatField()
    end = models.FloatField()

    class Meta:
        ordering = ["video", "start", "name"]
