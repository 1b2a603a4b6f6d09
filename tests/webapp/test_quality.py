"""Thumbs, the benchmark over them, the quality page, the welcome and the page of findings."""

import json
import re

import pytest
from django.core.management import call_command

from webapp.models import Judgement, Measurement, Video
from webapp.operations.demo import TITLE

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def judged(demo, clients) -> dict[str, str]:
    """What the buttons below the best moment of a search send."""
    moment = clients["owner"].get("/search", {"q": "whisper writes down what is spoken"}).context["moments"][0]
    return {
        "q": "whisper writes down what is spoken",
        "video": str(demo.key),
        "start": f"{moment.start:.2f}",
        "end": f"{moment.end:.2f}",
    }


def test_a_thumb_is_kept_shown_and_taken_back(judged, demo, clients) -> None:
    owner = clients["owner"]
    assert owner.post("/search/judge", {**judged, "good": "1"}).status_code == 302
    assert (
        owner.post("/search/judge", {**judged, "good": "0"}, headers={"Accept": "application/json"}).status_code == 204
    )
    assert [j.good for j in Judgement.objects.all()] == [False]
    page = owner.get("/search", {"q": judged["q"]}).content.decode()
    pressed = dict(re.findall(r'value="([01])"\s+aria-pressed="(true|false)"', page))
    assert pressed == {"0": "true", "1": "false"}
    assert 'aria-pressed="true"' not in clients["admin"].get("/search", {"q": judged["q"]}).content.decode()
    owner.post("/search/judge", {**judged, "good": ""})
    assert not Judgement.objects.exists()


def test_what_is_no_judgement_is_refused(judged, demo, clients) -> None:
    for wrong in ({"start": "x"}, {"start": "nan"}, {"end": "0"}, {"end": "1e9"}, {"q": " "}):
        assert clients["owner"].post("/search/judge", {**judged, "good": "1", **wrong}).status_code == 400, wrong
    Video.objects.update(visibility="private")
    assert clients["other"].post("/search/judge", {**judged, "good": "1"}).status_code == 404
    assert clients["owner"].post("/search/judge", {**judged, "video": "x", "good": "1"}).status_code == 404
    assert clients["anonymous"].post("/search/judge", {**judged, "good": "1"}).status_code == 302
    assert not Judgement.objects.exists()


def test_the_benchmark_of_judgements_feeds_the_quality_page(judged, demo, clients, capsys) -> None:
    clients["owner"].post("/search/judge", {**judged, "good": "1"})
    clients["owner"].post(
        "/search/judge", {**judged, "q": "a quite different thing", "start": "0", "end": "1", "good": "0"}
    )
    for _ in range(2):
        call_command("bench", "judgements", "--keep", "--json")
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert row["queries"] == 2
    assert row["right ones among the first ten, %"] == 100.0
    assert Measurement.objects.count() == 2
    page = clients["admin"].get("/operations/quality")
    ((bench, plots),) = page.context["benches"]
    assert bench.startswith("judged by people")
    best = next(p for p in plots if p.metric.startswith("right ones"))
    assert (best.last, len(best.points), best.most) == (100.0, 2, 100.0)
    assert best.points[0][0] < best.points[1][0]
    assert judged["q"] in page.content.decode()


def test_the_admin_of_an_empty_library_is_welcomed(clients, people) -> None:
    page = clients["admin"].get("/").content.decode()
    assert "Make the demo video" in page
    assert "Pictures" in page
    for person in ("owner", "friend"):
        assert "Make the demo video" not in clients[person].get("/").content.decode()


def test_findings_are_those_of_doctor(demo, clients) -> None:
    """The page is there at once and fetches them; the welcome fetches only what is wrong."""
    assert "?part=all" in clients["admin"].get("/operations/check").content.decode()
    every, wrong = (clients["admin"].get("/operations/check", {"part": part}) for part in ("all", "wrong"))
    assert every.context["findings"][0].what.replace("'", "&#x27;") in every.content.decode()
    levels = [f.level for f in every.context["findings"] if f.level != "ok"]
    assert [f.level for f in wrong.context["findings"]] == levels
    assert len(every.context["findings"]) > len(levels)
    for person in ("owner", "friend"):
        assert clients[person].get("/operations/check", {"part": "all"}).status_code == 403


def test_the_demo_is_made_once(clients) -> None:
    first = clients["admin"].post("/operations/demo")
    assert first["Location"] == f"/videos/{Video.objects.get(title=TITLE).key}"
    clients["admin"].post("/operations/demo")
    assert Video.objects.count() == 3
