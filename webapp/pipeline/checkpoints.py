"""What a step has done so far, kept in its row: whoever takes it up after a crash goes on from there."""

from typing import Any

from webapp.models import Step, Video

Records = list[dict[str, Any]]


def load(video: Video, name: str) -> Records:
    """Of the step of that name; empty when it begins."""
    kept: Records | None = Step.objects.filter(video=video, name=name).values_list("checkpoint", flat=True).first()
    return kept or []


def save(video: Video, name: str, records: Records) -> None:
    """Only while the step runs: what was queued anew begins anew."""
    Step.objects.filter(video=video, name=name, status=Step.Status.RUNNING).update(checkpoint=records)
