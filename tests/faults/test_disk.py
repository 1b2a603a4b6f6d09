"""Requirement 14: a full disk refuses uploads with the reason, makes steps wait, and harms nothing."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.browser import open_site
from tests.faults.conftest import Installation, write_silent


@pytest.fixture
def small_disk(site: Installation) -> Iterator[Path]:
    """The installation's home on a file system of 100 MB."""
    if site.database:
        pytest.skip("the database must be on the small disk too: SQLite only")
    kept = site.home.with_name("kept")
    shutil.move(site.home, kept)
    site.home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(site.home)]).returncode:
        pytest.skip("SKIPPED LOUDLY: mounting a tmpfs needs root")
    shutil.copytree(kept, site.home, symlinks=True, dirs_exist_ok=True)
    yield site.home
    site.stop()
    subprocess.run(["umount", "-l", str(site.home)], check=True)


def fill(path: Path, leave: int) -> None:
    """Until only `leave` bytes are free."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while (room := shutil.disk_usage(path.parent).free - leave) > 0:
            file.write(b"\0" * min(room, 1 << 20))


def test_a_full_disk_is_survived(site, small_disk, tmp_path) -> None:
    site.ingest(write_silent(tmp_path / "before.mp4", 1))
    worker = site.start(FAULT_LEASE="2")
    site.wait(lambda: site.open_steps() == 0)
    browser = open_site(site)
    assert browser.upload(write_silent(tmp_path / "waits.mp4", 2))[0] == 200
    ballast = small_disk / "ballast"
    fill(ballast, leave=3 << 20)
    status, body, _ = browser.upload(write_silent(tmp_path / "late.mp4", 3))
    assert status == 507, body
    site.wait(lambda: site.sql("SELECT COUNT(*) FROM webapp_step WHERE status IN ('ready', 'running')")[0][0] == 0)
    rows = site.sql("SELECT name, status, attempt, error_text FROM webapp_step WHERE status <> 'done'")
    print(f"3 MB left: upload answered {status}; {rows}")
    assert rows
    assert all((status, attempt) == ("waiting", 0) and "disk" in why for _, status, attempt, why in rows)
    fill(ballast, leave=0)
    status, body, _ = browser.upload(tmp_path / "late.mp4")
    print(f"nothing left: upload answered {status}")
    assert status == 507, body
    assert browser.get("/search?q=slide")[0] == 200
    assert worker.poll() is None
    ballast.unlink()
    back = site.wait(lambda: site.open_steps() == 0, 90)
    print(f"room again: everything ready {back:.0f} s later, by itself")
    assert site.statuses() == {"before.mp4": "ready", "waits.mp4": "ready"}
    assert site.sql("PRAGMA integrity_check") == [("ok",)]
    levels = {r["level"] for r in site.json("doctor")}
    assert "error" not in levels
    assert browser.upload(tmp_path / "late.mp4")[0] == 200
