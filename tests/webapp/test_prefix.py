"""The site below a path of its host, behind a proxy that hands addresses on as they are."""

import re
import urllib.request

import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from tests.site import served

PREFIX = "/films"
LINKS = re.compile(r'(?:href|src|action|data-[\w-]+|srcset)="(/[^"]*)"')


@pytest.mark.usefixtures("fake_models")
def test_every_link_stays_below_it(demo, people, settings, request) -> None:
    settings.FORCE_SCRIPT_NAME = PREFIX
    set_script_prefix(f"{PREFIX}/")  # as the server does for each request; the test's client does not
    request.addfinalizer(clear_script_prefix)
    owner = Client()
    owner.force_login(people["admin"])
    pages = ["", "search?q=a clock", f"videos/{demo.key}?q=a clock", "videos", "collections", "ask", "upload"]
    pages += [
        "account",
        "operations",
        "operations/quality",
        "operations/models",
        f"videos/{demo.key}/similar",
        "accessibility",
    ]
    for page in pages:
        response = owner.get(f"/{page}")
        assert response.status_code == 200, page
        # Static files take their prefix when a process starts: see below.
        links = {link for link in LINKS.findall(response.content.decode()) if not link.startswith("/static/")}
        assert all(link.startswith(f"{PREFIX}/") for link in links), (page, links)
    assert Client().get("/").url == f"{PREFIX}/sign-in?next={PREFIX}/"
    assert owner.get("/api/v1/nothing").json()["status"] == 404


def test_a_site_of_its_own_finds_its_static_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KINOSCOPE_PREFIX", f"{PREFIX}/")
    with served(tmp_path, "--no-worker") as site:
        with urllib.request.urlopen(f"{site.address}{PREFIX}/sign-in") as answer:
            page, cookie = answer.read().decode(), answer.headers["Set-Cookie"]
        static = [link for link in LINKS.findall(page) if "/static/" in link]
        assert static
        for link in static:
            assert link.startswith(f"{PREFIX}/static/")
            assert urllib.request.urlopen(site.address + link).status == 200
        assert f"Path={PREFIX}" in cookie
        assert f"{PREFIX}/welcome" in site.welcome
