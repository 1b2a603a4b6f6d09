"""The API: every operation × every kind of person, scopes of tokens, problems, and what schemathesis finds."""

import json
from datetime import timedelta

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from webapp.api.urls import api
from webapp.models import Collection, Question, Token, Video
from webapp.people import tokens

pytestmark = pytest.mark.usefixtures("fake_models")

NOBODY = "00000000-0000-4000-8000-000000000000"
# (method, address): what owner, other (a stranger to the video), anonymous are answered. {v} is a private video's key.
OPERATIONS = {
    ("get", "/me"): (200, 200, 401),
    ("get", "/videos"): (200, 200, 401),
    ("get", "/videos/{v}"): (200, 404, 401),
    ("patch", "/videos/{v}"): (200, 404, 401),
    ("get", "/videos/{v}/transcript"): (200, 404, 401),
    ("get", "/videos/{v}/similar"): (200, 404, 401),
    ("get", "/videos/{v}/heat"): (200, 404, 401),
    ("get", "/videos/{v}/steps"): (200, 404, 401),
    ("post", "/videos/{v}/cancel"): (200, 404, 401),
    ("post", "/videos/{v}/retry"): (200, 404, 401),
    ("get", "/recommendations"): (200, 200, 401),
    ("get", "/search"): (200, 200, 401),
    ("post", "/answers"): (201, 404, 401),
    ("get", "/answers"): (200, 200, 401),
    ("delete", "/answers/{q}"): (204, 404, 401),
    ("get", "/collections"): (200, 200, 401),
    ("post", "/collections"): (201, 201, 401),
    ("get", "/collections/{c}/videos"): (200, 404, 401),
    ("patch", "/collections/{c}"): (200, 404, 401),
    ("delete", "/collections/{c}"): (204, 404, 401),
    ("delete", "/videos/{v}"): (204, 404, 401),
}


def call(client: Client, method: str, path: str, video: Video, question: int):
    shelf, _made = Collection.objects.get_or_create(owner=video.owner, name="Shelf")
    address = "/api/v1" + path.format(v=video.key, q=question, c=shelf.key)
    if path == "/search" or path.endswith("/heat"):
        return client.get(address, {"q": "whisper"})
    body = {"question": "What writes down speech?", "video": str(video.key)} if path == "/answers" else {"title": "New"}
    if "collections" in path:
        body = {"name": "Shelf", "add" if method == "patch" else "videos": [str(video.key)]}
    if method == "get":
        return client.get(address)
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")


