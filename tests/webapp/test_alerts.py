"""Saved searches that watch: who is told of what, by which way, and what is never told."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from xml.etree import ElementTree

import pytest
from django.core import mail
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from indexer.errors import ModelMissing
from tests.site import free_port
from webapp.index import recipes
from webapp.index.changes import mark_changed
from webapp.media import export
from webapp.models import Alert, Classifier, Delivery, Label, SavedSearch, Segment, Tag, User, Video, Webhook
from webapp.operations import deliveries, webhooks
from webapp.search import alerts

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

SAID = "the forklift lifts a crate"


@pytest.fixture
def watching(demo, clients, people) -> SavedSearch:
    """`friend` watches for a forklift."""
    answer = clients["friend"].post("/search/save", {"query": "q=forklift+crate", "watch": "1"})
    assert answer.url == "/alerts"
    return SavedSearch.objects.get()


@pytest.fixture
def bring(people):
    """A video that just became ready, in which something is said."""

    def make(number: int, said: str = SAID, **values) -> Video:
        video = Video.objects.create(**{
            "owner": people["owner"], "title": f"hall {number}", "file_name": f"{number}.mp4", "duration": 10,
            "sha256": f"{number:064}", "size_bytes": 1, "status": "ready", "visibility": "public",
            "ready_at": timezone.now(), **values,
        })  # fmt: skip
        Segment.objects.create(
            video=video, recipe=recipes.active(), start=0, end=10, speech=said, sequence=mark_changed()
        )
        return video

    return make


class Receiver(BaseHTTPRequestHandler):
    """Somebody's program: keeps what it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def receiver(settings) -> Iterator[HTTPServer]:
    settings.KINOSCOPE_WEBHOOKS_PRIVATE = True
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answer = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def add_hook(people, server: HTTPServer) -> Webhook:
    return Webhook.objects.create(owner=people["friend"], url=f"http://127.0.0.1:{server.server_port}/hook")


def test_a_new_video_that_fits_is_told_of_once(watching, bring, clients) -> None:
    video = bring(1)
    bring(2, said="nothing of that kind is said here")
    for _ in range(3):
        alerts.sweep()
    assert [(a.video, a.search) for a in Alert.objects.all()] == [(video, watching)]
    assert [row["search__name"] for row in export.describe_person(watching.owner)["alerts"]] == ["forklift crate"]
    home = clients["friend"].get("/").content.decode()
    assert 'class="count">1<' in home
    page = clients["friend"].get("/alerts").content.decode()
    assert "hall 1" in page
    assert "<strong>new</strong>" in page
    assert 'class="count"' not in clients["friend"].get("/").content.decode()
    assert "<strong>new</strong>" not in clients["friend"].get("/alerts").content.decode()


def test_what_was_there_before_is_no_news(bring, clients, people) -> None:
    bring(1)
    clients["friend"].post("/search/save", {"query": "q=forklift+crate", "watch": "1"})
    alerts.sweep()
    assert not Alert.objects.exists()
    clients["friend"].post(f"/search/watch/{SavedSearch.objects.get().pk}", {"on": "0"})
    bring(2)
    alerts.sweep()
    assert not Alert.objects.exists(), "nobody watches any more"


def test_nobody_is_told_of_what_they_may_not_see(watching, bring, clients, people, settings) -> None:
    settings.KINOSCOPE_MAIL = "smtp://localhost"
    bring(1, visibility="private")
    alerts.sweep()
    assert not Alert.objects.exists()
    User.objects.filter(username="friend").update(alert_mail="now", email="f@example.org")
    seen = bring(2)
    alerts.sweep()
    assert Alert.objects.count() == 1
    clients["friend"].post("/alerts/set", {"feed": "1"})
    feed = f"/alerts/{User.objects.get(username='friend').feed_key}.atom"
    assert "hall 2" in clients["anonymous"].get(feed).content.decode()
    Video.objects.filter(pk=seen.pk).update(visibility="private")
    assert "hall 2" not in clients["friend"].get("/alerts").content.decode()
    assert "hall 2" not in clients["anonymous"].get(feed).content.decode()
    deliveries.sweep()
    assert mail.outbox == []
    assert not Delivery.objects.exclude(due_at=None).exists()


def test_who_is_let_in_later_is_told_then_and_once(watching, bring, people, clients) -> None:
    video = bring(1, visibility="private")
    alerts.sweep()
    assert not Alert.objects.exists()
    form = {"title": "hall", "visibility": "shared"}
    clients["owner"].post(f"/videos/{video.key}/edit", {**form, "people": [people["other"].pk]})
    alerts.sweep()
    assert not Alert.objects.exists(), "somebody else was let in"
    clients["owner"].post(f"/videos/{video.key}/edit", {**form, "people": [people["other"].pk, people["friend"].pk]})
    alerts.sweep()
    assert Alert.objects.get().video == video
    for visibility in ("private", "public"):
        clients["owner"].post("/videos/selected", {"video": [video.key], "do": "visibility", "visibility": visibility})
        alerts.sweep()
    assert Alert.objects.count() == 1
    opened = Video.objects.get(pk=video.pk).opened_at
    clients["owner"].post(f"/videos/{video.key}/edit", {"title": "another title", "visibility": "public"})
    assert Video.objects.get(pk=video.pk).opened_at == opened, "a title lets nobody in"


