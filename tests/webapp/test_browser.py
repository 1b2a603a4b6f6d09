"""A person's whole journey in real Chromium, against `manage.py serve` in a fresh home. axe looks at every page."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.site import served, surroundings
from tests.webapp.browser import CHROMIUM, look, opened, sign_in, wait_for_player

PASSWORD = "correct-horse-9"
PATIENCE = 240_000  # milliseconds for a clip to be understood on a busy machine

pytestmark = pytest.mark.skipif(
    not os.path.exists(CHROMIUM), reason="SKIPPED LOUDLY: no chromium here; apt-get install chromium runs this test"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """Address of a site started the way README starts it, whose first person has chosen to be ada."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    with served(tmp_path_factory.mktemp("home")) as started:
        with opened(started.address, 390, 844, "dark") as page:
            page.goto(started.welcome)
            look(page, Axe())
            page.get_by_label("Username").fill("ada")
            for label in ("Password:", "Password confirmation"):
                page.get_by_label(label).fill(PASSWORD)
            page.get_by_role("button", name="Begin").click()
            expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
            expect(page.locator("[data-load][aria-busy]")).to_have_count(0, timeout=30_000)
            expect(page.get_by_text("are being looked at")).to_have_count(0)
            look(page, Axe())
        yield started.address
    time.sleep(1)
    left = subprocess.run(["pgrep", "-f", f"worker --parent {started.pid}"], capture_output=True)
    assert left.returncode == 1, "the embedded worker outlived the site"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """The demo's own slides as an upload of somebody else's."""
    from webapp.operations import demo

    path = tmp_path_factory.mktemp("clip") / "lecture.mp4"
    demo.make(path)
    return path


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
    expect(page.get_by_role("tabpanel", name="Transcript")).to_be_visible()
    said = page.locator(".transcript .line .said").nth(2).inner_text()  # some word that is there, however it was heard
    page.get_by_label("Search in the transcript").fill(max(said.strip(".").split(), key=len))
    assert 0 < page.locator(".transcript .line:visible").count() < page.locator(".transcript .line").count()
    page.get_by_label("Search in the transcript").fill("")
    page.locator(".line .mend").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("What is said").fill("Welcome to Kinoscope, corrected.")
    page.locator(".mending button").first.click()
    expect(page.locator(".messages")).to_contain_text("Corrected.")
    expect(page.locator(".transcript .line").first).to_contain_text("corrected")
    expect(page.locator(".processing > div")).to_have_attribute("data-status", "ready", timeout=PATIENCE)


