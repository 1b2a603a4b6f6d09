"""Pieces of an upload as parts of an object in a bucket (S3's multipart upload)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.models import Upload
from webapp.storage.bucket import Bucket, answers_are_told
from webapp.storage.store import store
from webapp.uploads.arrivals import Busy, patiently

PART_BYTES = 8 << 20  # at least; S3 takes none below 5 MiB
MAX_PARTS = 9_000  # S3 takes 10,000
LEASE = timedelta(seconds=15)  # for which a process holds an upload without a sign of life
RENEWAL_SECONDS = 3.0


class BucketArrival:
    """A multipart upload to the file's own name. Its parts stand in the row; the tail, too small for one, is an object
    beside it. The row's lease is the lock, its fence keeps out who was slow.
    """

    def __init__(self, upload: Upload) -> None:
        bucket = store()
        assert isinstance(bucket, Bucket)
        self.upload, self.bucket = upload, bucket
        self.client, self.target = bucket.client, bucket.address(upload.media.name)

    def begin(self) -> None:
        with answers_are_told(self.upload.media.name):
            self.upload.multipart = self.client.create_multipart_upload(**self.target)["UploadId"]
        self.upload.save(update_fields=["multipart"])

    @contextmanager
    def hold(self) -> Iterator["PartWriter"]:
        mine = Upload.objects.filter(pk=self.upload.pk)
        for _ in patiently():
            free = mine.filter(Q(held_until=None) | Q(held_until__lt=Now()))
            if free.update(fence=F("fence") + 1, held_until=Now() + LEASE):
                break
        self.upload.refresh_from_db()
        held = mine.filter(fence=self.upload.fence)
        try:
            with answers_are_told(self.tail):
                yield PartWriter(self)
        finally:
            held.update(held_until=None)

    @property
    def tail(self) -> str:
        """The name of what is behind the last part, of an upload that is as far as its row says."""
        return f"incoming/{self.upload.key}/{self.upload.offset_bytes}"

    def drop(self) -> None:
        with suppress(FileNotFoundError), answers_are_told(self.upload.media.name):
            self.client.abort_multipart_upload(**self.target, UploadId=self.upload.multipart)
        self.bucket.remove_all(f"incoming/{self.upload.key}")

    @property
    def is_here(self) -> bool:
        return True


class PartWriter:
    def __init__(self, arrived: BucketArrival) -> None:
        self.arrived, self.upload = arrived, arrived.upload
        self.parts: list[dict[str, Any]] = list(self.upload.parts)
        behind = self.upload.offset_bytes - sum(part["size"] for part in self.parts)
        self.tail = arrived.bucket.read(arrived.tail) if behind else b""
        self.part_bytes = max(PART_BYTES, -(-self.upload.length_bytes // MAX_PARTS))
        self.renewed = time.monotonic()

    def write(self, block: bytes) -> None:
        self.tail += block
        if time.monotonic() - self.renewed > RENEWAL_SECONDS:
            self.renew()
        while len(self.tail) >= self.part_bytes:
            self.send(self.tail[: self.part_bytes])

    def renew(self) -> None:
        held = Upload.objects.filter(pk=self.upload.pk, fence=self.upload.fence)
        if not held.update(held_until=Now() + LEASE):
            raise Busy
        self.renewed = time.monotonic()

    def send(self, data: bytes) -> None:
        self.renew()  # nobody else writes a part of this number
        number = len(self.parts) + 1
        answer = self.arrived.client.upload_part(
            **self.arrived.target, UploadId=self.upload.multipart, PartNumber=number, Body=data
        )
        self.parts.append({"number": number, "etag": answer["ETag"], "size": len(data)})
        self.tail = self.tail[len(data) :]

    def keep(self, here: int) -> dict[str, Any]:
        self.renew()
        if here == self.upload.offset_bytes:
            return {}  # nothing of what came since is to be kept: its parts are written over
        if self.tail:
            name = f"incoming/{self.upload.key}/{here}"
            self.arrived.client.put_object(**self.arrived.bucket.address(name), Body=self.tail)
        return {"parts": self.parts}

    def finish(self) -> None:
        if self.upload.media.look_up() is not None:
            return
        if self.tail:  # the last part may be small
            self.send(self.tail)
        parts = [{"PartNumber": part["number"], "ETag": part["etag"]} for part in self.parts]
        self.arrived.client.complete_multipart_upload(
            **self.arrived.target, UploadId=self.upload.multipart, MultipartUpload={"Parts": parts}
        )
