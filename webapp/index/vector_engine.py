"""Where vectors lie that are in no file of a generation: an engine that several machines ask (KINOSCOPE_MOMENTS)."""

import hashlib
from collections.abc import Collection
from functools import cache

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.module_loading import import_string

from indexer.ports import MomentStore
from indexer.types import Audience
from webapp.models import IndexState, User, Video

MAX_SHARED = 2000  # videos that are named one by one: with more of them, more is asked for and thrown away


def open_store(label: str, dim: int) -> MomentStore | None:
    """Of the recipe whose generations are filed under `label`; None where vectors lie in files."""
    return _open(settings.KINOSCOPE_MOMENTS, name_collection(label), dim) if settings.KINOSCOPE_MOMENTS else None


@cache
def _open(address: str, collection: str, dim: int) -> MomentStore:
    return import_string("indexer.adapters.milvus.MilvusMoments")(address, collection, dim)  # type: ignore[no-any-return]


def drop_others(store: MomentStore, labels: Collection[str]) -> None:
    """The collections of this database that are of none of these."""
    store.drop_others(name_prefix(), {name_collection(label) for label in labels})


def name_collection(label: str) -> str:
    return name_prefix() + hashlib.sha256(label.encode()).hexdigest()[:16]


def name_prefix() -> str:
    """Several installations may share an engine."""
    return f"kinoscope_{hashlib.sha256(database_key().encode()).hexdigest()[:12]}_"


def database_key() -> str:
    return str(IndexState.objects.values_list("key", flat=True).filter(pk=1).first())


def audience_of(user: User | AnonymousUser) -> Audience | None:
    """In the words of the engine: the rule of `Video.objects.visible_to`."""
    if not settings.KINOSCOPE_MOMENTS or not isinstance(user, User):
        return None
    shared = Video.shared_with.through.objects.filter(user_id=user.pk).values_list("video_id", flat=True)
    some = tuple(shared[: MAX_SHARED + 1])
    return Audience(user.pk, some, user.is_superuser) if len(some) <= MAX_SHARED else None
