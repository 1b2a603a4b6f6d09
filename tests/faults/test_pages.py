"""Real Chromium at a site that is broken on purpose: uploads that go on, and payloads that never run."""

import contextlib
import hashlib
import os
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import movie_maker
from tests.faults.browser import open_site
from tests.faults.conftest import Installation
from tests.hostile.corpus import remux
from tests.site import free_port
from tests.webapp.browser import CHROMIUM

pytestmark = pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="SKIPPED LOUDLY: no chromium here")

PAYLOADS = (
    "<img src=x onerror='window.__xss=1'>",
    '"><script>window.__xss=1</script>',
    "'-window.__xss=1-'",
    "{{ 7*7 }}<svg/onload=window.__xss=1>",
    "javascript:window.__xss=1",
)


@pytest.fixture
def page() -> Iterator[Any]:
    """A page that remembers every complaint of its console."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
        opened.noise = []
        opened.on("console", lambda m: opened.noise.append(m.text) if m.type == "error" else None)
        opened.on("dialog", lambda dialog: dialog.accept())
        yield opened
        browser.close()


def sign_in(page: Any, base: str, name: str = "admin", password: str = "a long one") -> None:
    page.goto(f"{base}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Find the moment you mean").wait_for()


def test_an_upload_goes_on_after_everything(site: Installation, page: Any, tmp_path: Path) -> None:
    """Pause, a lost network, a reload and a killed site, one after the other; then a second file from the queue."""
    from playwright.sync_api import expect

    big, small = tmp_path / "a big one.mp4", tmp_path / "small.mp4"
    big.write_bytes(os.urandom(90 << 20))
    small.write_bytes(os.urandom(1 << 20))
    port = free_port()
    server = site.serve(port)
    cable = Cable(port)
    base = f"http://127.0.0.1:{cable.port}"
    site.wait(lambda: answers(page, base), 60)
    sign_in(page, base)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")

    def speed(bytes_a_second: int) -> None:
        wire.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second},
        )

    page.goto(f"{base}/upload")
    speed(6 << 20)
    page.locator("input[type=file]").set_input_files([big, small])
    page.locator("form.upload button").click()
    rows = page.locator("ul.uploads li")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("waiting")

    expect(rows.nth(0)).to_contain_text(re.compile(r"[1-9]\d? %"), timeout=30_000)
    rows.nth(0).get_by_role("button", name="Pause").click()
    expect(rows.nth(0)).to_contain_text("paused")
    expect(rows.nth(1).get_by_role("link", name="watch it being understood")).to_be_visible(timeout=30_000)
    time.sleep(1)
    kept = offset_of(site, big)
    assert 0 < kept < big.stat().st_size
    time.sleep(1)
    assert offset_of(site, big) == kept  # paused is paused

    rows.nth(0).get_by_role("button", name="Go on").click()
    site.wait(lambda: offset_of(site, big) > kept, 30)
    cable.cut()
    expect(rows.nth(0)).to_contain_text("trying again", timeout=30_000)
    cable.mend()
    kept = offset_of(site, big)
    site.wait(lambda: offset_of(site, big) > kept, 60)

    page.reload()
    expect(page.get_by_role("heading", name="Not finished")).to_be_visible()
    expect(page.locator(".unfinished")).to_contain_text("a big one.mp4")
    kept = offset_of(site, big)
    asked: list[int] = []
    page.on("request", lambda r: asked.append(int(r.headers["upload-offset"])) if r.method == "PATCH" else None)
    page.locator("input[type=file]").set_input_files(big)
    page.locator("form.upload button").click()
    site.wait(lambda: offset_of(site, big) > kept, 30)

    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    site.serve(port)
    speed(-1)
    link = page.locator("ul.uploads li").get_by_role("link", name="watch it being understood")
    expect(link).to_be_visible(timeout=90_000)
    assert asked[0] >= kept > 0  # what was there was not sent again
    digests = {d for (d,) in site.sql("SELECT sha256 FROM webapp_video")}
    assert digests == {hashlib.sha256(p.read_bytes()).hexdigest() for p in (big, small)}

    page.goto(f"{base}/upload")  # a twin is said so, and a file can be given up
    page.locator("input[type=file]").set_input_files([small])
    page.locator("form.upload button").click()
    expect(page.locator("ul.uploads li")).to_contain_text("already in your library")


class Cable:
    """A connection to the site that can be cut: everything on it is reset, and nothing new gets through."""

    def __init__(self, port: int) -> None:
        self.target, self.whole = port, True
        self.links: set[socket.socket] = set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            near, _ = self.server.accept()
            far = socket.socket()
            if not self.whole or far.connect_ex(("127.0.0.1", self.target)):
                near.close()
                continue
            self.links |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            for link in (one, other):  # not closed: the other thread may still read its number
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.whole = False
        for link in list(self.links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.whole = True


def answers(page: Any, base: str) -> bool:
    try:
        return bool(page.goto(f"{base}/health").ok)
    except Exception:  # not there yet
        return False


def offset_of(site: Installation, path: Path) -> int:
    rows = site.sql(f"SELECT offset_bytes FROM webapp_upload WHERE file_name = '{path.name}'")
    return int(rows[0][0]) if rows else 0


def test_payloads_never_run(site: Installation, page: Any, tmp_path: Path) -> None:
    """Script in every text that people or files bring; every page is visited, the admin's and the media too."""
    make = movie_maker(tmp_path)
    videos = []
    for number, payload in enumerate(PAYLOADS[:3]):
        plain = make(f"{number}.mp4", shots=number + 1, text="<b>hi</b>")
        titled = tmp_path / f"t{number}.mp4"
        remux(plain, titled)
        with titled.open("ab") as file:
            file.write(b"<html><script>window.__xss=1</script></html>")
        videos.append((titled, payload))
    browser = open_site(site, worker=True)
    for path, payload in videos:
        named = tmp_path / payload.replace("/", "_")[:200]
        path.rename(named)
        assert browser.upload(named)[0] == 200
    site.wait(lambda: not site.open_steps(), 240)
    keys = [uuid.UUID(str(k)) for (k,) in site.sql("SELECT key FROM webapp_video ORDER BY id")]
    srt = "1\n00:00:00,100 --> 00:00:01,500\n{}\n"
    sign_in(page, browser.base)
    for key, payload, other in zip(keys, PAYLOADS, PAYLOADS[2:], strict=False):
        subtitle = tmp_path / "s.srt"
        subtitle.write_text(srt.format(payload))
        page.goto(f"{browser.base}/videos/{key}")
        page.get_by_text("Title, sharing, deletion").click()
        page.locator("input[name=subtitles]").set_input_files(subtitle)
        page.get_by_role("button", name="Replace", exact=True).click()
        page.get_by_text("Title, sharing, deletion").click()
        page.locator("input[name=title]").fill(payload)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("tab", name="Ask").click()
        page.get_by_label("Your question").fill(other)
        page.locator(".ask button").click()
        page.wait_for_selector(".answer")
    site.wait(lambda: not site.open_steps(), 240)
    first = site.sql("SELECT MIN(id) FROM webapp_video")[0][0]
    for path in [
        "/", "/videos", "/upload", "/ask", "/account", "/collections", "/operations",
        "/operations/quality", "/password", "/admin/", "/admin/webapp/video/",
        "/admin/webapp/step/", "/admin/webapp/question/", "/admin/webapp/user/", "/admin/webapp/auditentry/",
        *(f"/videos/{key}" for key in keys), f"/admin/webapp/video/{first}/change/",
    ]:  # fmt: skip
        page.goto(browser.base + path)
        assert page.evaluate("window.__xss") is None, path
    for payload in PAYLOADS:
        for where in ("/search", "/admin/webapp/video/"):
            page.goto(f"{browser.base}{where}?{page.evaluate('p => new URLSearchParams({q: p}).toString()', payload)}")
            assert page.evaluate("window.__xss") is None, payload
    complaints = [text for text in page.noise if "favicon" not in text and "404" not in text]
    assert not complaints  # a refused script would complain of the policy
    # the file itself, opened as an address: a player or a download, never a page
    told = page.context.request.get(f"{browser.base}/media/{keys[0]}/video")
    assert told.headers["content-type"] == "video/mp4"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in told.headers["content-security-policy"]
    page.goto(f"{browser.base}/media/{keys[0]}/video")
    assert page.evaluate("window.__xss") is None
