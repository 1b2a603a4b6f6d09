"""Uploads over real HTTP: the site killed in the middle, requests that lie, crowds, and slow clients."""

import asyncio
import contextlib
import hashlib
import http.client
import os
import random
import socket
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.browser import Browser, open_site
from tests.faults.conftest import Installation, write_silent

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def headers(browser: Browser, **more: str) -> dict[str, str]:
    cookies = {c.name: c.value for c in browser.jar}
    pairs = "; ".join(f"{k}={v}" for k, v in cookies.items())
    return {**TUS, "Cookie": pairs, "X-CSRFToken": cookies["csrftoken"] or "", "Referer": browser.base, **more}


def ask(browser: Browser, method: str, path: str, body: bytes = b"", **more: str) -> http.client.HTTPResponse:
    link = http.client.HTTPConnection("127.0.0.1", int(browser.base.rsplit(":", 1)[1]), timeout=30)
    link.request(method, path, body or None, headers(browser, **more))
    answer = link.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    return answer


def begin(browser: Browser, length: int) -> http.client.HTTPResponse:
    return ask(browser, "POST", "/uploads", **{"Upload-Length": str(length)})


def send(browser: Browser, place: str, offset: int, data: bytes) -> http.client.HTTPResponse:
    return ask(browser, "PATCH", place, data, **{"Upload-Offset": str(offset), "Content-Type": PIECE})


def raw(browser: Browser, head: str, body: bytes = b"", seconds: float = 5.0) -> str:
    """Send these very bytes; what came back."""
    with socket.create_connection(("127.0.0.1", int(browser.base.rsplit(":", 1)[1])), 10) as link:
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers(browser).items())
        link.sendall(f"{head}\r\nHost: 127.0.0.1\r\n{lines}".encode() + body)
        link.settimeout(seconds)
        try:
            return link.recv(65536).decode(errors="replace")
        except TimeoutError:
            return ""


def test_a_kill_of_the_site_loses_nothing_acknowledged(site: Installation, tmp_path: Path) -> None:
    """SIGKILL at random moments of an upload; the client goes on from where the site says it is."""
    dice, data = random.Random(5), os.urandom(120 << 20)
    browser = open_site(site)
    place = begin(browser, len(data)).headers["Location"]
    here, kills, least = 0, 0, 0
    while here < len(data):
        if kills < 6:
            threading.Timer(dice.uniform(0.01, 0.1), site.processes[-1].kill).start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert send(browser, place, here, data[here:]).status == 204
        if kills < 6:
            kills += 1
            site.processes[-1].wait()
            browser = open_site(site)
        here = int(ask(browser, "HEAD", place).headers["Upload-Offset"])
        assert here >= least, "what was acknowledged went back"
        least = here
    told = ask(browser, "GET", place).body.decode()  # type: ignore[attr-defined]
    assert "/videos/" in told
    ((key, digest),) = site.sql("SELECT key, sha256 FROM webapp_video")
    stored = site.home / "media" / f"{uuid.UUID(str(key))}.bin"
    assert digest == hashlib.sha256(data).hexdigest() == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert kills >= 2
    print(f"\n{kills} kills, 120 MB whole")


@pytest.mark.slow
def test_every_acknowledged_form_upload_survives(site: Installation, tmp_path: Path) -> None:
    """The same for the plain form: what was answered with success is there with its sha256, no row lacks its file."""
    dice, taken = random.Random(6), set()
    for number in range(5):
        browser = open_site(site)
        killer = threading.Timer(dice.uniform(0.1, 0.6), site.processes[-1].kill)
        killer.start()
        for n in range(40):
            path = tmp_path / f"{number}-{n}.mp4"
            path.write_bytes(os.urandom(200_000))
            try:
                status, body, _ = browser.upload(path)
            except (OSError, http.client.HTTPException):
                break
            assert status == 200, body
            taken.add(hashlib.sha256(path.read_bytes()).hexdigest())
        site.processes[-1].wait()
    rows = dict(site.sql("SELECT sha256, key FROM webapp_video"))
    assert taken
    assert taken <= set(rows)
    for digest, key in rows.items():
        stored = site.home / "media" / f"{uuid.UUID(str(key))}.bin"
        assert hashlib.sha256(stored.read_bytes()).hexdigest() == digest
    print(f"\n{len(taken)} acknowledged uploads, 5 kills: all there")


