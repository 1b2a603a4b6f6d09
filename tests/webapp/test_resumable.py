"""tus 1.0: what was acknowledged is there, whatever is tried in whatever order."""

import base64
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.http.request import UnreadablePostError
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.files import media_path
from webapp.models import Step, Upload, User, Video
from webapp.storage.store import store
from webapp.uploads import intake, resumable
from webapp.uploads.arrivals import Busy
from webapp.uploads.resumable import arrival
from webapp.views.tus import read_metadata

pytestmark = pytest.mark.usefixtures("fake_models", "kept_in")

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def begin(client: Client, length: int, name: str = "a.mp4", **more: str):
    told = "filename " + base64.b64encode(name.encode()).decode()
    for key, value in more.items():
        told += f",{key} {base64.b64encode(value.encode()).decode()}"
    return client.post("/uploads", headers={**TUS, "Upload-Length": str(length), "Upload-Metadata": told})


def bring(client: Client, place: str, offset: int, data: bytes, **headers: str):
    given = {**TUS, "Upload-Offset": str(offset), **headers}
    return client.patch(place, data, content_type=PIECE, headers=given)


def contents(*folders: str) -> set[str]:
    """Files of these folders, which other tests have used before."""
    return {stored.name for name in folders or ("media", "incoming") for stored in store().list(name)}


def test_a_file_arrives_in_pieces(clients, make_movie) -> None:
    client, data, before = clients["owner"], make_movie().read_bytes(), contents("incoming")
    begun = begin(client, len(data), "Ferien am Meer.mp4", visibility="public")
    assert begun.status_code == 201
    place, third = begun["Location"], len(data) // 3
    assert bring(client, place, 0, data[:third])["Upload-Offset"] == str(third)
    head = client.head(place, headers=TUS)
    assert (head["Upload-Offset"], head["Upload-Length"]) == (str(third), str(len(data)))
    assert head["Cache-Control"] == "no-store"
    assert "Upload-Expires" in head
    assert not Video.objects.exists()
    assert bring(client, place, third, data[third:]).status_code == 204
    video = Video.objects.get()
    assert video.media.read() == data
    assert video.sha256 == hashlib.sha256(data).hexdigest()
    assert (video.title, video.visibility) == ("Ferien am Meer", "public")
    assert Step.objects.get().name == "probe"
    assert client.get(place).json()["url"] == f"/videos/{video.key}"
    assert contents("incoming") == before


def test_a_twin_is_said_so_at_the_end(clients, accept, make_movie) -> None:
    path = make_movie()
    data, before = path.read_bytes(), contents("incoming")
    video = accept(path=path)
    place = begin(clients["owner"], len(data))["Location"]
    assert bring(clients["owner"], place, 0, data).status_code == 204
    told = clients["owner"].get(place).json()
    assert "already in your library" in told["error"]
    assert told["url"] == f"/videos/{video.key}"
    assert Video.objects.count() == 1
    assert contents("incoming") == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412), ({"Upload-Offset": "3"}, 409), ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "x"}, 400), ({"Upload-Checksum": "crc32 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 ???"}, 400), ({"Upload-Checksum": "sha256 AAAA"}, 460),
    ],
)  # fmt: skip
def test_wrong_pieces_change_nothing(clients, headers, status) -> None:
    place = begin(clients["owner"], 10)["Location"]
    assert bring(clients["owner"], place, 0, b"12345", **headers).status_code == status
    assert clients["owner"].head(place, headers=TUS)["Upload-Offset"] == "0"


