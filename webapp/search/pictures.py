"""Pictures that people search with: hostile until the box has decoded them, kept for a day."""

import io
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.uploadedfile import UploadedFile
from django.db.models.functions import Now
from PIL import Image as Pillow

from indexer import box
from indexer.errors import UnreadableMedia
from indexer.types import Image
from webapp.models import PictureQuery, User

MAX_BYTES = 16 << 20
PICTURE_TTL = timedelta(days=1)


def store_picture(owner: User, file: "UploadedFile[Any]") -> PictureQuery:
    """Decode in the box and keep what it wrote. Raises `UnreadableMedia` for what is no picture."""
    if (file.size or 0) > MAX_BYTES:
        raise UnreadableMedia("The picture is too large. Choose a JPEG, PNG or WebP of at most 16 MB.")
    with tempfile.TemporaryDirectory() as folder:
        original, out = Path(folder) / "given", Path(folder) / "out"
        out.mkdir()
        with original.open("wb") as sink:
            for chunk in file.chunks():
                sink.write(chunk)
        decoded = box.read_picture(original, out).read_bytes()
    return PictureQuery.objects.create(owner=owner, picture=decoded)


def decode(jpeg: bytes | memoryview) -> Image:
    """Of a picture that the box wrote."""
    return np.asarray(Pillow.open(io.BytesIO(bytes(jpeg)), formats=("JPEG",)).convert("RGB"))


def sweep() -> None:
    PictureQuery.objects.filter(created_at__lt=Now() - PICTURE_TTL).delete()
