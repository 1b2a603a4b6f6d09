"""Requirement 1: a crash at any step, at any point of it, loses and duplicates nothing."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import BOTH, Installation, write_movie

STEPS = ("probe", "glance", "look", "speech", "screen_text", "pictures", "embed", "index", "describe", "proxy")
POINTS = ("before", "mid", "written", "committed")
QUICK = {
    "table": [("look", "written"), ("embed", "mid")],
    "celery": [("speech", "committed"), ("embed", "mid"), ("index", "written")],
}
LEASE = "4"


def crash_through(site: Installation, carrier: str, places: list[tuple[str, str]], tmp_path: Path) -> None:
    """Two videos each; a worker that dies at every place, one after the other; then compare with an uncrashed twin."""
    movies = [write_movie(tmp_path / f"m{n}.mkv", n) for n in range(2)]
    site.ingest(*movies)
    deaths = 0
    begun = time.monotonic()
    for step, point in places:
        # The pipeline starts anew for each place that is behind what has been done already.
        if site.open_steps() == 0:
            again(site)
        worker = site.start(carrier, FAULT_KILL=f"{step}:{point}", FAULT_LEASE=LEASE)
        site.wait(lambda w=worker: w.poll() is not None or site.open_steps() == 0, 120)  # type: ignore[misc]
        if worker.poll() is None and not (site.home / "marks" / f"{step}-{point}").exists():
            again(site)
            site.wait(lambda w=worker: w.poll() is not None, 120)  # type: ignore[misc]
        worker.wait(30)
        assert worker.returncode == -signal.SIGKILL, site.explain()
        deaths += 1
    last = site.start(carrier, FAULT_LEASE=LEASE)
    site.wait(lambda: site.open_steps() == 0, 120)
    last.terminate()
    print(f"{carrier}: {deaths} deaths at {places}; all settled {time.monotonic() - begun:.0f} s after the first")
    assert deaths == len(places)
    assert site.statuses() == {"m0.mkv": "ready", "m1.mkv": "ready"}
    assert site.sql("SELECT COUNT(*) FROM webapp_step WHERE status = 'running'")[0][0] == 0


def again(site: Installation) -> None:
    """Have every step done once more, from the first, as if the file had just come."""
    site.sql("UPDATE webapp_step SET status = 'ready', attempt = 0 WHERE name = 'probe'")


def compare_with_a_quiet_run(site: Installation, crashed: dict[str, dict[str, int]], tmp_path: Path) -> None:
    """The same two files through a worker that nobody kills."""
    site.sql("UPDATE webapp_video SET sha256 = 'old' || id, file_name = 'old-' || file_name")
    site.ingest(*(tmp_path / f"m{n}.mkv" for n in range(2)))
    site.start()
    site.wait(lambda: site.open_steps() == 0, 120)
    quiet = {name: rows for name, rows in site.counts().items() if not name.startswith("old-")}
    assert crashed == quiet
    left = list((site.home / "derived").rglob(".work-*"))
    print(f"rows per table as in the uncrashed run: {quiet}; work folders left for the sweep: {len(left)}")


@pytest.mark.parametrize("carrier", ["table", pytest.param("celery", marks=pytest.mark.slow)], indirect=True)
def test_a_crash_anywhere_loses_and_doubles_nothing(site, carrier, tmp_path) -> None:
    crash_through(site, carrier, QUICK[carrier], tmp_path)
    compare_with_a_quiet_run(site, site.counts(), tmp_path)


@pytest.mark.slow
@BOTH
def test_the_whole_crash_matrix(site, carrier, tmp_path) -> None:
    crash_through(site, carrier, [(step, point) for point in POINTS for step in STEPS], tmp_path)
    compare_with_a_quiet_run(site, site.counts(), tmp_path)
