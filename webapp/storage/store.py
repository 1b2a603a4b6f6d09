"""Which place for files is used."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from webapp.storage.folder import Folder
from webapp.storage.ports import Store, StoredFile


def store() -> Store:
    """Where this installation keeps its files: below KINOSCOPE_HOME, or where KINOSCOPE_MEDIA says."""
    return open_store(settings.KINOSCOPE_MEDIA or str(settings.KINOSCOPE_HOME))


def is_bucket(place: str) -> bool:
    return place.startswith("s3://")


@cache
def open_store(place: str) -> Store:
    """`s3://bucket/prefix`, or a folder."""
    if is_bucket(place):
        try:
            from webapp.storage.bucket import Bucket
        except ImportError:
            raise ImproperlyConfigured(f"{place} is a bucket: run uv sync --frozen --inexact --extra s3.") from None

        bucket, _slash, prefix = place.removeprefix("s3://").partition("/")
        return Bucket(bucket, prefix, settings.KINOSCOPE_HOME / "scratch")
    return Folder(Path(place))


def file_in_place(path: str) -> StoredFile:
    """One that is used where it lies on this machine."""
    return StoredFile(open_store("/"), path.lstrip("/"))
