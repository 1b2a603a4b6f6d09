"""Where the files of a video lie on this machine, for tests that damage or compare them."""

import io
from pathlib import Path
from typing import Any

from django.conf import settings

from webapp.models import Video
from webapp.storage.folder import Folder
from webapp.storage.store import store


def put(name: str, data: bytes) -> None:
    """Into the store that is used, without waiting for the disk."""
    place = store()
    if isinstance(place, Folder):
        (place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / name).write_bytes(data)
        return
    with place.workspace("") as folder:
        (folder / "file").write_bytes(data)
        place.keep(folder / "file", name)


def media_path(video: Video) -> Path:
    return Path(settings.KINOSCOPE_HOME) / video.media.name


def derived_path(video: Video) -> Path:
    return Path(settings.KINOSCOPE_HOME) / video.folder


def dump(index: Any) -> bytes:
    """What an index writes."""
    file = io.BytesIO()
    index.dump(file)
    return file.getvalue()
