"""A bucket of any server that speaks S3, by boto3. Address, region and keys come from AWS's own variables
(AWS_ENDPOINT_URL, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from webapp.storage.ports import BLOCK_BYTES, StorageAway, Stored
from webapp.storage.scratch import Scratch

ATTEMPTS = 4  # at a request, later and later, before it fails
SECONDS = 20  # without an answer
GONE = ("404", "NoSuchKey", "NotFound")
TAKEN = ("412", "PreconditionFailed")
TRANSFER = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=64 << 20, max_concurrency=2)


class Bucket:
    """Names below a prefix of the bucket. What boxes read lies in the scratch folder of this machine for a while."""

    def __init__(self, name: str, prefix: str, scratch: Path) -> None:
        self.bucket, self.prefix = name, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.scratch = Scratch(scratch)
        # Signature 4 by name: other servers than Amazon's refuse what boto3 would choose.
        retries = {"max_attempts": ATTEMPTS, "mode": "standard"}
        config = Config(signature_version="s3v4", retries=retries, connect_timeout=5, read_timeout=SECONDS)
        self.client: Any = boto3.client("s3", config=config)

    def address(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + name}

    def keep(self, source: Path, name: str) -> None:
        with answers_are_told(name):
            if source.stat().st_size > TRANSFER.multipart_threshold:
                if self.look_up(name) is None:
                    self.client.upload_file(str(source), *self.address(name).values(), Config=TRANSFER)
                return
            try:
                with source.open("rb") as file:
                    self.client.put_object(**self.address(name), Body=file, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in TAKEN:
                    raise  # else an earlier attempt got as far: a name stands for one content

    def fetch(self, name: str) -> AbstractContextManager[Path]:
        return self.scratch.hold(name, lambda target: self._download(name, target))

    def _download(self, name: str, target: Path) -> None:
        with answers_are_told(name):
            self.client.download_file(*self.address(name).values(), str(target), Config=TRANSFER)

    def read(self, name: str) -> bytes:
        with answers_are_told(name):
            return bytes(self.client.get_object(**self.address(name))["Body"].read())

    def read_range(self, name: str, first: int, last: int) -> Iterator[bytes]:
        with answers_are_told(name):
            answer = self.client.get_object(**self.address(name), Range=f"bytes={first}-{last}")
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(BLOCK_BYTES)

    def look_up(self, name: str) -> Stored | None:
        try:
            with answers_are_told(name):
                found = self.client.head_object(**self.address(name))
        except FileNotFoundError:
            return None
        return Stored(name, found["ContentLength"], found["LastModified"].timestamp())

    def list(self, prefix: str) -> Iterator[Stored]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}{prefix.rstrip('/')}/"
        )
        with answers_are_told(prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self.prefix)
                    yield Stored(name, found["Size"], found["LastModified"].timestamp())

    def remove(self, name: str) -> None:
        """With all versions, where the bucket keeps them, and this machine's copy: what a person deletes is gone."""
        self.scratch.forget(name)
        with answers_are_told(name):
            self.client.delete_object(**self.address(name))
            versions = self.client.list_object_versions(Bucket=self.bucket, Prefix=self.prefix + name)
            for found in [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())]:
                if found["Key"] == self.prefix + name and found.get("VersionId", "null") != "null":
                    self.client.delete_object(**self.address(name), VersionId=found["VersionId"])

    def remove_all(self, prefix: str) -> None:
        for stored in list(self.list(prefix)):
            self.remove(stored.name)

    @contextmanager
    def workspace(self, prefix: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="kinoscope-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


@contextmanager
def answers_are_told(name: str) -> Iterator[None]:
    """S3's ways to say that there is no such object, and to say nothing, as errors that everybody knows."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in GONE:
            raise FileNotFoundError(name) from None
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise StorageAway(str(error)) from error
        raise
    except BotoCoreError as error:
        raise StorageAway(str(error)) from error
