"""One way in: files land under server-chosen names, twins are recognised, nothing is lost."""

import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from tests.files import media_path
from webapp.models import Step, Video
from webapp.storage.store import store
from webapp.uploads import intake

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]
BOTH = pytest.mark.usefixtures("kept_in")


def test_an_accepted_upload_is_kept_and_in_rows(accept, make_movie, kept_in) -> None:
    path = make_movie()  # made once: an encoder need not write the same file twice
    data = path.read_bytes()
    video = accept(path=path)
    assert video.media.name == f"media/{video.key}.bin"
    assert video.media.read() == data
    if kept_in == "folder":
        assert media_path(video).stat().st_mode & 0o777 == 0o600
    assert video.steps.get().name == "probe"


@BOTH
def test_twins_are_recognised_per_person(accept, make_movie, people) -> None:
    first = make_movie()  # the same bytes each time: an encoder need not write the same file twice
    copies = [Path(shutil.copy(first, first.with_name(f"copy{n}.mp4"))) for n in range(2)]
    video = accept(path=first)
    with pytest.raises(intake.Duplicate) as twin:
        accept(path=copies[0])
    assert twin.value.video == video
    assert accept("other", path=copies[1]).pk != video.pk
    assert sum(str(video.key) in stored.name for stored in store().list("media")) == 1


def test_too_large_is_refused_and_the_file_left_alone(make_movie, people, settings) -> None:
    settings.KINOSCOPE_MAX_UPLOAD_BYTES = 10
    path = make_movie()
    with pytest.raises(intake.Refused, match="larger"):
        intake.accept(people["owner"], path, "x.mp4")
    assert path.exists()
    assert not Video.objects.exists()


@given(st.text(max_size=400))
def test_names_of_people_are_harmless(name: str) -> None:
    clean = intake.clean_name(name)
    assert "/" not in clean
    assert "\\" not in clean
    assert 0 < len(clean) <= 255
    assert clean.isprintable()


@BOTH
def test_the_form_takes_several_files_and_says_what_became_of_each(clients, make_movie) -> None:
    movies = [make_movie(f"{n}.mp4", shots=n + 1).read_bytes() for n in range(2)]
    files = [SimpleUploadedFile(f"{n}.mp4", movie, "video/mp4") for n, movie in enumerate(movies)]
    twin = SimpleUploadedFile("again.mp4", movies[0], "video/mp4")
    answer = clients["owner"].post(
        "/upload", {"files": [*files, twin], "visibility": "public"}, headers={"accept": "application/json"}
    )
    results = answer.json()["files"]
    assert [bool(r["error"]) for r in results] == [False, False, True]
    assert results[2]["url"] == results[0]["url"]
    assert Video.objects.filter(visibility="public").count() == 2
    assert Step.objects.count() == 2
    assert list((Path(settings.KINOSCOPE_HOME) / "incoming").glob("*.upload*")) == []


@BOTH
def test_deleting_leaves_nothing(demo, clients) -> None:
    from webapp.models import Evidence, Keyframe, Segment

    media, folder = demo.media, demo.folder
    assert list(store().list(folder))
    assert clients["owner"].post(f"/videos/{demo.key}/delete").status_code == 302
    assert media.look_up() is None
    assert not list(store().list(folder))
    assert not any(t.objects.exists() for t in (Video, Step, Segment, Keyframe, Evidence))
    assert (
        "No confident match" in str(clients["owner"].get("/search?q=faiss").content)
        or b"nothing" in clients["owner"].get("/search?q=faiss").content
    )


def test_a_folder_import_says_what_became_of_every_file(people, make_movie, tmp_path, capsys) -> None:
    from django.core.management import call_command

    folder = tmp_path / "archive"
    folder.mkdir()
    make_movie("film.mp4", shots=1, sound=False).rename(folder / "film.mp4")
    make_movie("old.wmv", shots=1, sound=False, text="old", codec="wmv2").rename(folder / "old.wmv")
    (folder / "film.en.srt").write_bytes("1\n00:00:00,500 --> 00:00:01,500\nHäfen\n".encode("latin-1"))
    (folder / "notes.docx").write_bytes(b"PK")
    call_command("ingest", str(folder), "--user", "owner", "--json")
    rows = {row["file"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: row["status"] for name, row in rows.items()} == {
        "film.en.srt": "left out", "film.mp4": "processing", "notes.docx": "left out", "old.wmv": "processing",
    }  # fmt: skip
    assert "subtitles" in rows["film.en.srt"]["error"]
    film = Video.objects.get(file_name="film.mp4")
    assert [(u.start, u.text) for u in film.utterances.all()] == [(0.5, "Häfen")]
    with pytest.raises(SystemExit) as ended:  # asked for by name
        call_command("ingest", str(folder / "notes.docx"), "--user", "owner")
    assert ended.value.code == 1