def test_every_operation_is_in_the_table() -> None:
    described = {
        (
            method,
            path.removeprefix("/api/v1").replace("{key}", "{v}").replace("{number}", "{q}").replace("{shelf}", "{c}"),
        )
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    assert described == set(OPERATIONS)


def test_who_may_do_what(demo, clients, people) -> None:
    Video.objects.update(visibility=Video.Visibility.PRIVATE)
    for (method, path), (owner, other, anonymous) in OPERATIONS.items():
        question = Question.objects.create(asker=people["owner"], text="Who?", answer={"abstained": True}).pk
        expected = {"anonymous": anonymous, "other": other, "owner": owner}
        for person, status in expected.items():
            response = call(clients[person], method, path, demo, question)
            assert response.status_code == status, (method, path, person, response.content[:200])
            if status >= 400:
                assert response["Content-Type"] == "application/problem+json"
                assert response.json()["status"] == status
    assert not Video.objects.exists()


def test_a_shared_video_may_be_read_but_not_changed(demo, clients, people) -> None:
    demo.visibility = Video.Visibility.PUBLIC
    demo.save()
    for method, path in OPERATIONS:
        if "{v}" in path:
            changes = method in ("patch", "delete") or path.endswith(("cancel", "retry"))
            response = call(clients["friend"], method, path, demo, 0)
            assert response.status_code == (404 if changes else 200), (method, path)


def test_a_token_may_what_its_scopes_say(demo, people) -> None:
    needed = {"/answers": "ask", "/answers/{q}": "ask"}
    for (method, path), (status, _other, _anonymous) in list(OPERATIONS.items())[:-1]:
        scope = "read" if method == "get" else needed.get(path, "edit")
        for held in Token.Scope.values:
            question = Question.objects.create(asker=people["owner"], text="Who?", answer={"abstained": True}).pk
            token = tokens.issue(people["owner"], "test", [held])
            client = Client(headers={"Authorization": f"Bearer {token}"})
            answered = call(client, method, path, demo, question).status_code
            assert answered == (status if held == scope else 403), (method, path, held)


def test_sharing_and_collections(demo, people, clients) -> None:
    """What may be done on pages may be done by programs: people are named, and who is not there is no silent gap."""
    Video.objects.update(visibility=Video.Visibility.PRIVATE)
    owner, video = clients["owner"], f"/api/v1/videos/{demo.key}"
    change = {"visibility": "shared", "shared_with": ["friend"]}
    assert owner.patch(video, change, content_type="application/json").status_code == 200
    assert [clients[who].get(video).status_code for who in ("friend", "other")] == [200, 404]
    refused = owner.patch(video, {"shared_with": ["friend", "ghost"]}, content_type="application/json")
    assert (refused.status_code, "ghost" in refused.json()["detail"]) == (422, True)
    assert owner.patch(video, {"visibility": "private"}, content_type="application/json").status_code == 200
    assert clients["friend"].get(video).status_code == 404

    asked = {"name": "Talks", "videos": [str(demo.key), NOBODY]}
    made = owner.post("/api/v1/collections", asked, content_type="application/json").json()
    shelf = f"/api/v1/collections/{made['key']}"
    assert owner.get(f"{shelf}/videos").json()["count"] == 1
    assert owner.get(made["page"]).status_code == 200
    assert clients["friend"].get(f"{shelf}/videos").status_code == 404
    owner.patch(shelf, {"shared_with": ["friend"]}, content_type="application/json")
    assert clients["friend"].get(f"{shelf}/videos").json() == {"items": [], "count": 0}  # it opens no doors
    assert clients["friend"].patch(shelf, {"name": "Mine"}, content_type="application/json").status_code == 404
    owner.post("/api/v1/collections", {"name": "Other"}, content_type="application/json")
    twin = owner.patch(shelf, {"name": "Other"}, content_type="application/json")
    assert (twin.status_code, Collection.objects.get(key=made["key"]).name) == (422, "Talks")
    owner.patch(shelf, {"remove": [str(demo.key)], "is_public": True}, content_type="application/json")
    assert owner.get(f"{shelf}/videos").json()["count"] == 0
    assert [c["name"] for c in clients["other"].get("/api/v1/collections").json()["items"]] == ["Talks"]


def test_tokens_end(demo, people, clients) -> None:
    page = clients["owner"].post("/account/tokens", {"name": "backup", "scope": ["read", "nonsense"]}).content.decode()
    token = page.split("<code>")[1].split("</code>")[0]
    assert token.startswith("kino_")
    assert Token.objects.get().scopes == ["read"]
    assert token not in clients["owner"].get("/account").content.decode()
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/me").json()["name"] == "owner"
    assert client.get(f"/media/{demo.key}/captions.vtt").status_code == 200
    assert client.get("/account").status_code == 302  # never on pages
    assert client.post("/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "10"}).status_code == 403
    assert Token.objects.get().used_at is not None
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/me").status_code == 401
    Token.objects.update(expires_at=timezone.now() + timedelta(days=1))
    people["owner"].is_active = False
    people["owner"].save()
    assert client.get("/api/v1/me").status_code == 401
    assert clients["owner"].post("/account/tokens", {"name": "", "scope": "read"}).status_code == 302


def test_a_token_uploads(people) -> None:
    token = tokens.issue(people["owner"], "camera", ["upload"])
    client = Client(headers={"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}, enforce_csrf_checks=True)
    assert client.post("/uploads", headers={"Upload-Length": "10"}).status_code == 201


def test_a_browser_session_needs_its_csrf_token(demo, people) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["owner"])
    assert client.get("/api/v1/me").status_code == 200
    refused = client.delete(f"/api/v1/videos/{demo.key}")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    page = client.post(f"/videos/{demo.key}/delete")
    assert (page.status_code, "reload" in page.content.decode()) == (403, True)
    assert Video.objects.exists()


def test_answers_stream(demo, clients) -> None:
    from tests.webapp.test_answers import EVENTS, read_events

    asked = {"question": "What writes down what is spoken?"}
    response = clients["owner"].post("/api/v1/answers", asked, content_type="application/json", headers=EVENTS)
    assert response.status_code == 201
    *sentences, (name, whole) = read_events(response)
    assert name == "done"
    assert [said["text"] for _name, said in sentences] == [s["text"] for s in whole["sentences"]]
    assert whole["sentences"][0]["citations"][0]["video"] == str(demo.key)


def test_lists_are_pages_of_a_fixed_number_of_queries(demo, people, clients, django_assert_max_num_queries) -> None:
    Video.objects.bulk_create(
        Video(owner=people["owner"], title=f"{n:02}", file_name="a.mp4", sha256=f"{n:064}", size_bytes=1)
        for n in range(40)
    )
    with django_assert_max_num_queries(5):
        page = clients["owner"].get("/api/v1/videos", {"limit": 10, "offset": 35, "order": "title"}).json()
    assert (page["count"], len(page["items"])) == (41, 6)


def test_what_is_not_there_is_a_problem(clients) -> None:
    for path in ("/api/v1/nothing", "/api/v2/me", f"/api/v1/videos/{NOBODY}"):
        response = clients["owner"].get(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("person", ["owner", "friend", "anonymous"])
def test_schemathesis_finds_nothing(person, demo, people) -> None:
    """No crash, no status or type that is not described, whatever is sent; as uploader, viewer and nobody."""
    headers = {"Accept-Encoding": "identity"}  # the tool asks for gzip in process and does not unpack it
    if person != "anonymous":
        headers["Authorization"] = f"Bearer {tokens.issue(people[person], 'fuzz', Token.Scope.values)}"
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    tried = set()
    for operation in (found.ok() for found in schema.get_all_operations()):

        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def send(case) -> None:
            case.call_and_validate(headers=headers)

        send()
        tried.add(operation.label)
    assert len(tried) == len(OPERATIONS)
