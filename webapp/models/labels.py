"""Labels that videos are tagged with, what admins taught them, and the tags: what is where, how sure that is, and where
it comes from.
"""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.people import User
from webapp.models.vectors import Recipe
from webapp.models.videos import Video


class LabelQuerySet(models.QuerySet["Label"]):
    def taught(self) -> "LabelQuerySet":
        """Those that a worker learned from examples."""
        return self.exclude(classifier=None)


class Label(models.Model):
    """An entry of the label bank, which admins edit. It takes effect when a video is described (again); one that was
    taught by examples, as soon as a worker has learned it.
    """

    class Kind(models.TextChoices):
        OBJECT = "object", _("thing")
        SCENE = "scene", _("place")
        ACTION = "action", _("action")
        GENRE = "genre", _("kind of video")

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.OBJECT)
    description = models.CharField(
        _("description"),
        max_length=200,
        blank=True,
        help_text=_("of a picture that shows it; “a picture of …” if empty"),
    )
    enabled = models.BooleanField(_("in use"), default=True)

    objects = LabelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def picture_text(self) -> str:
        """What describes a picture that shows it."""
        return self.description or f"a picture of {self.name}"


class Example(models.Model):
    """Somebody said that a stretch of a video is an example of a label, or is none. Times, not segments: these change
    with recipes. Of a kind of video the whole one is an example.
    """

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="examples")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="examples")
    start = models.FloatField()
    end = models.FloatField()
    good = models.BooleanField()
    judge = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    judged_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-judged_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["label", "video", "start"], name="one_example")]


class Classifier(models.Model):
    """What was learned from the examples of a label. `state` names these examples and the recipe; `reached` is the last
    video that was tagged with it.
    """

    label = models.OneToOneField(Label, on_delete=models.CASCADE, related_name="classifier")
    recipe = models.ForeignKey(Recipe, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=64)
    weights = models.JSONField(help_text="of the visual block, for kinds of videos of the text block, and the bias")
    report = models.JSONField(default=dict)
    reached = models.BigIntegerField(default=0)
    finished = models.BooleanField(default=False)
    made_at = models.DateTimeField(auto_now=True)


class TagQuerySet(models.QuerySet["Tag"]):
    def seen(self, names: Iterable[str]) -> "TagQuerySet":
        """The stretches in which labels of these names are seen."""
        return self.filter(name__in=list(names), source=Tag.Source.PICTURE)

    def best_of_each(self) -> "list[Tag]":
        """The surest stretch of each video, surest first."""
        best: dict[int, Tag] = {}
        for tag in self.order_by("-confidence"):
            best.setdefault(tag.video_id, tag)
        return list(best.values())


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

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ["video", "start", "name"]
