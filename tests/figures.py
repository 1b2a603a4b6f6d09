"""What pages cost: `python -m tests.figures HOME [VIDEOS]` prints them for a copy of an installation.

The copy is filled up with rows of videos to VIDEOS (1,000); a browser then opens each page with an empty cache.
"""

import os
import shutil
import sys
import tempfile
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import numpy as np

from tests.screenshots import pages, signed_in_cookie
from tests.site import Site, served
from tests.webapp.browser import CHROMIUM

PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true });
})"""
QUERIES = ("a dog running", "people at a table", "a boat on the water", "children playing", "a city at night")
TIMES = 30  # requests of which the p95 is taken
# Bytes and number of what a page loads, without pictures and video; the largest contentful paint.
COSTS = """async () => {
  const paint = await new Promise((done) => {
    let last = 0;
    new PerformanceObserver((list) => { for (const e of list.getEntries()) last = e.startTime; })
      .observe({ type: "largest-contentful-paint", buffered: true });
    setTimeout(() => done(last), 700);
  });
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const light = all.filter((e) => !["img", "video", "track"].includes(e.initiatorType) || e.name.includes("/static/"));
  return { lcp: paint, requests: all.length, bytes: light.reduce((sum, e) => sum + e.transferSize, 0) };
}"""


def fill(videos: int) -> None:
    """Rows of videos that are older than the real ones, public like a large site's."""
    from webapp.models import User, Video

    owner = User.objects.order_by("pk").first()
    assert owner is not None
    missing = videos - Video.objects.count()
    oldest = Video.objects.order_by("created_at").values_list("created_at", flat=True)[0]
    made = Video.objects.bulk_create(
        Video(
            owner=owner, title=f"Recording {n}", file_name=f"{n}.mp4", sha256=f"{n:064}", size_bytes=1,
            status="ready", visibility="public", duration=60.0,
        )
        for n in range(missing)
    )  # fmt: skip
    Video.objects.filter(pk__in=[v.pk for v in made]).update(created_at=oldest - timedelta(days=1))


def time_html(site: Site, address: str, cookie: str) -> list[float]:
    """Milliseconds until the whole page has arrived, of warm requests."""
    request = urllib.request.Request(f"{site.address}{address}", headers={"Cookie": f"sessionid={cookie}"})
    taken = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        with urllib.request.urlopen(request) as response:
            response.read()
        taken.append(1000 * (time.perf_counter() - begun))
    return taken[1:]


def weigh(site: Site, addresses: dict[str, str], cookie: str) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, address in addresses.items():
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": site.address}])
            page = context.new_page()
            page.goto(f"{site.address}{address}", wait_until="load")
            found[name] = page.evaluate(COSTS)
            context.close()
        browser.close()
    return found


def search_by_hand(site: Site, cookie: str) -> dict[str, list[float]]:
    """Milliseconds from Enter until the driver of the browser sees the first result, until the browser painted it, and
    from a letter until completions are there.
    """
    from playwright.sync_api import sync_playwright

    entered, painted, completed = [], [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": site.address}])
        page = context.new_page()
        for number in range(TIMES + 2):
            text = f"{QUERIES[number % len(QUERIES)]} {number}"
            page.goto(f"{site.address}/search", wait_until="load")
            box = page.locator("main input[name=q], input[name=q]").first
            box.fill(text[:-1])
            begun = time.perf_counter()
            with page.expect_response(lambda answer: "/search/suggest" in answer.url):
                box.press(text[-1])
            completed.append(1000 * (time.perf_counter() - begun))
            begun = time.perf_counter()
            box.press("Enter")
            page.wait_for_url("**/search?*q=*")
            page.locator(".grid .moment").first.wait_for(state="visible")
            entered.append(1000 * (time.perf_counter() - begun))
            painted.append(page.evaluate(PAINTED))
        browser.close()
    return {"Enter to results": entered[2:], "… painted": painted[2:], "completions": completed[2:]}


def main() -> None:
    home, videos = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "home"
        shutil.copytree(home, copy)
        os.environ["KINOSCOPE_HOME"] = str(copy)
        os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        fill(videos)
        addresses = {n: a.partition("#")[0] for n, a in pages().items() if n not in ("missing", "api")}
        cookie = signed_in_cookie()
        with served(copy, "--no-worker") as site:
            time_html(site, addresses["search"], cookie)  # loads the models
            costs = weigh(site, addresses, cookie)
            print(f"{'page':16} {'HTML p50':>9} {'p95 ms':>7} {'LCP ms':>7} {'requests':>9} {'kB without media':>17}")
            for name, address in addresses.items():
                p50, p95 = np.percentile(time_html(site, address, cookie), [50, 95])
                cost = costs[name]
                row = f"{p50:9.0f} {p95:7.0f} {cost['lcp']:7.0f} {cost['requests']:9} {cost['bytes'] / 1000:17.0f}"
                print(f"{name:16} {row}")
            for what, taken in search_by_hand(site, cookie).items():
                print(f"{what:16} {np.percentile(taken, 50):9.0f} {np.percentile(taken, 95):7.0f}")


if __name__ == "__main__":
    main()
