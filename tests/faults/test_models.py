"""A change of models as an admin makes it, by clicks in Chromium, while people search twenty times a second: from a hub
whose connection breaks, to an index that is compared, switched to and taken back. Pictures of it lie in
KINOSCOPE_SCREENCAST where that is set.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.faults.browser import open_site
from tests.faults.conftest import Installation
from tests.faults.test_recipes import Load, library_of
from tests.hub import Hub, serve_hub
from tests.repositories import make_repository
from tests.webapp.browser import CHROMIUM, look, opened, sign_in
from webapp.catalogue.table import ENTRIES

pytestmark = pytest.mark.skipif(
    not os.path.exists(CHROMIUM), reason="SKIPPED LOUDLY: no chromium here; apt-get install chromium runs this test"
)

ENTRY = ENTRIES["clip-b32"]
SEARCHES_A_SECOND = 20


@pytest.fixture
def hub(tmp_path) -> Iterator[Hub]:
    with serve_hub() as served:
        served.folders[ENTRY.source, ENTRY.revision] = make_repository(ENTRY, tmp_path / "hub")
        yield served


@pytest.mark.slow
def test_a_change_of_models_by_clicks_stops_nobody(site: Installation, hub: Hub, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    site.env["HF_ENDPOINT"] = hub.address
    shutil.rmtree(site.home / "models" / "catalogue", ignore_errors=True)  # joined weights are kept between runs
    library_of(site, tmp_path, 3)
    site.sql("UPDATE webapp_video SET title = 'A slide with number ' || id")
    browser = open_site(site)
    browser.get("/search?q=slide")
    hub.seconds_a_piece, hub.break_at = 0.001, [2_500_000, *[0] * 6]
    with opened(browser.base, 1280, 1000, "light") as page, Load(browser, 2, SEARCHES_A_SECOND).on() as load:
        shoot = photographer(page)
        sign_in(page, browser.base, "admin", "a long one")
        page.goto(f"{browser.base}/operations")
        page.get_by_role("link", name="Models").click()
        row = page.get_by_role("row", name=ENTRY.title)
        shoot("fresh")
        look(page, Axe())
        row.get_by_role("button", name="Fetch").click()
        expect(row.get_by_text("what came is kept")).to_be_visible(timeout=90_000)  # seven breaks are too many
        shoot("broken")
        hub.break_at = []
        row.get_by_role("button", name="Go on").click()
        expect(row.get_by_text("pictures a second")).to_be_visible(timeout=90_000)
        shoot("installed")
        assert any(wanted != "bytes=0-" for wanted in hub.ranges)
        row.get_by_role("button", name="Use").click()
        expect(page.get_by_role("heading", name="Two indexes")).to_be_visible(timeout=60_000)
        shoot("beside")
        switch = page.get_by_role("button", name="Switch to the new one")
        expect(page.get_by_text("own titles").first).to_be_visible(timeout=90_000)
        shoot("compared")
        look(page, Axe())
        assert {index.split("/")[0] for *_, index, _ in load.answers if index} == {"1"}
        switch.click()
        back = page.get_by_role("button", name="Go back to it")
        expect(back).to_be_visible(timeout=60_000)
        shoot("switched")
        site.wait(lambda: load.answers[-1][2].startswith("2/"), 30)
        back.click()
        expect(switch.or_(back)).to_be_visible(timeout=60_000)
        site.wait(lambda: load.answers[-1][2].startswith("1/"), 30)
        shoot("back")
        time.sleep(1)
    seconds = load.answers[-1][0] - load.answers[0][0]
    told = [index.split("/")[0] for _, _, index, _ in load.answers]
    changes = [(before, after) for before, after in pairwise(told) if before != after]
    print(
        f"{len(load.answers)} searches in {seconds:.0f} s ({len(load.answers) / seconds:.1f} a second), "
        f"{len(load.failed())} failed, p95 {load.p95():.2f} s, slowest {max(s for *_, s in load.answers):.2f} s; "
        f"answered by recipe 1 {told.count('1')}, by recipe 2 {told.count('2')}"
    )
    assert load.failed() == []
    assert len(load.answers) / seconds > SEARCHES_A_SECOND / 2
    assert ("1", "2") in changes
    assert ("2", "1") in changes
    assert max(s for *_, s in load.answers) < 10


def photographer(page: Any) -> Callable[[str], None]:
    folder = os.environ.get("KINOSCOPE_SCREENCAST")
    number = 0

    def shoot(name: str) -> None:
        nonlocal number
        number += 1
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{number}-{name}.png", full_page=name in ("fresh", "compared"))

    return shoot
