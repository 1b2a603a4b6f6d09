"""What people keep of their searches."""

import uuid

from django.conf import settings
from django.db import models


class SavedSearch(models.Model):
    """A search by a name: the query string of its page."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=200)
    query = models.CharField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["owner", "query"], name="one_saved_search")]


class RecentSearch(models.Model):
    """What somebody searched for lately, for their own eyes only."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recent_searches")
    text = models.CharField(max_length=200)
    searched_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-searched_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "text"], name="one_recent_search")]


class PictureQuery(models.Model):
    """A picture that somebody searches with: what the box made of it, for as long as its address may be used."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="picture_queries")
    picture = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
