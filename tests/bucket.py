"""A real S3 server for the tests: SeaweedFS from PyPI, on this machine only, killed and started again at will."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.site import free_port

ACCESS, SECRET, BUCKET = "kinoscope", "a-secret-for-tests", "library"
WEED = Path(sys.executable).with_name("weed")


class S3Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
        folder.mkdir(parents=True, exist_ok=True)
        allowed = {"credentials": [{"accessKey": ACCESS, "secretKey": SECRET}], "name": "site", "actions": ["Admin"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [allowed]}))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """What the site is told."""
        return {
            "KINOSCOPE_MEDIA": f"s3://{BUCKET}/kinoscope",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.ports['s3']}",
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        ports = [f"-{name}.port={port}" for name, port in self.ports.items()]
        ports += [f"-{name}.port.grpc={free_port()}" for name in self.ports]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(WEED), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder / 'data'}",
                 f"-s3.config={self.folder / 's3.json'}", "-master.volumeSizeLimitMB=64", "-volume.max=60",
                 "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", *ports],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        self.wait()

    def wait(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.connect(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=5)
        end = time.monotonic() + 60
        while True:
            try:
                if BUCKET not in [b["Name"] for b in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"1")
                return
            except (BotoCoreError, ClientError):
                assert time.monotonic() < end, (self.folder / "log").read_text()[-3000:]
                time.sleep(0.3)

    def connect(self, **options: Any) -> Any:
        """A client that speaks to it as the site does."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=self.env["AWS_ENDPOINT_URL"], aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
            region_name=self.env["AWS_DEFAULT_REGION"], config=Config(signature_version="s3v4", **options),
        )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
