"""The library's lists: order, what is done with ticked videos, collections that open no doors."""

import pytest

from webapp.models import AuditEntry, Collection, Video

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def videos(people, accept) -> dict[str, Video]:
    """Three of owner's, one of them public, and a private one of other's."""
    made = {
        name: accept(owner=who, seconds=s) for name, who, s in (("a", "owner", 1), ("b", "owner", 2), ("c", "owner", 3))
    }
    made["d"] = accept(owner="other", seconds=4)
    for name, video in made.items():
        Video.objects.filter(pk=video.pk).update(title=name, duration=ord(name), visibility="private")
    Video.objects.filter(title="c").update(visibility="public")
    return {v.title: v for v in Video.objects.all()}


def titles(response) -> list[str]:
    return [video.title for video in response.context["page"]]


def test_order_and_filters(videos, clients) -> None:
    owner = clients["owner"]
    assert titles(owner.get("/videos")) == ["c", "b", "a"]
    assert titles(owner.get("/videos", {"order": "title"})) == ["a", "b", "c"]
    assert titles(owner.get("/videos", {"order": "long"})) == ["c", "b", "a"]
    assert titles(owner.get("/videos", {"order": "nonsense", "status": "nonsense"})) == ["c", "b", "a"]
    assert titles(owner.get("/videos", {"status": "ready"})) == []
    assert titles(clients["other"].get("/videos", {"mine": "on"})) == ["d"]
    assert titles(clients["friend"].get("/videos")) == ["c"]
    assert 'class="rows"' in owner.get("/videos", {"rows": "on"}).content.decode()


def test_a_list_says_what_failed_and_why(videos, clients) -> None:
    step = videos["a"].steps.first()
    step.status, step.error_text = "failed", "The file has no picture and no sound."
    step.save()
    assert step.error_text in clients["owner"].get("/videos").content.decode()
    assert step.error_text not in clients["other"].get("/videos").content.decode()


def test_what_is_ticked_is_changed_only_where_one_may(videos, clients) -> None:
    everything = [str(v.key) for v in videos.values()]
    for person in ("friend", "other"):
        clients[person].post("/videos/selected", {"video": everything, "do": "visibility", "visibility": "public"})
    assert set(Video.objects.filter(visibility="public").values_list("title", flat=True)) == {"c", "d"}
    clients["friend"].post("/videos/selected", {"video": [*everything, "x"], "do": "delete"})
    assert Video.objects.count() == 4
    assert clients["anonymous"].post("/videos/selected", {"video": everything, "do": "delete"}).status_code == 302
    assert Video.objects.count() == 4
    clients["owner"].post("/videos/selected", {"video": everything, "do": "retry"})
    clients["owner"].post("/videos/selected", {"video": everything[:2], "do": "nonsense"})
    clients["owner"].post("/videos/selected", {"video": everything, "do": "delete"})
    assert [v.title for v in Video.objects.all()] == ["d"]
    assert AuditEntry.objects.filter(action="delete").count() == 3


def test_a_text_that_the_database_cannot_keep_is_refused(videos, clients) -> None:
    """PostgreSQL takes no NUL; SQLite does. Neither may answer with an error of the server's."""
    video, owner = videos["a"], clients["owner"]
    owner.raise_request_exception = False
    sent = [
        ("/search?q=%00dog", None), ("/ask", {"q": "who\0?"}), (f"/videos/{video.key}/edit", {"title": "\0"}),
        ("/account/tokens", {"name": "\0", "scope": "read"}), ("/search/save", {"query": "q=%00a"}),
        ("/videos/selected", {"video": str(video.key), "do": "collect", "collection": "a\0"}),
    ]  # fmt: skip
    for path, body in sent:
        response = owner.get(path) if body is None else owner.post(path, body)
        assert response.status_code in (200, 302, 400), path
    for path, body in (("/videos/{}", {"title": "a\0"}), ("/videos/{}", {"shared_with": ["\0"]})):
        response = owner.patch("/api/v1" + path.format(video.key), body, content_type="application/json")
        assert response.status_code in (200, 422), path


def test_what_became_private_is_nobody_elses(videos, clients, people) -> None:
    video = videos["a"]
    page = f"/videos/{video.key}"
    clients["owner"].post(
        f"{page}/edit", {"title": "a", "visibility": "shared", "people": [people["friend"].pk, "9" * 30]}
    )
    assert clients["friend"].get(page).status_code == 200
    clients["owner"].post("/videos/selected", {"video": str(video.key), "do": "visibility", "visibility": "private"})
    assert clients["friend"].get(page).status_code == 404


def test_a_collection_opens_no_door(videos, clients, people) -> None:
    owner = clients["owner"]
    keys = [str(videos[name].key) for name in "abd"] + [str(videos["c"].key)]
    made = owner.post("/videos/selected", {"video": keys, "do": "collect", "collection": " Holidays "})
    found = Collection.objects.get()
    assert made["Location"] == f"/collections/{found.key}"
    assert {v.title for v in found.videos.all()} == {"a", "b", "c"}  # d can't be seen by owner
    page = f"/collections/{found.key}"
    for person, status in {"owner": 200, "admin": 200, "other": 404, "friend": 404, "anonymous": 302}.items():
        assert clients[person].get(page).status_code == status, person
        assert clients[person].post(f"{page}/change", {"name": "Mine"}).status_code == (
            302 if person in ("owner", "admin", "anonymous") else 404
        )
    owner.post(f"{page}/change", {"name": "Trips", "is_public": "on"})
    assert titles(clients["friend"].get(page)) == ["c"]
    assert "Trips" in clients["friend"].get("/collections").content.decode()
    assert clients["friend"].get("/collections").context["collections"][0].size == 1
    assert clients["friend"].post(f"{page}/change", {"delete": "1"}).status_code == 404
    owner.post(f"{page}/change", {"name": "Trips", "people": [people["other"].pk, "9" * 30, "²"]})  # chosen people only
    assert [clients[who].get(page).status_code for who in ("other", "friend")] == [200, 404]
    assert titles(clients["other"].get(page)) == ["c"]
    assert "Trips" in clients["other"].get("/collections").content.decode()
    assert clients["other"].post(f"{page}/change", {"name": "Mine"}).status_code == 404
    owner.post(f"{page}/change", {"name": "Trips", "is_public": "on"})
    assert clients["other"].get(page).status_code == 200
    owner.post(f"{page}/change", {"without": str(videos["c"].key)})
    assert titles(clients["friend"].get(page)) == []
    owner.post(f"{page}/change", {"delete": "1"})
    assert not Collection.objects.exists()
    assert Video.objects.count() == 4


def test_two_collections_of_a_person_have_two_names(videos, clients, people) -> None:
    first, second = (Collection.objects.create(owner=people["owner"], name=name) for name in ("A", "B"))
    clients["owner"].post(f"/collections/{second.key}/change", {"name": "A"})
    second.refresh_from_db()
    assert second.name == "B"
    again = clients["owner"].post(
        "/videos/selected", {"video": str(videos["a"].key), "do": "collect", "collection": "A"}
    )
    assert again["Location"] == f"/collections/{first.key}"
