"""Files that are used where they lie, and folders that are watched."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from webapp.models import Step, Video
from webapp.pipeline import worker
from webapp.pipeline.worker import StepWorker
from webapp.uploads import intake, removal

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(tmp_path: Path, make_movie) -> Path:
    made = tmp_path / "archive" / "film.mp4"
    made.parent.mkdir()
    shutil.copyfile(make_movie(shots=1, seconds=1, sound=False), made)
    return made


def test_a_file_used_in_place_is_read_and_never_touched(film, people, clients, settings) -> None:
    film.chmod(0o444)
    before = film.read_bytes(), film.stat().st_mtime_ns
    video = intake.accept_in_place(people["owner"], film)
    assert StepWorker("me").work_one(["probe"]) is not None
    video.refresh_from_db()
    assert video.duration > 0.5
    assert not (settings.KINOSCOPE_HOME / "media" / f"{video.key}.bin").exists()
    assert b"".join(clients["owner"].get(f"/media/{video.key}/video")) == before[0]
    assert intake.free_bytes(people["owner"]) == intake.free_bytes(people["other"])
    removal.remove(video)
    assert (film.read_bytes(), film.stat().st_mtime_ns) == before


def test_a_moved_file_is_known_by_its_content(film, people, clients) -> None:
    video = intake.accept_in_place(people["owner"], film)
    with pytest.raises(intake.Duplicate) as twin:
        intake.accept_in_place(people["owner"], film)
    assert not isinstance(twin.value, intake.Moved)
    elsewhere = film.rename(film.with_name("renamed.mp4"))
    video.refresh_from_db()
    assert video.is_missing
    assert "is not where it was" in clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert clients["owner"].get(f"/media/{video.key}/video").status_code == 404
    with pytest.raises(intake.Moved):
        intake.accept_in_place(people["owner"], elsewhere)
    video.refresh_from_db()
    assert not video.is_missing
    assert Video.objects.count() == 1


def test_a_step_waits_for_a_file_that_is_gone(film, people) -> None:
    video = intake.accept_in_place(people["owner"], film)
    kept = film.rename(film.with_name("away.mp4"))
    step = StepWorker("me").work_one(["probe"])
    step.refresh_from_db()
    assert (step.status, step.attempt) == (Step.Status.WAITING, 0)
    assert step.error_text == worker.MISSING
    assert step.error.startswith("The file “film.mp4” is not where it was.")
    kept.rename(film)
    Step.objects.update(ready_at=Now())
    StepWorker("me").work_one(["probe"])
    assert video.steps.get(name="probe").status == Step.Status.DONE


def test_import_in_place_says_what_became_of_each(film, people, capsys) -> None:
    film.with_name("notes.txt").write_text("no video")
    for expected in ("processing", "duplicate"):
        call_command("ingest", str(film.parent), in_place=True, user="owner")
        said = capsys.readouterr().out
        assert f"film.mp4: {expected}" in said
        assert "notes.txt: left out" in said
    film.rename(film.with_name("b.mp4"))
    call_command("ingest", str(film.parent), in_place=True, user="owner")
    assert "b.mp4: moved" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [[], pytest.param(["--poll"], marks=pytest.mark.slow)])
def test_a_watched_folder(flags, film, make_movie, tmp_path) -> None:
    """What lies there, what comes in slowly, and what is moved; in a home of its own, by the real command."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "KINOSCOPE_HOME": str(tmp_path / "home"), "DATABASE_URL": ""}
    command = [sys.executable, str(root / "manage.py"), "watch", str(film.parent), *flags]
    with (tmp_path / "said").open("w") as said:
        child = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT, cwd=root)
        try:
            wait_for(tmp_path / "said", "film.mp4: processing")
            whole = make_movie(shots=2, seconds=1, sound=False).read_bytes()
            with (film.parent / "slow.mp4").open("wb") as slow:
                for first in range(0, len(whole), len(whole) // 3 + 1):
                    slow.write(whole[first : first + len(whole) // 3 + 1])
                    slow.flush()
                    time.sleep(1)
            film.rename(film.with_name("moved.mp4"))
            wait_for(tmp_path / "said", "slow.mp4: processing")
            wait_for(tmp_path / "said", "moved.mp4: moved")
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
    rows = sqlite3.connect(tmp_path / "home" / "kinoscope.sqlite3").execute("select original from webapp_video")
    assert sorted(Path(path).name for (path,) in rows) == ["moved.mp4", "slow.mp4"]


def wait_for(file: Path, text: str) -> None:
    end = time.monotonic() + 60
    while text not in file.read_text():
        assert time.monotonic() < end, file.read_text()
        time.sleep(0.2)
