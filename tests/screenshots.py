"""Every page as a picture: `python -m tests.screenshots [HOME]` writes them to screenshots/, which git ignores.

Without HOME a new installation is made and its demo video understood first; with it, those of that one are taken.
"""

import os
import sys
import tempfile
import uuid
from pathlib import Path
from urllib.parse import quote

import django

from tests.site import ROOT, Site, served
from tests.webapp.browser import CHROMIUM

SIZES = {"desktop": (1280, 900), "tablet": (820, 1180), "phone": (390, 844)}
LOOKS = [("light", "en"), ("dark", "en"), ("light", "zh-hans")]


def pages() -> dict[str, str]:
    """Name -> address, for the newest video that is ready."""
    from webapp.answers import threads
    from webapp.models import Collection, Question, User, Video
    from webapp.people import first_run

    video = Video.objects.filter(status="ready").order_by("-duration").first()
    assert video is not None, "no video is ready"
    admin = User.objects.filter(is_superuser=True).order_by("pk").first()
    assert admin is not None
    said = video.utterances.order_by("start").values_list("text", flat=True).first() or video.title
    if not Question.objects.filter(asker=admin, video=None).exists():
        threads.ask(admin, video.suggestions[0] if video.suggestions else said, None, uuid.uuid4())
    watch, shelf = f"/videos/{video.key}", Collection.objects.first()
    return {
        "home": "/",
        "search": f"/search?q={quote(said[:60])}",
        "search-nothing": "/search?q=a+zebra+plays+the+tuba",
        "watch": watch,
        "watch-hits": f"{watch}?q={quote(said[:40])}#chapters",
        "watch-ask": f"{watch}#ask",
        "watch-details": f"{watch}#details",
        "watch-similar": f"{watch}#similar",
        "library": "/videos",
        "ask": "/ask",
        "upload": "/upload",
        "library-rows": "/videos?rows=on",
        "collections": "/collections",
        "operations": "/operations",
        "check": "/operations/check",
        "quality": "/operations/quality",
        "models": "/operations/models",
        "api": "/api/v1/docs",
        "account": "/account",
        "accessibility": "/accessibility",
        "missing": "/nowhere",
        **({} if first_run.is_over() else {"welcome": first_run.link()}),
        **({"collection": f"/collections/{shelf.key}"} if shelf else {}),
    }


def signed_in_cookie() -> str:
    """A session of the first admin, as signing in would make it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from webapp.models import User

    admin = User.objects.filter(is_superuser=True).order_by("pk").first()
    assert admin is not None
    session = SessionStore()
    session[SESSION_KEY] = str(admin.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = admin.get_session_auth_hash()
    session.save()
    assert session.session_key is not None
    return session.session_key


def take(site: Site, addresses: dict[str, str], cookie: str, out: Path) -> int:
    from playwright.sync_api import sync_playwright

    taken = 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for size, (width, height) in SIZES.items():
            for scheme, language in LOOKS:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, locale=language
                )
                page = context.new_page()
                page.goto(f"{site.address}/sign-in")
                page.screenshot(path=out / f"sign-in.{size}.{scheme}.{language}.png", full_page=True)
                names = {"sessionid": cookie, "django_language": language}
                context.add_cookies([{"name": n, "value": v, "url": site.address} for n, v in names.items()])
                for name, address in addresses.items():
                    page.goto(f"{site.address}{address}")
                    page.wait_for_timeout(400)  # pictures below the fold are loaded when they are looked at
                    page.screenshot(path=out / f"{name}.{size}.{scheme}.{language}.png", full_page=True)
                    taken += 1
                context.close()
        browser.close()
    return taken


def main() -> None:
    from django.core.management import call_command

    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as scratch:
        home = given or Path(scratch)
        os.environ["KINOSCOPE_HOME"] = str(home.resolve())
        os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
        django.setup()
        if given is None:
            from webapp.models import User
            from webapp.operations import demo
            from webapp.pipeline.worker import StepWorker

            call_command("migrate", verbosity=0)
            demo.add(User.objects.create_user("admin", role=User.Role.ADMIN))
            while StepWorker("screenshots").work_one() is not None:
                pass
        out = ROOT / "screenshots"
        out.mkdir(exist_ok=True)
        with served(home) as site:
            print(f"{take(site, pages(), signed_in_cookie(), out)} pictures in {out}")


if __name__ == "__main__":
    main()