def test_requests_that_lie_are_bounded(site: Installation) -> None:
    site.env["KINOSCOPE_MAX_UPLOAD_BYTES"] = str(1 << 20)
    browser = open_site(site)
    assert begin(browser, (1 << 20) + 1).status == 413
    place = begin(browser, 1000).headers["Location"]
    # more bytes than announced, in chunks without a length and without an end
    chunk = b"%x\r\n" % (1 << 16) + bytes(1 << 16) + b"\r\n"
    told = f"Upload-Offset: 0\r\nContent-Type: {PIECE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert " 413 " in raw(browser, f"PATCH {place} HTTP/1.1", told + 5 * chunk).split("\r\n")[0]
    # fewer bytes than announced: the connection ends, what came is kept
    assert int(ask(browser, "HEAD", place).headers["Upload-Offset"]) in (0, 1000)
    place = begin(browser, 1000).headers["Location"]
    short = f"Upload-Offset: 0\r\nContent-Type: {PIECE}\r\nContent-Length: 900\r\n\r\n".encode() + b"x" * 100
    raw(browser, f"PATCH {place} HTTP/1.1", short, seconds=0.5)
    deadline = time.monotonic() + 10
    while ask(browser, "HEAD", place).headers["Upload-Offset"] != "100":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # a form that is larger than any file may be, from nobody and from an admin: nothing of it is stored
    edge = b'--e\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    size = 200 << 20
    form = (
        f"Content-Type: multipart/form-data; boundary=e\r\nContent-Length: {size}\r\n\r\n".encode()
        + edge
        + bytes(4 << 20)
    )
    before = stored_bytes(site.home)
    for who in (browser, Browser(int(browser.base.rsplit(":", 1)[1]))):
        who.get("/sign-in")
        answer = raw(who, "POST /upload HTTP/1.1", form).split("\r\n")[0]
        assert any(f" {code} " in answer for code in (302, 403, 413)), answer
    assert stored_bytes(site.home) - before < 1 << 20
    # JSON of 100 MB in a place where a few fields belong
    big = (
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {100 << 20}\r\n\r\n".encode()
        + b"a" * 65536
    )
    assert raw(browser, "POST /ask HTTP/1.1", big).split("\r\n")[0][9:12] in ("400", "413", "403", "")
    many = "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))
    assert raw(browser, "GET /health HTTP/1.1", f"Range: {many}\r\n\r\n".encode()).startswith("HTTP/1.1 200")
    assert browser.get("/")[0] == 200


def stored_bytes(home: Path) -> int:
    return sum(p.stat().st_size for folder in ("media", "incoming") for p in (home / folder).iterdir())


def test_a_crowd_stays_within_its_quota(site: Installation) -> None:
    site.env["KINOSCOPE_MAX_PERSON_BYTES"] = str(3 << 20)
    browser = open_site(site)
    files = [os.urandom(1 << 20) for _ in range(8)]

    def bring(data: bytes) -> int:
        begun = begin(browser, len(data))
        return send(browser, begun.headers["Location"], 0, data).status if begun.status == 201 else begun.status

    with ThreadPoolExecutor(8) as crowd:
        statuses = sorted(crowd.map(bring, files))
    assert statuses == [204] * 3 + [413] * 5
    assert site.sql("SELECT SUM(size_bytes) FROM webapp_video")[0][0] == 3 << 20
    assert stored_bytes(site.home) <= 3 << 20


@pytest.mark.slow
def test_two_hundred_slow_clients_hold_nobody_up(site: Installation, tmp_path: Path) -> None:
    """They read a video at 1 kB a second; a person's pages stay quick, and each of them gets the right bytes."""
    path = write_silent(tmp_path / "a.mp4", 1)
    with path.open("ab") as file:
        file.write(os.urandom(8 << 20))
    browser = open_site(site, worker=True)
    site.ingest(path)
    site.wait(lambda: site.sql("SELECT content_type FROM webapp_video")[0][0] != "")
    ((key,),) = site.sql("SELECT key FROM webapp_video")
    address = f"/media/{uuid.UUID(str(key))}/video"
    site.wait(lambda: not site.open_steps())
    data = path.read_bytes()
    asked = "".join(f"{k}: {v}\r\n" for k, v in headers(browser).items())

    async def crawl(number: int, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(browser.base.rsplit(":", 1)[1]), limit=1024)
        writer.write(
            f"GET {address} HTTP/1.1\r\nHost: x127.0.0.1\r\nRange: bytes={number}-\r\n{asked}\r\n".replace(
                "x127", "127"
            ).encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        assert b" 206 " in head.split(b"\r\n")[0]
        here = number
        while time.monotonic() < until:
            piece = await reader.read(1024)
            assert piece == data[here : here + len(piece)]
            here += len(piece)
            await asyncio.sleep(1)
        writer.close()

    times: list[float] = []
    quiet = sorted(browser.get("/videos")[2] for _ in range(10))[5]

    async def crowd() -> None:
        until = time.monotonic() + 14
        crawlers = [asyncio.create_task(crawl(n, until)) for n in range(200)]
        await asyncio.sleep(4)
        while time.monotonic() < until - 1:
            status, _, seconds = await asyncio.to_thread(browser.get, "/videos")
            assert status == 200
            times.append(seconds)
        await asyncio.gather(*crawlers)

    asyncio.run(crowd())
    p95 = sorted(times)[int(0.95 * len(times))]
    print(f"\n{len(times)} pages beside 200 slow clients: p95 {p95:.3f} s, alone {quiet:.3f} s")
    assert p95 < 1


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="SQLite file is asked directly")
def test_an_upload_that_nobody_goes_on_with_expires(site: Installation) -> None:
    browser = open_site(site)
    place = begin(browser, 1000).headers["Location"]
    with sqlite3.connect(site.home / "kinoscope.sqlite3", timeout=20) as link:
        link.execute("UPDATE webapp_upload SET expires_at = '2020-01-01'")
    site.start()
    site.wait(lambda: not site.sql("SELECT 1 FROM webapp_upload"), 60)
    assert list((site.home / "incoming").iterdir()) == []
    assert ask(browser, "HEAD", place).status == 404