def test_what_could_not_be_searched_now_is_looked_at_later(watching, bring, monkeypatch) -> None:
    bring(1)
    whole = alerts.find_moments

    def partly(*given, **more):
        return replace(whole(*given, **more), missing=ModelMissing("%(name)s is not on this machine.", name="e5"))

    monkeypatch.setattr(alerts, "find_moments", partly)
    with pytest.raises(ModelMissing):
        alerts.sweep()
    assert not Alert.objects.exists()
    monkeypatch.setattr(alerts, "find_moments", whole)
    alerts.sweep()
    assert Alert.objects.count() == 1


def test_filters_of_the_search_hold_for_alerts(demo, bring, clients, people) -> None:
    clients["friend"].post("/search/save", {"query": "q=forklift+crate&person=other", "watch": "1"})
    bring(1)
    mine = bring(2, owner=people["other"])
    alerts.sweep()
    assert [a.video for a in Alert.objects.all()] == [mine]


def test_a_label_that_was_taught_is_watched_by_its_tags(demo, bring, clients, people) -> None:
    clients["admin"].post("/search/save", {"query": "q=gantry&tag=gantry", "watch": "1"})
    video, other = bring(1), bring(2)
    for number, shown in enumerate((video, other)):
        values = {"source": ("picture", "speech")[number], "confidence": 0.6, "start": 2, "end": 5}
        Tag.objects.create(video=shown, name="gantry", kind="object", **values)
    label = Label.objects.create(name="gantry")
    Classifier.objects.create(label=label, recipe=recipes.active(), state="", weights=[], finished=True)
    alerts.sweep()
    assert [(a.video, a.start, a.end) for a in Alert.objects.all()] == [(video, 2, 5)]


def test_the_feed_is_atom_and_its_address_can_be_changed(watching, bring, clients, people) -> None:
    bring(1)
    alerts.sweep()
    clients["friend"].post("/alerts/set", {"feed": "1"})
    key = User.objects.get(username="friend").feed_key
    answer = clients["anonymous"].get(f"/alerts/{key}.atom")
    assert answer["Content-Type"].startswith("application/atom+xml")
    tree = ElementTree.fromstring(answer.content)
    entry = tree.find("{http://www.w3.org/2005/Atom}entry")
    assert entry.find("{http://www.w3.org/2005/Atom}title").text == "forklift crate: hall 1"
    assert "t=0.00" in entry.find("{http://www.w3.org/2005/Atom}link").get("href")
    clients["friend"].post("/alerts/set", {"feed": "1"})
    assert clients["anonymous"].get(f"/alerts/{key}.atom").status_code == 404
    fresh = User.objects.get(username="friend").feed_key
    User.objects.filter(username="friend").update(is_active=False)
    assert clients["anonymous"].get(f"/alerts/{fresh}.atom").status_code == 404


def test_a_mail_is_sent_through_a_real_server(watching, bring, clients, settings) -> None:
    import dj_email_url
    from aiosmtpd.controller import Controller

    got: list[str] = []

    class Keep:
        async def handle_DATA(self, _server, _session, envelope) -> str:
            got.append(envelope.content.decode())
            return "250 OK"

    port = free_port()
    server = Controller(Keep(), hostname="127.0.0.1", port=port)
    server.start()
    settings.KINOSCOPE_MAIL = f"smtp://127.0.0.1:{port}"
    for name, value in dj_email_url.parse(settings.KINOSCOPE_MAIL).items():
        setattr(settings, name, value)
    settings.CSRF_TRUSTED_ORIGINS = ["https://video.example.org"]
    try:
        clients["friend"].post("/alerts/set", {"mail": "now", "email": "friend@example.org"})
        bring(1)
        alerts.sweep()
        deliveries.sweep()
    finally:
        server.stop()
    (message,) = got
    assert "To: friend@example.org" in message
    assert "hall 1, 0:00" in message
    assert "https://video.example.org/videos/" in message
    assert Delivery.objects.get().sent_at is not None


def test_mail_is_offered_only_where_it_is_set_up_and_wants_an_address(clients, settings, people) -> None:
    clients["friend"].post("/alerts/set", {"mail": "now", "email": "f@example.org"})
    assert User.objects.get(username="friend").alert_mail == ""
    settings.KINOSCOPE_MAIL = "smtp://localhost"
    for email in ("", "nobody", "a@b\nBcc: c@example.org"):
        clients["friend"].post("/alerts/set", {"mail": "now", "email": email})
        assert User.objects.get(username="friend").alert_mail == ""
    clients["friend"].post("/alerts/set", {"mail": "week", "email": "f@example.org"})
    assert User.objects.get(username="friend").alert_mail == "week"


