"""Names and terms as they are written, for whoever hears them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Spelling(models.Model):
    """A name or term of the whole site that is likely to be spoken. It takes effect when a video is heard (again)."""

    text = models.CharField(_("name or term"), max_length=80, unique=True)

    class Meta:
        ordering = ["text"]

    def __str__(self) -> str:
        return self.text