def try_qualities(page, expect) -> None:
    """Several qualities are made, and the player changes to the one that is chosen."""
    page.get_by_text("Title, sharing, deletion").click()
    page.get_by_role("button", name="Make several qualities").click()
    end = time.monotonic() + PATIENCE / 1000
    while page.locator("video[data-streams]").count() == 0:
        assert time.monotonic() < end
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.get_by_label("Quality")).to_be_visible()
    assert page.evaluate("document.getElementById('player').src").startswith("blob:")
    page.get_by_label("Quality").select_option(label="360p")
    page.evaluate("document.getElementById('player').currentTime = 20")
    for _ in range(60):
        lines = page.evaluate("document.getElementById('player').videoHeight")
        if lines == 360:
            break
        page.wait_for_timeout(250)
    assert lines == 360
    wait_for_player(page, 20.0)


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(1280, 900, "light"), pytest.param(390, 844, "dark", marks=pytest.mark.slow)],
)
def test_upload_search_ask_delete(site, clip, width, height, scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    from webapp.search.heat import paint

    address, axe = site, Axe()
    with opened(address, width, height, scheme) as page:
        page.goto(address)
        look(page, axe)
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
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
        expect(page.locator(".processing > div")).to_have_attribute("data-status", "ready", timeout=PATIENCE)
        expect(page.get_by_role("heading", name="Summary")).to_be_visible()
        look(page, axe)

        page.locator("#find").fill("Answers: every answer shows the moment that supports it")
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
        page.get_by_label("Search in this video").fill("a slide about shots")
        page.keyboard.press("Enter")
        expect(page.locator(".hits a").first).to_be_visible()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("h")
        unknown = page.get_by_role("button", name="Nothing is recognised in this picture")  # slides are no photographs
        expect(unknown).to_be_visible(timeout=30_000)
        look(page, axe)
        expect(page.locator(".stage .heat")).to_have_count(0)
        layer = paint(np.eye(3, dtype=np.float32), (64, 36))  # as of a photograph, of which these tests have none
        told = {"X-Time": "4", "Content-Type": "image/png"}
        page.route("**/heat?*", lambda route: route.fulfill(body=layer, headers=told))
        page.keyboard.press("h")
        expect(page.locator(".stage .heat")).to_be_visible()
        wait_for_player(page, 4.0)
        look(page, axe)
        page.keyboard.press("h")
        expect(page.locator(".stage .heat")).to_have_count(0)
        if width > 1000:  # once: encoding takes its time
            try_qualities(page, expect)
            look(page, axe)
        page.get_by_text("Title, sharing, deletion").click()
        page.get_by_role("button", name="Delete video").click()
        expect(page.locator(".messages")).to_contain_text("was deleted")
        expect(page.get_by_text("The library is empty.")).to_be_visible()


FURNISH = f"""
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from webapp.operations import demo
from webapp.pipeline.worker import StepWorker
from webapp import models
from webapp.models import Collection, User, Video
for role in ("uploader", "viewer", "admin"):
    User.objects.create_user(role, password={PASSWORD!r}, role=role)
owner, worker = User.objects.get(username="uploader"), StepWorker("test")
demo.add(owner)
while worker.work_one(): pass
video = Video.objects.get()
video.owner, video.visibility = owner, "public"
video.save()
Collection.objects.create(owner=owner, name="Introductions", is_public=True).videos.add(video)
label = models.Label.objects.create(name="slide show")
label.examples.create(video=video, start=1, end=5, good=True)
card = video.study_cards.create(kind="gap", front="The ____.", back="tower", sentence="The tower.", start=1, end=2)
for person in models.User.objects.all():
    person.reviews.create(card=card, due_at="2026-01-01T00:00Z")
    person.montages.create(topic="slides", seconds=30, status="cancelled")
    search = person.saved_searches.create(name="slides", query="q=slides")
    search.alerts.create(video=video, start=1, end=5, confidence=0.9)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory, models_folder) -> Iterator[str]:
    """A site with the demo, a collection and a person of each role; all have the password `PASSWORD`."""
    home = tmp_path_factory.mktemp("library")
    models_folder.mkdir(exist_ok=True)
    (home / "models").symlink_to(models_folder)  # weights are joined once for all tests
    made = subprocess.run(
        [sys.executable, "-c", FURNISH],
        env={**surroundings(home), "DJANGO_SETTINGS_MODULE": "webapp.settings"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    with served(home, "--no-worker") as started:
        yield started.address


DESKTOP, PHONE = (1280, 900, "dark", "en"), (390, 844, "light", "zh-CN")


@pytest.mark.parametrize(
    ("role", "width", "height", "scheme", "language"),
    [("viewer", *PHONE), ("admin", *DESKTOP), ("admin", *PHONE)],
)
def test_every_page_is_open_to_everybody(library, role, width, height, scheme, language) -> None:
    """axe on each page that the role has; no error, no CSP violation, no other host."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    with opened(library, width, height, scheme, language) as page:
        sign_in(page, library, role, PASSWORD)
        page.goto(f"{library}/videos")
        watch = page.locator(".card a").first.get_attribute("href")
        page.goto(f"{library}/collections")
        shelf = page.locator("main .threads a").first.get_attribute("href")
        page.goto(f"{library}/montages")
        film = page.locator("main .threads a").first.get_attribute("href")
        paths = ["/", "/search?q=whisper", "/search", "/search?q=qqq+zzz", "/videos", "/videos?rows=on", "/ask", shelf]
        paths += [
            watch,
            f"{watch}?q=whisper",
            f"{watch}#details",
            f"{watch}#similar",
            "/collections",
            "/account",
            "/password",
            "/accessibility",
            *("/alerts", "/montages", film, f"{watch}/study", "/study", "/study/next", f"{watch}#compared"),
        ]
        paths += ["/upload"] if role != "viewer" else []
        if role == "admin":
            page.goto(f"{library}/operations/labels")
            label = page.locator("main table a").first.get_attribute("href")
            paths += [
                "/operations",
                *(f"/operations/{name}" for name in ("check", "quality", "models", "labels")),
                label,
            ]
        for path in paths:
            page.goto(library + path)
            assert page.locator("html").get_attribute("lang") == ("zh-hans" if language == "zh-CN" else "en"), path
            look(page, axe)


def test_ask_judge_collect_share(library) -> None:
    """What joins the parts: a citation plays beside the conversation, a thumb stays, a link plays for strangers."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    axe = Axe()
    with opened(library, 1280, 900, "light") as page:
        sign_in(page, library, "uploader", PASSWORD)
        page.goto(f"{library}/ask")
        page.get_by_label("Your question").fill("What writes down what is spoken?")
        page.keyboard.press("Enter")
        citation = page.locator(".answer .citation").first
        expect(citation).to_be_visible(timeout=30_000)
        citation.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#side")).to_be_visible()
        second = float(citation.get_attribute("data-seek"))
        wait_for_player(page, second, "#side video")
        look(page, axe)
        page.get_by_role("link", name="New conversation").click()
        expect(page.locator(".answer")).to_have_count(0)
        page.get_by_text("Conversations").click()
        page.locator(".threads a").first.click()
        expect(page.locator(".answer")).to_have_count(1)
        page.locator("[data-next] button").first.click()
        expect(page.locator(".answer")).to_have_count(2, timeout=30_000)
        expect(page.locator("[data-next]:visible")).to_have_count(1)
        page.get_by_role("button", name="Share this conversation by a link").click()
        conversation = page.get_by_role("link", name="The link to this conversation").get_attribute("href")
        look(page, axe)

        page.goto(f"{library}/search?q=whisper+writes+down+speech")
        thumb = page.get_by_role("button", name="This is what I searched for").first
        thumb.click()
        expect(thumb).to_have_attribute("aria-pressed", "true")
        page.reload()
        expect(thumb).to_have_attribute("aria-pressed", "true")
        thumb.click()
        expect(thumb).to_have_attribute("aria-pressed", "false")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("n")
        expect(page.locator(".moment > a").first).to_be_focused()
        page.locator(".moment > a").first.hover()
        expect(page.locator(".picture video")).to_have_count(1)

        page.goto(f"{library}/videos")
        expect(page.locator(".bulk")).to_be_hidden()
        page.locator(".pick input").first.check()
        page.get_by_label("Collection").fill("Favourites")
        page.get_by_role("button", name="Put into it").click()
        expect(page.get_by_role("heading", name="Favourites")).to_be_visible()
        look(page, axe)

        page.locator(".card a").first.click()
        page.get_by_text("Title, sharing, deletion").click()
        page.get_by_role("button", name="Make a link to this moment").click()
        link = page.locator(".shared input[readonly]").input_value()
        look(page, axe)
    with opened(library, 640, 360, "light") as page:
        page.goto(link)
        expect(page.locator("video")).to_be_visible()
        look(page, axe)
        page.goto(f"{library}{conversation}")
        expect(page.locator(".answer")).to_have_count(2)
        look(page, axe)


def test_a_search_is_completed_understood_mended_and_learned_from(library) -> None:
    """As somebody types: completions, chips that are taken away, a slip that is mended, a result that is followed."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    axe = Axe()
    with opened(library, 390, 844, "dark") as page:
        sign_in(page, library, "admin", PASSWORD)
        page.goto(f"{library}/operations/quality")
        page.get_by_role("button", name="Let search learn").click()
        page.goto(f"{library}/search")
        page.locator("#find").press_sequentially("whis")
        expect(page.locator("#suggestions option").first).to_have_attribute("value", "whisper")
        page.locator("#find").fill('"what is spoken" -zebra before:soon')
        page.keyboard.press("Enter")
        chips = page.locator(".chips a")
        expect(chips).to_have_count(3)
        expect(page.get_by_role("alert")).to_contain_text("is no date")
        look(page, axe)
        chips.nth(1).focus()
        page.keyboard.press("Enter")
        expect(chips).to_have_count(2)
        expect(page.locator("#find")).to_have_value('"what is spoken" before:soon')
        page.locator("#find").fill("whispr writes")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("whisper writes")
        look(page, axe)
        page.locator(".moment > a").first.click()
        page.wait_for_url("**hit=**")
        expect(page.locator("mark").first).to_have_text(re.compile("whisper", re.IGNORECASE))
        page.goto(f"{library}/operations/quality")
        expect(page.get_by_text("1 followed")).to_be_visible()
        look(page, axe)
        page.get_by_role("button", name="Stop learning").click()
        expect(page.get_by_role("button", name="Let search learn")).to_be_visible()
        page.goto(f"{library}/search")
        page.get_by_role("button", name="Forget all of them").click()
        expect(page.get_by_text("Recent searches")).to_have_count(0)