def test_a_digest_comes_once_a_week(watching, bring, people, settings) -> None:
    settings.KINOSCOPE_MAIL = "smtp://localhost"
    long_ago = timezone.now() - timedelta(days=8)
    people["friend"].email = "friend@example.org"
    people["friend"].save()
    User.objects.filter(username="friend").update(alert_mail="week", digested_at=long_ago)
    bring(1)
    bring(2, said="nothing of that kind is said here")
    bring(3, visibility="private")
    alerts.sweep()
    assert not Delivery.objects.exists(), "not at once"
    for _ in range(2):
        deliveries.sweep()
    (message,) = mail.outbox
    assert message.subject == "Kinoscope: your week"
    alerted, new = message.body.split("New videos of this week")
    assert "hall 1" in alerted
    assert "hall 2" not in alerted
    assert "hall 2" in new
    assert "hall 3" not in message.body


def test_a_webhook_is_signed_as_the_standard_says(watching, bring, people, receiver) -> None:
    hook = add_hook(people, receiver)
    bring(1)
    alerts.sweep()
    deliveries.sweep()
    ((headers, body),) = receiver.got
    message = Verifier(hook.secret).verify(body, headers)
    assert message["type"] == "alert.found"
    assert message["data"]["search"] == "forklift crate"
    assert [m["title"] for m in message["data"]["moments"]] == ["hall 1"]
    with pytest.raises(Exception, match="No matching signature"):
        Verifier("whsec_c29tZXRoaW5nIGVsc2U=").verify(body, headers)
    deliveries.sweep()
    assert len(receiver.got) == 1


@pytest.mark.parametrize("answer", [500, 302])
def test_what_fails_is_tried_again_later_and_given_up_in_the_end(answer, watching, bring, people, receiver) -> None:
    add_hook(people, receiver)
    receiver.answer = answer
    bring(1)
    alerts.sweep()
    deliveries.sweep()
    row = Delivery.objects.get()
    assert (row.attempts, row.error, row.sent_at) == (1, f"it answered {answer}", None)
    deliveries.sweep()
    assert len(receiver.got) == 1, "not before it is due"
    for _ in range(10):
        Delivery.objects.exclude(due_at=None).update(due_at=timezone.now())
        deliveries.sweep()
    row.refresh_from_db()
    assert row.due_at is None
    assert len(receiver.got) == len(deliveries.DELAYS)
    ids = {headers["webhook-id"] for headers, _body in receiver.got}
    assert len(ids) == 1, "a receiver can tell that it is the same message"


def test_no_webhook_reaches_into_a_private_network(watching, bring, people, receiver, settings, clients) -> None:
    settings.KINOSCOPE_WEBHOOKS_PRIVATE = False
    hook = add_hook(people, receiver)
    bring(1)
    alerts.sweep()
    hook.url = "ftp://example.org/x"
    with pytest.raises(webhooks.Refused):
        webhooks.post(hook, "msg_1", {})
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):
        Webhook.objects.filter(pk=hook.pk).update(url=f"http://{host}:{receiver.server_port}/hook")
        Delivery.objects.update(due_at=timezone.now(), attempts=0)
        deliveries.sweep()
        assert receiver.got == [], host
        assert "private network" in Delivery.objects.get().error or "Error" in Delivery.objects.get().error
    assert "could not be sent" in clients["friend"].get("/alerts").content.decode()
    private = "10.1.2.3 192.168.0.1 169.254.169.254 ::1 fe80::1%eth0 ::ffff:10.0.0.1 100.64.0.1 224.0.0.1"
    assert not any(map(webhooks.is_allowed, private.split()))
    assert webhooks.is_allowed("1.1.1.1")


def test_an_admin_sets_webhooks_up_and_tries_them(people, receiver, clients) -> None:
    form = {
        "owner": people["friend"].pk,
        "url": f"http://127.0.0.1:{receiver.server_port}/",
        "secret": "whsec_YWJj",
        "enabled": "on",
    }
    assert clients["owner"].post("/admin/webapp/webhook/add/", form).status_code == 302
    assert not Webhook.objects.exists()
    clients["admin"].post("/admin/webapp/webhook/add/", form)
    hook = Webhook.objects.get()
    clients["admin"].post("/admin/webapp/webhook/", {"action": "send_test", "_selected_action": [hook.pk]})
    deliveries.sweep()
    ((headers, body),) = receiver.got
    assert Verifier("whsec_YWJj").verify(body, headers)["type"] == "test"
    assert json.loads(body)["data"] == {}


def test_a_video_is_new_once(people, accept, work) -> None:
    video = accept()
    work()
    video.refresh_from_db()
    first = video.ready_at
    assert first is not None
    from webapp.pipeline import ledger

    ledger.add(video, "describe")
    work()
    video.refresh_from_db()
    assert video.ready_at == first
