"""A person's whole journey in real Chromium, against `manage.py serve` in a fresh home. axe looks at every page."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import served

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE = 240_000  # milliseconds for a clip to be understood on a busy machine

pytestmark = pytest.mark.skipif(
    not os.path.exists(CHROMIUM), reason="SKIPPED LOUDLY: no chromium here; apt-get install chromium runs this test"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Address and first password of a site started the way README starts it."""
    with served(tmp_path_factory.mktemp("home")) as started:
        assert started.password
        yield started.address, started.password
    time.sleep(1)
    left = subprocess.run(["pgrep", "-f", f"worker --parent {started.pid}"], capture_output=True)
    assert left.returncode == 1, "the embedded worker outlived the site"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """The demo's own slides as an upload of somebody else's."""
    from webapp import demo

    path = tmp_path_factory.mktemp("clip") / "lecture.mp4"
    demo.make(path)
    return path


def look(page, axe) -> None:
    """axe finds nothing serious, nothing spills over the side."""
    found = [v for v in axe.run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert not found, [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), page.url


def wait_for_player(page, second: float) -> None:
    """The player stands at (or has just played on from) this second. Asked from here: the CSP forbids eval."""
    for _ in range(60):
        now = page.evaluate("document.getElementById('player').currentTime")
        if -0.2 <= now - second < 2.5:
            return
        time.sleep(0.25)
    raise AssertionError(f"the player stands at {now}, not at {second}")


def try_keys_and_tabs(page, expect) -> None:
    """The keyboard alone: the player's keys, the list of keys, tabs, mending a line of the transcript."""
    leave_field = "document.activeElement.blur()"
    page.evaluate(leave_field)
    before = page.evaluate("document.getElementById('player').currentTime")
    page.keyboard.press("ArrowLeft")
    wait_for_player(page, before - 5)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.evaluate(leave_field)
    page.keyboard.press("/")
    expect(page.locator("#find")).not_to_be_focused()
    page.evaluate("localStorage.removeItem('keys')")
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()

    page.get_by_role("tab", name="Transcript").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Details")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Details")).to_be_visible()
    page.keyboard.press("Home")
    page.get_by_label("Search in the transcript").fill("index")
    assert 0 < page.locator(".transcript .line:visible").count() < page.locator(".transcript .line").count()
    page.get_by_label("Search in the transcript").fill("")
    page.locator(".line .mend").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("What is said").fill("Welcome to Kinoscope, corrected.")
    page.locator(".mending button").first.click()
    expect(page.locator(".messages")).to_contain_text("Corrected.")
    expect(page.locator(".transcript .line").first).to_contain_text("corrected")
    expect(page.locator("[data-poll]")).to_have_attribute("data-status", "ready", timeout=PATIENCE)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_upload_search_ask_delete(site, clip, width, height, scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect, sync_playwright

    address, password = site
    axe, noise = Axe(), []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=False
        ).new_page()
        page.on("console", lambda message: noise.append((message.text, page.url)) if message.type == "error" else None)
        page.on("pageerror", lambda error: noise.append(str(error)))
        own = ("data:", "blob:", address)
        page.on("request", lambda request: None if request.url.startswith(own) else noise.append(request.url))
        page.on("dialog", lambda dialog: dialog.accept())

        page.goto(address)
        look(page, axe)
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Find the moment you mean")).to_be_visible()
        look(page, axe)

        page.get_by_role("link", name="Upload", exact=True).click()
        look(page, axe)
        page.locator("input[type=file]").set_input_files(clip)
        page.locator("form.upload button").click()
        page.get_by_role("link", name="watch it being understood").click()
        expect(page.locator(".progress table")).to_be_visible()
        look(page, axe)
        expect(page.locator(".progress .status.ready, .strip li").first).to_be_visible(timeout=PATIENCE)
        expect(page.locator("[data-poll]")).to_have_attribute("data-status", "ready", timeout=PATIENCE)
        expect(page.get_by_role("heading", name="Summary")).to_be_visible()
        look(page, axe)

        page.locator("#find").fill("Answers: every answer cites the moment that supports it")
        page.locator(".find button").click()
        look(page, axe)
        page.locator(".moment > a").first.click()
        start = float(re.search(r"t=([\d.]+)", page.url)[1])
        assert 38 <= start <= 42
        wait_for_player(page, start)
        assert page.locator(".transcript .line").count() >= 4
        assert page.locator(".rail .hit").count() >= 1
        try_keys_and_tabs(page, expect)
        look(page, axe)

        page.get_by_role("tab", name="Ask").click()
        page.get_by_label("Your question").fill("How is every video cut into shots?")
        page.locator(".ask button").click()
        expect(page.locator(".answer .citation").first).to_be_visible(timeout=30_000)
        citation = page.locator(".answer .citation").first
        second = float(citation.get_attribute("data-seek"))
        citation.click()
        wait_for_player(page, second)
        look(page, axe)

        page.get_by_role("button", name="简体中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        expect(page.get_by_role("link", name="上传")).to_be_visible()
        page.get_by_role("button", name="English").click()

        page.get_by_role("link", name="Operations").click()
        expect(page.get_by_role("heading", name="Queues")).to_be_visible()
        expect(page.get_by_text("(answers)")).to_be_visible()
        expect(page.get_by_text("No worker was seen")).to_have_count(0)
        look(page, axe)

        page.goto(f"{address}/videos")
        look(page, axe)
        page.locator(".card a").first.click()
        page.get_by_text("Title, sharing, deletion").click()
        page.get_by_role("button", name="Delete video").click()
        expect(page.locator(".messages")).to_contain_text("was deleted")
        expect(page.get_by_text("The library is empty.")).to_be_visible()
        browser.close()
    assert noise == []
