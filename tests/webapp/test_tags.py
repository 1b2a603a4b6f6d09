"""Tags say what is where, how sure that is and where it comes from; the bank of labels is the admin's."""

from importlib import import_module

import numpy as np
import pytest
from django.apps import apps

from indexer.speech import share_sound
from indexer.tags import MIN_TAG_CONFIDENCE, pick_for_video
from indexer.types import SAMPLE_RATE, Span
from webapp.index import recipes
from webapp.models import Label, Segment, Step, Tag, Utterance
from webapp.pipeline import tags


@pytest.fixture
def bank(db) -> None:
    """Tests that commit empty every table behind them, this one included."""
    if not Label.objects.exists():
        import_module("webapp.migrations.0001_squashed_0018").fill_label_bank(apps, None)


def test_the_bank_is_filled_at_first(bank) -> None:
    assert Label.objects.filter(enabled=True).count() > 70
    assert set(Label.objects.values_list("kind", flat=True)) == {"object", "scene", "action"}


def test_a_picture_is_tagged_by_what_it_is_nearest_to(demo, bank) -> None:
    from webapp import engine

    recipe = recipes.active()
    snow = engine.pictures(recipe).encode_texts(["a picture of snow"])  # as if a picture showed exactly that
    segment = Segment(start=0, end=5)
    found = tags.find_tags([segment], snow, [], recipe)
    assert pick_for_video(found)[0] == "snow"
    assert all(MIN_TAG_CONFIDENCE <= f.confidence <= 1 for f in found)
    assert tags.find_tags([segment], 0 * snow, [], recipe) == []
    Label.objects.exclude(pk__in=Label.objects.values("pk")[:5]).delete()
    assert tags.find_tags([segment], snow, [], recipe) == []


def test_moods_are_those_of_clear_sentences(db) -> None:
    said = ["This is a wonderful day.", "What a horrible mistake.", "The train leaves at nine.", "这是好天气。"]
    found = tags.find_moods([Utterance(start=i, end=i + 1, text=text) for i, text in enumerate(said)])
    assert [(f.name, f.start) for f in found] == [("positive", 0), ("negative", 1)]


def test_sound_is_shared_out() -> None:
    dice = np.random.default_rng(0)
    quiet, loud = (dice.normal(size=10 * SAMPLE_RATE).astype(np.float32) * level for level in (0.0001, 0.1))
    shares = share_sound(np.concatenate([quiet, loud]), [Span(10, 14)], [Span(12, 15)])
    assert shares == {"speech": 0.2, "music": 0.05, "other": 0.25, "silence": 0.5}
    assert share_sound(np.zeros(10, np.float32), [], []) == {}


def test_the_page_shows_the_timeline_and_search_uses_it(demo, clients) -> None:
    Tag.objects.create(video=demo, name="dog", kind="object", source="picture", confidence=0.7, start=5, end=12)
    page = clients["owner"].get(f"/videos/{demo.key}").content.decode()
    assert "What is in it" in page
    assert 'aria-label="dog, 0:05"' in page
    assert "70 %" in page
    chinese = clients["owner"].get(f"/videos/{demo.key}", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "狗" in chinese
    assert demo.title in clients["owner"].get("/search?q=speech&tag=dog").content.decode()
    assert f"/videos/{demo.key}" not in clients["owner"].get("/search?q=speech&tag=cat").content.decode()


def test_admins_edit_the_bank_and_have_videos_described_again(demo, clients) -> None:
    assert clients["admin"].get("/admin/webapp/label/").status_code == 200
    assert clients["owner"].get("/admin/webapp/label/").status_code == 302
    clients["admin"].post("/admin/webapp/label/add/", {"name": "penguin", "kind": "object", "enabled": "on"})
    chosen = Label.objects.get(name="penguin")
    clients["admin"].post("/admin/webapp/label/", {"action": "tag_again", "_selected_action": [chosen.pk]})
    assert Step.objects.get(video=demo, name="describe").status == Step.Status.READY


@pytest.mark.parametrize("person", ["other", "friend", "anonymous"])
def test_the_bank_is_closed_to_others(person, clients) -> None:
    assert clients[person].post("/admin/webapp/label/add/", {"name": "x", "kind": "object"}).status_code in (302, 403)
    assert not Label.objects.filter(name="x").exists()
