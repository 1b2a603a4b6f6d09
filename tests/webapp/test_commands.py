"""Commands in homes of every age: a new one is made ready, one of an earlier version goes on or is named."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site import ROOT, surroundings

DUMP = ROOT / "tests" / "data" / "home_a457d59.sql"


def manage(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=surroundings(home), capture_output=True, text=True
    )


@pytest.fixture
def old_home(tmp_path) -> Path:
    """As the migrations of commit a457d59 left it, with the demo in it: a dump of its database, without its files."""
    home = tmp_path / "old"
    home.mkdir()
    with sqlite3.connect(home / "kinoscope.sqlite3") as database:
        database.executescript(DUMP.read_text())
    return home


def test_a_home_of_the_first_version_goes_on(old_home, models_folder) -> None:
    """It is named, migrates, and its videos are found by what is said in them."""
    models_folder.mkdir(exist_ok=True)
    (old_home / "models").symlink_to(models_folder)  # weights are joined once for all tests
    refused = manage(old_home, "search", "speech")
    assert refused.returncode == 2
    assert "manage.py migrate" in refused.stderr
    migrated = manage(old_home, "migrate", "-v1")
    assert migrated.returncode == 0, migrated.stderr
    assert "0001_squashed_0018" not in migrated.stdout  # what it replaces was applied already
    found = manage(old_home, "search", "Whisper writes down what is spoken", "--json")
    assert found.returncode == 0, found.stderr
    best = json.loads(found.stdout)["results"][0]
    assert best["file"] == "kinoscope-demo.mp4"
    assert best["start"] < 24
    assert best["end"] > 16


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "command",
    [
        ("search", "x"),
        pytest.param(("ask", "x"), marks=SLOW),
        pytest.param(("similar", "1"), marks=SLOW),
        ("transcript", "1"),
    ],
)
def test_a_new_home_is_made_ready(command, tmp_path, models_folder) -> None:
    models_folder.mkdir(exist_ok=True)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "models").symlink_to(models_folder)
    done = manage(tmp_path / "new", *command)
    assert "Traceback" not in done.stderr
    assert "sign in as admin with the password" in done.stderr
    assert done.returncode == (0 if command[1] == "x" else 2), done.stderr
    with sqlite3.connect(tmp_path / "new" / "kinoscope.sqlite3") as database:
        assert database.execute("SELECT username, role FROM webapp_user").fetchall() == [("admin", "admin")]
    assert "password" not in manage(tmp_path / "new", *command).stderr
