"""Hostile files handed in like any other: verdicts on the page, bounded means, and nobody else is held up."""

import resource
import time
from pathlib import Path

import pytest

from indexer.boxed import MEMORY_BYTES
from indexer.media import MEDIA_SUFFIXES
from tests.conftest import movie_maker
from tests.faults.conftest import Installation, write_silent
from tests.hostile.corpus import VERDICTS, build

BOMBS = ("bomb_png.mov", "bomb_frames.mkv", "bomb_sparse_ts.mp4", "vid3s_audio24h.mkv", "many_streams.mkv")


@pytest.mark.slow
def test_bombs_hold_nobody_up(site: Installation, tmp_path: Path) -> None:
    """Five bombs handed in before a good video: refused with a reason, the good one takes less than twice its time."""
    files = build(tmp_path / "corpus", movie_maker(tmp_path), "http://127.0.0.1:9")
    site.start()
    site.ingest(write_silent(tmp_path / "warm.mp4", 1))
    site.wait(lambda: not site.open_steps())  # the models are loaded
    begun = time.monotonic()
    site.ingest(write_silent(tmp_path / "alone.mp4", 2))
    site.wait(lambda: not site.open_steps())
    alone = time.monotonic() - begun
    begun = time.monotonic()
    site.ingest(*(files[name] for name in BOMBS), write_silent(tmp_path / "among.mp4", 3))
    site.wait(lambda: site.statuses()["among.mp4"] == "ready")
    among = time.monotonic() - begun
    site.wait(lambda: not site.open_steps())
    statuses = site.statuses()
    assert {statuses[name] for name in BOMBS} == {"failed"}
    failed = "SELECT v.file_name, s.error_text FROM webapp_step s JOIN webapp_video v ON v.id = s.video_id"
    reasons = dict(site.sql(f"{failed} WHERE s.status = 'failed'"))
    probes = dict(site.sql(f"{failed.replace('s.error_text', 's.seconds')} WHERE s.name = 'probe'"))
    print(f"\nalone {alone:.1f} s, among five bombs {among:.1f} s: {among / alone:.2f}; {reasons} {probes}")
    assert set(reasons) == set(BOMBS)
    assert among < 2 * alone
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < MEMORY_BYTES
    assert not list(site.home.rglob(".work-*"))


@pytest.mark.slow
def test_the_whole_corpus_gets_verdicts(site: Installation, tmp_path: Path) -> None:
    """Through `ingest --wait`: each is ready, ready with a warning, or failed with a reason and a remedy."""
    files = build(tmp_path / "corpus", movie_maker(tmp_path), "http://127.0.0.1:9")
    begun = time.monotonic()
    rows = {row["file"]: row for row in site.json("ingest", *map(str, files.values()), "--wait")}
    print(f"\n{len(rows)} files in {time.monotonic() - begun:.0f} s")
    warned = dict(site.sql("SELECT file_name, warning FROM webapp_video"))
    media = {name: verdict for name, verdict in VERDICTS.items() if Path(name).suffix in MEDIA_SUFFIXES}
    assert set(rows) == set(VERDICTS)
    assert all(rows[name]["status"] == "left out" for name in set(VERDICTS) - set(media))
    for name, verdict in media.items():
        row = rows[name]
        if verdict in ("", "!"):
            assert row["status"] == "ready", row
            assert bool(warned[name]) == bool(verdict), name
        else:
            assert row["status"] == "failed", row
            assert str(site.home) not in row["error"]
            assert len(row["error"]) > 20
