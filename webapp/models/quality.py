"""How good it is: what people said about results, and what benchmarks measured."""

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
