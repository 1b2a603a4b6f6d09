"""Every address × every kind of person. A new address without an entry here fails."""

import re
from uuid import UUID

import pytest
from django.urls import get_resolver

from tests.files import put
from webapp.models import Label, Montage, Question, SharedThread, User, Video

pytestmark = pytest.mark.usefixtures("fake_models")

# address name -> (method, what friend-without-share and other see for a private video, what the owner sees)
OF_A_VIDEO = {
    "watch": ("get", 200), "progress": ("get", 200), "cancel": ("post", 302), "retry": ("post", 302),
    "edit": ("post", 302), "ask-video": ("post", 302), "document": ("get", 200), "watched": ("post", 400),
    "stream": ("get", 404), "streams": ("get", 404), "stream-list": ("get", 404), "stream-file": ("get", 404),
    "captions": ("get", 200), "storyboard": ("get", 404), "poster": ("get", 404),
    "frame": ("get", 404), "subtitles": ("post", 302), "tracks": ("post", 302),
    "make-qualities": ("post", 302), "spellings": ("post", 302), "respell": ("post", 302),
    "delete": ("post", 302), "dismiss": ("post", 302),
    "thumbnails": ("get", 200), "correct": ("post", 404), "share": ("post", 302), "unshare": ("post", 404),
    "study-video": ("get", 200), "study-cards": ("get", 200),
    "near": ("get", 200), "compared": ("get", 200), "similar": ("get", 200), "translation": ("get", 404),
}  # fmt: skip
FILES = {  # 401, not a page
    "stream", "streams", "stream-list", "stream-file", "captions", "storyboard", "poster", "frame", "thumbnails",
    "document",
}  # fmt: skip
FOR_SIGNED_IN = {
    "alerts", "montages", "collections", "home", "search", "search-suggest", "ask", "upload", "library", "account",
    "password", "study", "study-next",
}  # fmt: skip
OF_A_PERSON = {
    "upload-pieces": "get",
    "upload-discard": "post",
    "export": "get",
    "picture-searched": "get",
    "drop-search": "post",
    "watch-search": "post",
    "montage": "get",
    "montage-video": "get",
    "montage-captions": "get",
    "change-montage": "post",
    "drop-question": "post",
    "judge-answer": "post",
    "drop-thread": "post",
    "rename-thread": "post",
    "export-thread": "get",
    "share-thread": "post",
    "unshare-thread": "post",
    "drop-token": "post",
}  # nobody else's, not even an admin's
OWN_PROTOCOL = {"upload-create"}  # tus
LINKED = {
    "shared",
    "shared-stream",
    "shared-poster",
    "shared-captions",
    "shared-thread",
    "oembed",
    "alert-feed",
}  # who has a link; see test_sharing
NOBODY = "00000000-0000-4000-8000-000000000000"
SEARCHING = {
    "search-picture",
    "save-search",
    "forget-searches",
    "make-token",
    "judge",
    "set-alerts",
    "make-montage",
    "rate-card",
}  # what signed-in people send; see test_search
FOR_ADMINS = {
    "operations": "get", "check": "get", "quality": "get", "retry-selected": "post", "add-demo": "post",
    "learn": "post", "models": "get", "change-models": "post", "labels": "get", "teach": "post",
}  # fmt: skip
OF_A_LABEL = {"label": ("get", 200), "judge-example": ("post", 404), "unteach": ("post", 302)}  # for admins, too
COLLECTING = {"study-path", "collection", "change-collection", "change-selected"}  # see test_collections
FOR_ALL = {
    "accessibility", "api-missing", "welcome", "login", "logout", "health", "health-ready", "metrics", "favicon",
    "set_language",
}  # fmt: skip
CHANGES = {"cancel", "retry", "edit", "subtitles", "tracks", "make-qualities", "spellings", "respell", "delete"}


def names() -> set[str]:
    found = set()
    for pattern in get_resolver().url_patterns:
        if getattr(pattern, "app_name", None) in ("admin", "ninja"):  # the API has its own table, see test_api
            continue
        children = getattr(pattern, "url_patterns", [pattern])
        found |= {child.name for child in children}
    return found


