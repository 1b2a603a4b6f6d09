"""Learning: cards that are made of what a video says, and how far each person knows them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.people import User
from webapp.models.videos import Video


class StudyCard(models.Model):
    """A question with its answer, and where in the video it is said."""

    class Kind(models.TextChoices):
        DEFINITION = "definition", _("definition")
        GAP = "gap", _("gap")

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="study_cards")
    kind = models.CharField(max_length=10, choices=Kind)
    term = models.CharField(max_length=100, blank=True)
    front = models.TextField()
    back = models.TextField()
    sentence = models.TextField()
    start = models.FloatField()
    end = models.FloatField()

    class Meta:
        ordering = ["start", "pk"]


class Review(models.Model):
    """What a person knows of a card: the scheduler's `state` (FSRS), when it is asked next, how often it was failed."""

    learner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviews")
    card = models.ForeignKey(StudyCard, on_delete=models.CASCADE, related_name="reviews")
    state = models.JSONField(default=dict)
    due_at = models.DateTimeField(db_index=True)
    times = models.PositiveIntegerField(default=0)
    lapses = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["learner", "card"], name="one_review")]


class Pause(models.Model):
    """Somebody stopped at, or went back to, a stretch of a video: `place` counts stretches of `SECONDS`."""

    SECONDS = 10

    viewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="pauses")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="pauses")
    place = models.PositiveIntegerField()

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["viewer", "video", "place"], name="one_pause")]
