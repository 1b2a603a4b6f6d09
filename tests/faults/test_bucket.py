"""Media in a bucket while the site, the worker and the bucket's own server are killed."""

import contextlib
import hashlib
import http.client
import json
import os
import random
import threading
import time
import uuid
from pathlib import Path

import pytest

from tests.bucket import BUCKET, S3Server
from tests.faults.browser import Browser, open_site
from tests.faults.conftest import Installation, write_silent
from tests.faults.test_uploads import ask, begin, headers, send

PIECE = 150_000  # bytes


@pytest.fixture
def bucket(site: Installation, tmp_path: Path):
    server = S3Server(tmp_path / "s3")
    server.start()
    site.env |= server.env
    yield server
    server.stop()


def bring(browser: Browser, data: bytes, site: Installation) -> Browser:
    """Upload as a page does: broken off, asked, gone on with, until it is whole."""
    place, told = "", ""
    end = time.monotonic() + 180
    while "/videos/" not in told:
        assert time.monotonic() < end, site.explain()
        with contextlib.suppress(OSError, http.client.HTTPException, TypeError, ValueError):
            place = place or begin(browser, len(data)).headers["Location"] or ""
            here = int(ask(browser, "HEAD", place).headers["Upload-Offset"])
            if here < len(data):
                send(browser, place, here, data[here : here + PIECE])
            else:
                told = ask(browser, "GET", place).body.decode()  # type: ignore[attr-defined]
            continue
        time.sleep(0.3)
        if site.processes[-1].poll() is not None:
            browser = open_site(site)
    return browser


@pytest.mark.slow
@pytest.mark.parametrize("count", [20, 200])
def test_nothing_acknowledged_is_lost_whatever_is_killed(site, bucket: S3Server, count: int) -> None:
    dice, sent = random.Random(7), set()
    browser, over, kills = open_site(site), threading.Event(), 0

    def kill_the_bucket() -> None:
        nonlocal kills
        while not over.wait(dice.uniform(2, 6)):
            bucket.kill()
            kills += 1
            bucket.start()

    killer = threading.Thread(target=kill_the_bucket)
    killer.start()
    for number in range(count):
        data = dice.randbytes(dice.randint(PIECE // 2, 3 * PIECE))
        if number % 7 == 3:
            threading.Timer(dice.uniform(0, 0.3), site.processes[-1].kill).start()
        browser = bring(browser, data, site)
        sent.add(hashlib.sha256(data).hexdigest())
    over.set()
    killer.join()
    site.wait(lambda: {row[0] for row in site.sql("SELECT sha256 FROM webapp_video")} == sent, 60)
    client = bucket.connect()
    for key, digest in site.sql("SELECT key, sha256 FROM webapp_video"):
        kept = client.get_object(Bucket=BUCKET, Key=f"kinoscope/media/{uuid.UUID(str(key))}.bin")["Body"].read()
        assert hashlib.sha256(kept).hexdigest() == digest
    print(f"\n{count} uploads whole, the bucket's server killed {kills} times, the site {count // 7} times")


def test_a_worker_without_a_bucket_waits_and_a_revoked_video_stops(site, bucket: S3Server, tmp_path: Path) -> None:
    browser = open_site(site)
    path = write_silent(tmp_path / "a.mp4", 1)
    assert browser.upload(path)[0] == 200
    bucket.kill()
    site.start()
    site.wait(lambda: ("storage",) in site.sql("SELECT error_code FROM webapp_step"))
    assert browser.get("/health/ready")[0] == 503
    assert json.loads(browser.get("/health/ready")[1])["status"] == "unready"
    assert browser.get("/videos")[0] == 200  # pages go on
    bucket.start()
    site.sql("UPDATE webapp_step SET ready_at = '2020-01-01 00:00:00' WHERE status = 'waiting'")
    site.wait(lambda: site.open_steps() == 0)
    ((key,),) = site.sql("SELECT key FROM webapp_video WHERE status = 'ready'")
    key = uuid.UUID(str(key))
    code = "from webapp.models import User; User.objects.create_user('other', password='a long one', role='viewer')"
    site.manage("shell", "-v0", "-c", code)
    other = Browser(int(browser.base.rsplit(":", 1)[1]))
    other.sign_in(name="other")
    address = f"/media/{key}/video"
    wanted = headers(other, Range="bytes=100-299")
    site.sql("UPDATE webapp_video SET visibility = 'public'")
    assert ask(other, "GET", address, **wanted).body == path.read_bytes()[100:300]  # type: ignore[attr-defined]
    site.sql("UPDATE webapp_video SET visibility = 'private'")
    assert ask(other, "GET", address, **wanted).status == 404
    assert ask(browser, "GET", f"/media/{key}/poster.jpg").status == 200
    assert not list((site.home / "media").iterdir())
    assert not [p for p in (site.home / "derived").rglob("*") if p.is_file()]
    assert os.listdir(site.home / "scratch")
