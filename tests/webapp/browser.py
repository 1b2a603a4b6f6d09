"""Real Chromium for tests: nothing may be logged as an error, break the CSP, or come from another host."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@contextmanager
def opened(address: str, width: int, height: int, scheme: str, language: str = "en") -> Iterator[Any]:
    """A page of a fresh browser; at the end nothing may have gone wrong on it."""
    from playwright.sync_api import sync_playwright

    noise: list[object] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, locale=language, bypass_csp=False
        ).new_page()
        page.on("console", lambda said: noise.append((said.text, said.location)) if said.type == "error" else None)
        page.on("pageerror", lambda error: noise.append((str(error), page.url)))
        own = ("data:", "blob:", address)
        page.on("request", lambda request: None if request.url.startswith(own) else noise.append(request.url))
        page.on("dialog", lambda dialog: dialog.accept())
        yield page
        browser.close()
    assert not noise, noise


def sign_in(page: Any, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/sign-in")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    page.locator(".hero").wait_for()


def look(page: Any, axe: Any) -> None:
    """axe finds nothing serious, nothing spills over the side."""
    found = [v for v in axe.run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert not found, [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), page.url


def wait_for_player(page: Any, second: float, player: str = "#player") -> None:
    """The player stands at (or has just played on from) this second. Asked from here: the CSP forbids eval."""
    for _ in range(60):
        now = page.evaluate(f"document.querySelector('{player}').currentTime")
        if -0.2 <= now - second < 2.5:
            return
        time.sleep(0.25)
    raise AssertionError(f"the player stands at {now}, not at {second}")