def test_checksums_and_other_rules(clients) -> None:
    client = clients["owner"]
    place = begin(client, 10)["Location"]
    right = "sha256 " + base64.b64encode(hashlib.sha256(b"12345").digest()).decode()
    assert bring(client, place, 0, b"12345", **{"Upload-Checksum": right}).status_code == 204
    assert bring(client, place, 5, b"1234567").status_code == 413  # more than announced
    assert (
        client.patch(place, b"x", content_type="text/plain", headers={**TUS, "Upload-Offset": "5"}).status_code == 415
    )
    options = client.options("/uploads")
    assert set(options["Tus-Extension"].split(",")) == {"creation", "termination", "expiration", "checksum"}
    overridden = client.post(place, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert overridden.status_code == 204
    assert client.head(place, headers=TUS).status_code == 404
    assert not Upload.objects.exists()
    again = begin(client, 10)["Location"]
    assert client.get(again, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200  # a GET changes nothing
    assert client.delete(again, headers=TUS).status_code == 204


def test_limits_count_what_was_promised_and_what_arrives(clients, people, settings, make_movie) -> None:
    settings.KINOSCOPE_MAX_UPLOAD_BYTES = 100
    assert begin(clients["owner"], 101).status_code == 413
    assert begin(clients["owner"], 0).status_code == 400
    settings.KINOSCOPE_MAX_PERSON_BYTES = 150
    first = begin(clients["owner"], 90)
    assert first.status_code == 201
    assert begin(clients["owner"], 61).status_code == 413
    assert begin(clients["other"], 61).status_code == 201
    settings.KINOSCOPE_MAX_SITE_BYTES = 160
    assert begin(clients["admin"], 10).status_code == 413
    clients["owner"].delete(first["Location"], headers=TUS)
    assert begin(clients["admin"], 10).status_code == 201
    settings.KINOSCOPE_MAX_UPLOAD_BYTES = 1 << 30
    path = make_movie()
    before = contents()
    with pytest.raises(intake.Refused, match="no room left"):
        intake.accept(people["owner"], path, "x.mp4")
    assert path.exists()
    assert contents() == before


def test_a_form_stops_where_the_limit_is(clients, settings, make_movie) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    data, before = make_movie().read_bytes(), contents()
    for limit in ("KINOSCOPE_MAX_UPLOAD_BYTES", "KINOSCOPE_MAX_PERSON_BYTES", "KINOSCOPE_MAX_SITE_BYTES"):
        setattr(settings, limit, len(data) - 1)
        answer = clients["owner"].post(
            "/upload", {"files": SimpleUploadedFile("a.mp4", data)}, headers={"accept": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.json()["files"][0]["error"]
        setattr(settings, limit, len(data) if limit == "KINOSCOPE_MAX_UPLOAD_BYTES" else 0)
    assert contents() == before
    assert not Video.objects.exists()


def test_what_arrived_whole_while_the_site_died_is_finished(people, make_movie, monkeypatch) -> None:
    data, before = make_movie().read_bytes(), contents("incoming")
    upload = resumable.create(people["owner"], "a.mp4", len(data), "private")
    pieces = iter([data, b""])
    with monkeypatch.context() as dying:
        dying.setattr(resumable, "complete", lambda upload: None)
        resumable.append(upload, 0, lambda size: next(pieces))
    assert not Video.objects.exists()
    resumable.sweep()
    assert Video.objects.get().media.read() == data
    late = resumable.create(people["owner"], "b.mp4", 10, "private")
    Upload.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    resumable.sweep()
    assert contents("incoming") == before
    assert Upload.objects.count() == 1


@given(st.text(max_size=200))
def test_no_metadata_breaks_the_reader(header: str) -> None:
    assert all(isinstance(v, str) for v in read_metadata(header).values())


@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_metadata_come_back(name: str, visibility: str) -> None:
    told = ",".join(
        f"{k} {base64.b64encode(v.encode(errors='replace')).decode()}"
        for k, v in (("filename", name), ("visibility", visibility))
    )
    assert read_metadata(told)["filename"] == name.encode(errors="replace").decode()


@pytest.mark.parametrize("name", ["../../evil.mp4", "/etc/passwd", "a\0b.mp4", "x" * 4000, "-version", "concat:a.mp4",
                                  "a%d.mp4", "CON", "\u202egpj.mp4", "‮", "<img src=x>", "..", ""])  # fmt: skip
def test_names_cannot_escape(clients, name, kept_in) -> None:
    home = Path(settings.KINOSCOPE_HOME)
    around = [home.parent, *home.parent.parents, home, home / "media", Path.cwd()]
    before = {p for folder in around for p in folder.iterdir()}
    data = os.urandom(20)
    place = begin(clients["owner"], len(data), name)["Location"]
    assert bring(clients["owner"], place, 0, data).status_code == 204
    video = Video.objects.get()
    assert video.media.name == f"media/{video.key}.bin"
    made = {p for folder in around for p in folder.iterdir()} - before  # others write to the scratch folder, too
    assert {p for p in made if p.is_file() and p.read_bytes() == data} == (
        {media_path(video)} if kept_in == "folder" else set()
    )
    page = clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert "<img src=x>" not in page


class Tus(RuleBasedStateMachine):
    """Any order of requests against a model: the bytes acknowledged, and nothing else."""

    client: Client

    def __init__(self) -> None:
        super().__init__()
        self.data, self.here, self.place = os.urandom(1000), 0, ""

    @precondition(lambda self: not self.place)
    @rule(length=st.integers(1, 1000))
    def begin(self, length: int) -> None:
        self.data = os.urandom(length)
        self.place, self.here = begin(self.client, length)["Location"], 0

    @precondition(lambda self: self.place)
    @rule(
        size=st.integers(1, 400),
        shift=st.sampled_from([0, 0, 0, -1, 1, 50]),
        checksum=st.sampled_from(["", "right", "wrong"]),
    )
    def piece(self, size: int, shift: int, checksum: str) -> None:
        offset = self.here + shift
        if offset < 0:
            return
        data = self.data[self.here : self.here + size]
        headers = {}
        if checksum:
            digest = hashlib.sha256(data + (b"" if checksum == "right" else b"!")).digest()
            headers["Upload-Checksum"] = "sha256 " + base64.b64encode(digest).decode()
        answer = bring(self.client, self.place, offset, data, **headers)
        if not data:
            return
        if shift:
            assert answer.status_code == 409
        elif checksum == "wrong":
            assert answer.status_code == 460
        else:
            assert answer.status_code == 204
            self.here += len(data)

    @precondition(lambda self: self.place)
    @rule()
    def too_much(self) -> None:
        rest = self.data[self.here :]
        if self.here < len(self.data):
            answer = bring(
                self.client, self.place, self.here, rest + b"more", **{"Upload-Checksum": "sha256 " + "A" * 43 + "="}
            )
            assert answer.status_code in (413, 460)

    @precondition(lambda self: self.place)
    @rule()
    def stop(self) -> None:
        assert self.client.delete(self.place, headers=TUS).status_code == 204
        assert self.client.head(self.place, headers=TUS).status_code == 404
        self.place = ""

    @invariant()
    def holds(self) -> None:
        if not self.place:
            return
        assert self.client.head(self.place, headers=TUS)["Upload-Offset"] == str(self.here)
        upload = Upload.objects.get(key=self.place.rsplit("/", 1)[1])
        if self.here == len(self.data):
            assert upload.video is not None
            assert upload.video.media.read() == self.data

    def teardown(self) -> None:
        for video in Video.objects.all():
            video.media.remove()
        Video.objects.all().delete()
        for upload in Upload.objects.all():
            resumable.terminate(upload)


@pytest.mark.django_db
def test_any_order_of_requests(people) -> None:
    Tus.client = Client()
    Tus.client.force_login(User.objects.get(username="owner"))
    run_state_machine_as_test(
        Tus,
        settings=hypothesis_settings(
            max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_a_full_disk_at_the_end_loses_nothing(people, make_movie, monkeypatch) -> None:
    from webapp.pipeline import outputs

    data = make_movie().read_bytes()
    upload = resumable.create(people["owner"], "a.mp4", len(data), "private")
    pieces = iter([data, b""])
    monkeypatch.setattr(outputs, "has_room", lambda: False)
    resumable.append(upload, 0, lambda _size: next(pieces))
    assert not Video.objects.exists()
    upload.refresh_from_db()
    assert not upload.error
    monkeypatch.setattr(outputs, "has_room", lambda: True)
    resumable.sweep()
    assert Video.objects.get().media.read() == data


@pytest.mark.parametrize("kept_in", ["bucket"], indirect=True)
def test_a_large_file_becomes_parts_of_an_object(people, kept_in) -> None:
    """In pieces that fit no part, some of them broken off, and by two processes."""
    data = os.urandom((20 << 20) + 4321)
    upload, step = resumable.create(people["owner"], "a.mp4", len(data), "private"), 3_333_333
    with arrival(upload).hold(), pytest.raises(Busy):  # somebody else is at it
        resumable.append(Upload.objects.get(pk=upload.pk), 0, lambda size: b"")
    for start in range(0, len(data), step):
        blocks = [data[start : start + step][n : n + 250_000] for n in range(0, step, 250_000)]
        fresh = filter(None, blocks)
        here = resumable.append(Upload.objects.get(pk=upload.pk), start, lambda _size, fresh=fresh: next(fresh, b""))
        assert here == min(start + step, len(data))
    upload.refresh_from_db()
    assert [part["size"] for part in upload.parts] == [8 << 20, 8 << 20]
    assert upload.video is not None
    assert upload.video.media.read() == data
    assert contents("incoming") == set()


@pytest.mark.parametrize("kept_in", ["bucket"], indirect=True)
def test_who_was_thought_dead_writes_no_more(people, kept_in, monkeypatch) -> None:
    upload = resumable.create(people["owner"], "a.mp4", 1000, "private")
    with arrival(upload).hold() as slow:
        slow.write(b"0" * 100)
        Upload.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        pieces = iter([b"1" * 1000, b""])
        assert resumable.append(Upload.objects.get(pk=upload.pk), 0, lambda size: next(pieces)) == 1000
        with pytest.raises(Busy):
            slow.keep(100)
    assert Video.objects.get().media.read() == b"1" * 1000


@pytest.mark.parametrize("kept_in", ["bucket"], indirect=True)
def test_a_piece_with_a_checksum_that_breaks_off_leaves_nothing(people, kept_in) -> None:
    data = os.urandom(9 << 20)  # more than a part
    upload = resumable.create(people["owner"], "a.mp4", len(data), "private")

    def broken(pieces):
        yield from pieces
        raise UnreadablePostError

    whole = [data[n : n + (1 << 20)] for n in range(0, len(data), 1 << 20)]
    checksum = ("sha256", hashlib.sha256(data).digest())
    blocks = broken(whole[:-1])
    with pytest.raises(UnreadablePostError):
        resumable.append(upload, 0, lambda size: next(blocks), checksum)
    upload.refresh_from_db()
    assert (upload.offset_bytes, upload.parts) == (0, [])
    again = iter([*whole, b""])
    assert resumable.append(upload, 0, lambda size: next(again), checksum) == len(data)
    assert Video.objects.get().media.read() == data