def test_every_address_is_covered() -> None:
    tables = (OF_A_VIDEO, FOR_SIGNED_IN, FOR_ALL, FOR_ADMINS, OF_A_LABEL, OF_A_PERSON, OWN_PROTOCOL)
    assert names() == {name for table in (*tables, SEARCHING, LINKED, COLLECTING) for name in table}


def address(name: str, video: Video) -> str:
    from django.urls import reverse

    more = {
        "frame": ["k1"],
        "stream-list": ["p"],
        "stream-file": ["p"],
        "document": ["summary", "md"],
        "correct": [1],
        "unshare": [NOBODY],
    }
    return reverse(name, args=[video.key, *more.get(name, [])])


def body(response) -> bytes:
    """The page without its token, which is random."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)


def missing(name: str, video: Video) -> str:
    return address(name, video).replace(str(video.key), NOBODY)


@pytest.mark.parametrize("name", OF_A_VIDEO)
def test_a_private_video_does_not_exist_for_others(name, accept, clients) -> None:
    video = accept()
    method, expected = OF_A_VIDEO[name]
    for person in ("other", "friend"):
        refused = getattr(clients[person], method)(address(name, video))
        unknown = getattr(clients[person], method)(missing(name, video))
        assert refused.status_code == unknown.status_code == 404
        assert body(refused) == body(unknown)
    bounced = getattr(clients["anonymous"], method)(address(name, video))
    if name in FILES:
        assert bounced.status_code == 401
    else:
        assert bounced.status_code == 302
        assert bounced["Location"].startswith("/sign-in")
    assert Video.objects.filter(pk=video.pk).exists()
    for person in ("admin", "owner"):
        if person == "owner" or name not in CHANGES | {"ask-video"}:
            assert getattr(clients[person], method)(address(name, video)).status_code == expected


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_who_may_watch_may_not_change(name, accept, clients, people) -> None:
    video = accept()
    video.visibility = Video.Visibility.SHARED
    video.save()
    video.shared_with.add(people["friend"])
    assert clients["friend"].get(address("watch", video)).status_code == 200
    assert clients["friend"].post(address(name, video)).status_code == 404
    assert clients["other"].get(address("watch", video)).status_code == 404
    assert clients["admin"].post(address(name, video)).status_code == 302


@pytest.mark.parametrize("name", sorted(FOR_SIGNED_IN))
def test_pages_for_people_who_signed_in(name, clients) -> None:
    from django.urls import reverse

    assert clients["anonymous"].get(reverse(name)).status_code == 302
    assert clients["owner"].get(reverse(name)).status_code == 200
    assert clients["friend"].get(reverse(name)).status_code == (403 if name == "upload" else 200)


@pytest.mark.parametrize("name", FOR_ADMINS)
def test_operations_are_for_admins(name, clients) -> None:
    from django.urls import reverse

    answers = {who: getattr(client, FOR_ADMINS[name])(reverse(name)).status_code for who, client in clients.items()}
    allowed = 200 if FOR_ADMINS[name] == "get" else 302
    assert answers == {"anonymous": 302, "owner": 403, "other": 403, "friend": 403, "admin": allowed}


@pytest.mark.parametrize("name", OF_A_LABEL)
def test_labels_are_taught_by_admins(name, clients) -> None:
    from django.urls import reverse

    label = Label.objects.create(name="forklift")
    method, allowed = OF_A_LABEL[name]
    answers = {
        who: getattr(client, method)(reverse(name, args=[label.pk])).status_code for who, client in clients.items()
    }
    assert answers == {"anonymous": 302, "owner": 403, "other": 403, "friend": 403, "admin": allowed}


def test_the_admin_site_is_for_admins(clients) -> None:
    """Each of its addresses, those of other apps included."""
    from django.contrib import admin
    from django.urls import reverse

    assert clients["admin"].get("/admin/").status_code == 200
    assert clients["admin"].get("/admin/webapp/video/add/").url == "/upload"
    seen = 0
    for pattern in [p for top in admin.site.get_urls() for p in getattr(top, "url_patterns", [top])]:
        if not pattern.name or pattern.name in ("login", "logout"):
            continue
        wanted = ["app_label"] if pattern.name == "app_list" else pattern.pattern.converters
        given = {
            name: {"content_type_id": 1, "object_id": "1", "app_label": "webapp"}.get(name, "1") for name in wanted
        }
        address = reverse(f"admin:{pattern.name}", kwargs=given or None)
        seen += 1
        for person in ("owner", "other", "friend", "anonymous"):
            assert clients[person].get(address).status_code in (302, 403), address
            assert clients[person].post(address).status_code in (302, 403), address
    assert seen > 30


def test_changes_need_post_and_a_token(accept, people) -> None:
    from django.test import Client

    video = accept()
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["owner"])
    assert client.get(address("delete", video)).status_code == 405
    assert client.post(address("delete", video)).status_code == 403
    assert Video.objects.filter(pk=video.pk).exists()


def test_public_is_for_signed_in_people_only(accept, clients) -> None:
    video = accept()
    Video.objects.filter(pk=video.pk).update(visibility=Video.Visibility.PUBLIC)
    assert clients["friend"].get(address("watch", video)).status_code == 200
    assert clients["anonymous"].get(address("watch", video)).status_code == 302


def test_headers_guard_every_page(clients) -> None:
    response = clients["owner"].get("/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", sorted(OF_A_PERSON))
def test_what_is_of_one_person_does_not_exist_for_others(name, clients, people) -> None:
    from django.urls import reverse

    from webapp.media import export
    from webapp.models import PictureQuery, SavedSearch
    from webapp.people import tokens
    from webapp.uploads import resumable

    owner, nobody = people["owner"], NOBODY
    made = {
        "export": lambda: export.make_link(owner).key,
        "picture-searched": lambda: PictureQuery.objects.create(owner=owner, picture=b"jpeg").key,
        "judge-answer": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).pk,
        "drop-question": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).pk,
        "drop-token": lambda: bool(tokens.issue(owner, "t", ["read"])) and owner.tokens.get().pk,
        "rename-thread": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).thread,
        "export-thread": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).thread,
        "share-thread": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).thread,
        "unshare-thread": lambda: share_a_thread(owner),
        "drop-thread": lambda: Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).thread,
        "drop-search": lambda: SavedSearch.objects.create(owner=owner, name="dogs", query="q=dogs").pk,
        **{each: lambda: make_montage(owner).key for each in OF_A_PERSON if "montage" in each},
        "watch-search": lambda: SavedSearch.objects.create(owner=owner, name="dogs", query="q=dogs").pk,
    }
    mine = made.get(name, lambda: resumable.create(owner, "a.mp4", 10, Video.Visibility.PRIVATE).key)()
    address, missing = reverse(name, args=[mine]), reverse(name, args=[9999 if isinstance(mine, int) else nobody])
    for person in ("other", "friend", "admin"):
        refused, unknown = (getattr(clients[person], OF_A_PERSON[name])(path) for path in (address, missing))
        assert refused.status_code == unknown.status_code == 404
        assert body(refused) == body(unknown)
    assert getattr(clients["anonymous"], OF_A_PERSON[name])(address).status_code in (302, 401)
    assert getattr(clients["owner"], OF_A_PERSON[name])(address).status_code == (
        302 if any(word in name for word in ("change", "discard", "drop", "judge", "rename", "share", "watch")) else 200
    )


def make_montage(owner: User) -> Montage:
    """A film that is ready, of nothing."""
    made = Montage.objects.create(owner=owner, topic="dogs", seconds=30, status="ready", file="montage-0.mp4")
    put(made.stored.name, b"film")
    return made


def share_a_thread(owner: User) -> UUID:
    thread = Question.objects.create(asker=owner, text="Who?", answer={"abstained": True}).thread
    SharedThread.objects.create(thread=thread, made_by=owner)
    return thread


def test_who_may_begin_an_upload(clients) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
    answers = {who: client.post("/uploads", headers=headers).status_code for who, client in clients.items()}
    assert answers == {"anonymous": 401, "owner": 201, "other": 201, "friend": 403, "admin": 201}


def test_pages_are_kept_by_no_cache(accept, clients) -> None:
    video = accept()
    for page in ("/", "/search?q=x", f"/videos/{video.key}", "/account", "/sign-in"):
        assert clients["owner"].get(page)["Cache-Control"] in ("private, no-store", *NEVER)


NEVER = ("max-age=0, no-cache, no-store, must-revalidate, private",)  # what Django's own sign-in page says


def test_an_icon_brings_no_cookie() -> None:
    """It may arrive after the sign-in form, whose token it must not replace."""
    from django.test import Client

    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert not answer.cookies
