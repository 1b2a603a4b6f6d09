"""Collections: videos that belong together for somebody."""

import uuid
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.models.people import User
from webapp.models.videos import Video


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: User | AnonymousUser) -> "CollectionQuerySet":
        """One's own, those shared with me, and those that are public to signed-in people; admins all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        shared = Collection.shared_with.through.objects.filter(user_id=user.pk).values("collection_id")
        return self.filter(Q(owner=user) | Q(is_public=True) | Q(pk__in=shared))

    def editable_by(self, user: User | AnonymousUser) -> "CollectionQuerySet":
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.filter(owner=user)

    def add_videos(self, owner: User, name: str, videos: Iterable[Video]) -> "Collection":
        """The person's collection of this name, made if there is none, with these videos added."""
        found, _made = self.get_or_create(owner=owner, name=name.strip()[:100])
        found.videos.add(*videos)
        return found


class Collection(models.Model):
    """A named list of videos. It opens no doors: everybody finds in it only the videos that they may see anyway."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(_("name"), max_length=100)
    is_public = models.BooleanField(_("everybody may see it"), default=False)
    shared_with = models.ManyToManyField(User, blank=True, related_name="shared_collections")
    videos = models.ManyToManyField(Video, blank=True, related_name="collections")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_collection_of_a_name")]

    def __str__(self) -> str:
        return self.name
