"""What people asked, and what they were answered."""

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from webapp.models.people import User
from webapp.models.videos import Video


class Question(models.Model):
    """What somebody asked, and the answer with its citations as it was given."""

    asker = models.ForeignKey(User, on_delete=models.CASCADE, related_name="questions")
    video = models.ForeignKey(Video, on_delete=models.CASCADE, null=True, related_name="questions")
    thread = models.UUIDField(default=uuid.uuid4, db_index=True, help_text=_("what is asked in one go shares it"))
    thread_name = models.CharField(max_length=100, blank=True, help_text=_("what its person calls the conversation"))
    text = models.CharField(max_length=500)
    answer = models.JSONField(default=dict)
    cited = models.ManyToManyField(Video, related_name="+", help_text=_("whose words the answer holds"))
    good = models.BooleanField(null=True, help_text=_("what the person who asked says of the answer"))
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    @property
    def citations(self) -> list[dict[str, Any]]:
        """Of all sentences of the answer: video, start, end."""
        return [c for sentence in self.answer.get("sentences", []) for c in sentence.get("citations", [])]

    @property
    def thread_title(self) -> str:
        """The name of the conversation that begins with this question."""
        return self.thread_name or self.text
