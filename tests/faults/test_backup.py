"""The drill: back up while the site is at work, lose everything, restore, find the same."""

import json
import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import Installation, create_database, drop_database, write_movie, write_silent


@pytest.fixture
def another(site: Installation, tmp_path: Path):
    """A new machine: an empty home and an empty database."""
    found = Installation(tmp_path / "another", create_database() if site.database else "", "")
    found.env["DJANGO_SETTINGS_MODULE"] = site.env["DJANGO_SETTINGS_MODULE"]
    (found.home / "models").symlink_to((site.home / "models").resolve())
    yield found
    found.stop()
    if found.database:
        drop_database(found.database)


def find(site: Installation) -> list[dict]:
    moments = site.json("search", "the moment that supports it")
    return [{name: row[name] for name in row if name not in ("took_ms", "index")} for row in moments]


def test_everything_is_lost_and_comes_back(site: Installation, another: Installation, tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    site.ingest(write_movie(tmp_path / "a.mp4", 1), write_silent(tmp_path / "b.mp4", 2))
    site.start()
    site.wait(lambda: site.open_steps() == 0)
    site.ingest(write_silent(tmp_path / "c.mp4", 3))  # still at work
    first = site.json("backup", kept)[0]
    site.wait(lambda: site.open_steps() == 0)
    before = find(site)
    assert before
    (second,) = site.json("backup", kept)
    copied = {path.name: path.stat().st_ino for path in Path(kept, "media").iterdir()}
    assert len(copied) == 3
    assert second["files"] >= first["files"]
    assert site.json("backup", kept, "--verify") == [second | {"wrong": []}]

    refused = site.manage("restore", kept, check=False)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    (key,) = site.sql("SELECT key FROM webapp_video ORDER BY id LIMIT 1")
    secret = (site.home / "secret_key").read_text()
    site.stop()
    shutil.rmtree(site.home / "media")
    shutil.rmtree(site.home / "derived")

    assert another.json("restore", kept)[0]["made_at"] == second["made_at"]
    assert (another.home / "secret_key").read_text() == secret
    assert (another.home / "secret_key").stat().st_mode & 0o777 == 0o600
    another.sql("UPDATE webapp_indexstate SET swept_at = NULL")
    another.start()
    another.wait(lambda: any((another.home / "index").glob("*.json")))  # built anew
    assert find(another) == before
    assert {p.name: p.stat().st_ino for p in Path(kept, "media").iterdir()} == copied  # copied once
    lost = json.dumps(another.json("doctor"), ensure_ascii=False)
    assert "gone" not in lost
    assert key

    damaged = next(Path(kept, "derived").rglob("*.jpg"))
    damaged.write_bytes(b"0")
    verdict = site.manage("backup", kept, "--verify", "--json", check=False)
    assert verdict.returncode == 1
    assert json.loads(verdict.stdout)["wrong"] == [str(damaged.relative_to(kept))]
    dump = next(Path(kept, "database").iterdir())
    for dump in Path(kept, "database").iterdir():
        dump.write_bytes(dump.read_bytes()[:-100])
    third = Installation(tmp_path / "third", another.database, "")
    third.env["DJANGO_SETTINGS_MODULE"] = site.env["DJANGO_SETTINGS_MODULE"]
    refused = third.manage("restore", kept, check=False)
    third.stop()
    assert refused.returncode == 2
    assert ("not empty" if third.database else "damaged") in refused.stderr
