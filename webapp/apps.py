"""The Django app."""

from typing import Any

from django.apps import AppConfig


class WebappConfig(AppConfig):
    name = "webapp"
    verbose_name = "Kinoscope"

    def ready(self) -> None:
        from django.db.models.signals import post_save, pre_delete

        from webapp.models import Video

        pre_delete.connect(forget_segments, sender=Video)
        post_save.connect(rename_segments, sender=Video)


def forget_segments(instance: Any, **_: Any) -> None:
    """However a video is deleted (by itself, or with its owner), every later search ignores it at once."""
    from webapp.index.changes import drop_segments, mark_changed

    drop_segments(instance.segments.all(), mark_changed())


def rename_segments(instance: Any, created: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    """However a video gets another name, it is found by it at once."""
    from webapp.index.documents import retitle

    if not created and (update_fields is None or {"title", "artist", "place", "description"} & set(update_fields)):
        retitle(instance)
