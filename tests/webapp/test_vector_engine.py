"""Vectors in an engine (milvus-lite here, a server in tests/indexer): searched, told what changed, lost and away."""

from collections.abc import Callable

import pytest

from indexer.adapters import milvus
from indexer.errors import EngineAway
from indexer.moment_store import EngineVectors
from indexer.ports import MomentStore
from webapp.index import generations, recipes, snapshot, vector_engine
from webapp.models import Segment, Video
from webapp.operations import drift
from webapp.search.moments import find_moments
from webapp.uploads import removal

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

WORDS = "search answers within milliseconds"


@pytest.fixture
def engine(settings, tmp_path, demo) -> MomentStore:
    """It knows the demo, and nothing else knows its vectors."""
    settings.KINOSCOPE_MOMENTS = str(tmp_path / "moments.db")
    vector_engine._open.cache_clear()
    assert generations.publish(recipes.active()) is not None
    current = snapshot.current_snapshot()
    assert isinstance(current.shelves[0].vectors, EngineVectors)
    assert not len(current.shelves[1].segments), "nothing is newer"
    store = snapshot.open_store(recipes.active())
    assert store is not None
    return store


def find(person) -> list[int]:
    return [moment.video.pk for moment in find_moments(person, WORDS, 60, "video").moments]


def test_a_search_is_answered_by_the_engine(engine, demo, people) -> None:
    assert engine.count() == Segment.objects.count() > 0
    assert find(people["owner"]) == [demo.pk]
    parts = snapshot.load_newest(recipes.active())[1]
    assert "vectors" not in parts, "no file holds them"
    levels = [finding.level for finding in drift.examine_index(recipes.active())]
    assert levels == ["ok"], "doctor compares the engine with the database"


def edit(demo: Video, clients, visibility: str) -> None:
    clients["owner"].post(f"/videos/{demo.key}/edit", {"title": demo.title, "visibility": visibility})


def tick(demo: Video, clients, visibility: str) -> None:
    chosen = {"video": [str(demo.key)], "do": "visibility", "visibility": visibility}
    clients["owner"].post("/videos/selected", chosen)


def patch(demo: Video, clients, visibility: str) -> None:
    given = {"visibility": visibility}
    clients["owner"].patch(f"/api/v1/videos/{demo.key}", given, content_type="application/json")


def administer(demo: Video, clients, visibility: str) -> None:
    given = {"title": demo.title, "owner": demo.owner_id, "visibility": visibility, "shared_with": []}
    forms = {"steps-TOTAL_FORMS": 0, "steps-INITIAL_FORMS": 0}
    clients["admin"].post(f"/admin/webapp/video/{demo.pk}/change/", given | forms)


@pytest.mark.parametrize("change", [edit, tick, patch, administer])
def test_whoever_may_see_it_finds_it_at_once_and_nobody_else(
    change: Callable[..., None], engine, demo, people, clients
) -> None:
    for visibility, found in (("public", [demo.pk]), ("private", []), ("public", [demo.pk])):
        change(demo, clients, visibility)
        demo.refresh_from_db()
        assert demo.visibility == visibility
        assert find(people["other"]) == found, "from the rows, which are newer"
        assert generations.publish(recipes.active()) is not None
        snapshot._current.clear()  # another process, which opens the newest generation
        assert not len(snapshot.current_snapshot().shelves[1].segments)
        assert find(people["other"]) == found, "from the engine, which was told"
        assert find(people["owner"]) == [demo.pk]
    assert engine.count() == Segment.objects.count()


def test_what_is_deleted_is_gone_at_once_and_from_the_engine_with_the_next_generation(engine, demo, people) -> None:
    count = engine.count()
    removal.remove(demo)
    assert find(people["owner"]) == []
    assert engine.count() == count
    generations.publish(recipes.active())
    assert engine.count() == 0


def test_an_engine_that_came_back_empty_is_told_everything_again(engine, demo, people) -> None:
    prefix = vector_engine.name_prefix()
    assert generations.repair() is False, "nothing is wrong"
    engine.drop_others(prefix, set())
    assert engine.count() == 0
    assert [f.level for f in drift.examine_index(recipes.active())].count("error") == 1
    assert generations.repair() is True
    assert engine.count() == Segment.objects.count()
    assert find(people["owner"]) == [demo.pk]


def test_while_the_engine_is_away_words_are_searched_and_it_is_said(engine, demo, people, clients, monkeypatch) -> None:
    def refuse(*_given) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(milvus, "connect", refuse)
    vector_engine._open.cache_clear()
    snapshot._current.clear()
    found = find_moments(people["owner"], WORDS)
    assert isinstance(found.missing, EngineAway)
    assert [moment.video.pk for moment in found.moments][:1] == [demo.pk], "its words are still known here"
    page = clients["owner"].get("/search", {"q": WORDS})
    assert page.status_code == 200
    assert "The vector engine at" in page.content.decode()
    compared = clients["owner"].get(f"/videos/{demo.key}/compared")
    assert compared.status_code == 200
    with pytest.raises(EngineAway):
        generations.publish(recipes.active())
    monkeypatch.undo()
    vector_engine._open.cache_clear()
    snapshot._current.clear()
    assert find_moments(people["owner"], WORDS).missing is None


def test_collections_of_recipes_that_are_gone_are_dropped(engine, settings) -> None:
    other = vector_engine.open_store("another recipe|key|6|engine", 8)
    assert other is not None
    assert other.count() == 0
    vector_engine.drop_others(engine, [snapshot.label(recipes.active().fingerprint)])
    assert engine.count() == Segment.objects.count()
