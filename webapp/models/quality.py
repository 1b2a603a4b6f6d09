"""How good it is: what people said about results, and what benchmarks measured."""

import uuid

from django.db import models

from webapp.models.people import User
from webapp.models.vectors import Recipe
from webapp.models.videos import Video


class Judgement(models.Model):
    """Somebody said whether a moment was what they had searched for. Times, not segments: these change with recipes."""

    judge = models.ForeignKey(User, on_delete=models.CASCADE, related_name="judgements")
    query = models.CharField(max_length=500)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="judgements")
    start = models.FloatField()
    end = models.FloatField()
    good = models.BooleanField()
    judged_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-judged_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["judge", "query", "video", "start"], name="one_judgement")]


class Measurement(models.Model):
    """A row that `manage.py bench --keep` printed, and the recipe that searched then."""

    bench = models.CharField(max_length=100, db_index=True)
    numbers = models.JSONField()
    recipe = models.ForeignKey(Recipe, on_delete=models.SET_NULL, null=True, related_name="+")
    measured_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["measured_at", "pk"]


class Impression(models.Model):
    """What a search showed, kept while an admin lets search learn from use. `shown` holds video, start and the parts of
    the score of each result in order; `followed` how strongly each was.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    searcher = models.ForeignKey(User, on_delete=models.CASCADE, related_name="impressions")
    query = models.CharField(max_length=500)
    shown = models.JSONField()
    followed = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-made_at", "-pk"]


class Tuning(models.Model):
    """Gains of the parts of a score that were learned for a recipe, and what they changed."""

    recipe = models.ForeignKey(Recipe, on_delete=models.CASCADE, related_name="tunings")
    gains = models.JSONField()
    report = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at", "-pk"]
