"""What an admin wants of the catalogue: rows that say so. Workers bring it about (`operations.installer`)."""

from collections.abc import Sequence

from django.db import transaction

from webapp.catalogue.entry import BUNDLED, INDEXED, Entry
from webapp.catalogue.table import find_entry
from webapp.models import Assignment, IndexState, Installation, Recipe

Status = Installation.Status


def ask(entry: Entry) -> None:
    """Fetch it, or go on with what is paused or failed."""
    Installation.objects.get_or_create(name=entry.name)
    resumed = Installation.objects.filter(name=entry.name, status__in=[Status.PAUSED, Status.FAILED])
    resumed.update(status=Status.QUEUED, error_text="", error_values={})
    hurry()


def pause(entry: Entry) -> None:
    """What came stays."""
    Installation.objects.filter(name=entry.name, status__in=[Status.QUEUED, Status.FETCHING]).update(
        status=Status.PAUSED
    )


def remove(entry: Entry) -> None:
    """Delete it, or what has come of it."""
    Installation.objects.filter(name=entry.name).update(status=Status.REMOVING)
    hurry()


def is_installed(entry: Entry) -> bool:
    return Installation.objects.filter(name=entry.name, status=Status.HERE).exists()


def assign(role: str, adapter: Sequence[str] | None) -> None:
    """Let it do this from now on; None: what the settings name."""
    with transaction.atomic():
        Assignment.objects.filter(role=role).delete()
        if adapter is not None:
            Assignment.objects.create(role=role, adapter=list(adapter))
    hurry()


def follow(recipe: Recipe) -> None:
    """Let the choice of encoders be those of a recipe."""
    for role in INDEXED:
        adapter = recipe.encoders[role]
        assign(role, adapter if find_entry(adapter[-1]) else None)


def hurry() -> None:
    """A person waits: workers look after it with their next breath, not with their next sweep."""
    IndexState.objects.filter(pk=1).update(swept_at=None)


def name_of(adapter: Sequence[str]) -> str:
    """What people call it."""
    entry = find_entry(adapter[1]) if len(adapter) > 1 else None
    if entry is not None:
        return entry.title
    kind = adapter[0].rpartition(".")[2]
    return ", ".join(filter(None, [BUNDLED.get(kind, kind), *adapter[1:2]]))
