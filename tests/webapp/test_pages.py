"""What pages cost: queries that do not grow with the library, and bytes of a first view without media."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext

from webapp.models import Collection, Question, Video

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

# Most queries of a page, whatever the size of the library.
QUERIES = {
    "/": 22, "/videos": 8, "/videos?rows=on": 8, "/collections": 6, "/ask": 8, "/account": 9, "/upload": 5,
    "/search?q=whisper": 32, "/operations": 40, "/operations/quality": 9, "/operations/models": 12, "/accessibility": 4,
    "/operations/labels": 7, "/alerts": 8, "/montages": 5, "/study": 6,
}  # fmt: skip
MOST_BYTES = 300_000


@pytest.fixture
def full(demo, people) -> Video:
    """A library of many videos around one that is understood."""
    Video.objects.bulk_create(
        Video(
            owner=people["admin"], title=f"{n:03}", file_name="a.mp4", sha256=f"{n:064}", size_bytes=1, status="ready"
        )
        for n in range(120)
    )
    shelf = Collection.objects.create(owner=people["admin"], name="All")
    shelf.videos.set(Video.objects.all())
    for n in range(30):
        Question.objects.create(asker=people["admin"], text=f"Question {n}?", answer={"abstained": True})
    return demo


@pytest.mark.parametrize("path", QUERIES)
def test_queries_do_not_grow_with_the_library(path, full, clients) -> None:
    clients["admin"].get(path)  # what is cached for a process is not counted
    with CaptureQueriesContext(
        connection,
    ) as counted:
        assert clients["admin"].get(path).status_code == 200
    assert len(counted) <= QUERIES[path], [q["sql"][:120] for q in counted]


def test_the_watch_page_asks_a_fixed_number_of_times(full, clients) -> None:
    clients["admin"].get(f"/videos/{full.key}")
    with CaptureQueriesContext(connection) as counted:
        clients["admin"].get(f"/videos/{full.key}")
    assert len(counted) <= 34, [q["sql"][:120] for q in counted]


@pytest.mark.parametrize("path", ["/", "/videos", "/search?q=whisper", "/ask", "/upload", "watch"])
def test_a_first_view_is_light(path, full, clients) -> None:
    """The page with its sheets and scripts, uncompressed; pictures and video come as they are looked at."""
    page = clients["admin"].get(f"/videos/{full.key}" if path == "watch" else path).content.decode()
    files = set(re.findall(r'(?:href|src)="/static/([^"]+\.(?:css|js))"', page))
    if path == "watch":
        files.add("webapp/plyr/plyr-3.8.4.svg")
    found = [finders.find(file) for file in files]
    assert found
    assert all(found)
    assert len(page.encode()) + sum(Path(file).stat().st_size for file in found) <= MOST_BYTES


def test_hits_inside_a_video_say_their_words(demo, clients, monkeypatch) -> None:
    monkeypatch.setattr("webapp.views.watch.MIN_CONFIDENCE", 0.0)
    page = clients["owner"].get(f"/videos/{demo.key}", {"q": "Whisper writes down what is spoken"}).content.decode()
    hits = page.split('class="hits"')[1].split("</section>")[0]
    assert "<mark>Whisper</mark>" in hits


def test_a_video_that_waits_is_queued_and_shown_as_a_film(accept, clients) -> None:
    """Nothing was looked at yet: no share of the work is claimed, and no sound."""
    accept()
    page = clients["owner"].get("/").content.decode()
    assert '<span class="status">queued</span>' in page
    assert 'class="film"' in page
    assert "<progress" not in page
    assert "♪" not in page
