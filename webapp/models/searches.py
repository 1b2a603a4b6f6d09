"""What people keep of their searches, and what these tell them of."""

import base64
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.videos import Video


class SavedSearch(models.Model):
    """A search by a name: the query string of its page. One that watches makes alerts of videos that are new."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=200)
    query = models.CharField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)
    watched_from = models.DateTimeField(null=True, help_text="what became ready since is looked at; None: nothing is")
    language = models.CharField(max_length=10, blank=True, help_text="that its owner reads")

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["owner", "query"], name="one_saved_search")]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """A new video has what a saved search watches for: its best moment, and how sure that is."""

    search = models.ForeignKey(SavedSearch, on_delete=models.CASCADE, related_name="alerts")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="alerts")
    start = models.FloatField()
    end = models.FloatField()
    confidence = models.FloatField()
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-found_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["search", "video"], name="one_alert")]


def make_secret() -> str:
    """As https://www.standardwebhooks.com has them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Webhook(models.Model):
    """An address that is told of somebody's alerts. Only admins set one up."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks", verbose_name=_("whose alerts")
    )
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(_("secret"), max_length=100, default=make_secret, help_text=_("that signs each message"))
    enabled = models.BooleanField(_("in use"), default=True)

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """A message about alerts on its way: by mail, or to a webhook. `due_at` is None once it was sent or given up."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, null=True, related_name="deliveries")
    alerts = models.ManyToManyField(Alert, related_name="deliveries")
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    is_digest = models.BooleanField(default=False)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_index=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]


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
