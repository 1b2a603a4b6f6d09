"""A film that is looked at in windows: the same as in one go, whatever lies at their edges."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import box
from indexer import look as windows
from indexer.errors import UnreadableMedia
from indexer.look import join
from indexer.types import Look, LookPart, Span

pytestmark = pytest.mark.unit


def see(path: Path, out: Path) -> Look:
    out.mkdir()
    return box.look(path, out, box.probe(path), lambda share: None)


@pytest.mark.parametrize("seconds", [2.0, 1.5, 2.9])
@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.ts", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")]
)
def test_windows_find_what_one_pass_finds(make_movie, tmp_path, monkeypatch, name, codec, seconds) -> None:
    path = make_movie(name, codec=codec)
    whole = see(path, tmp_path / "whole")
    monkeypatch.setattr(windows, "WINDOW", seconds)
    assert len(windows.cut_windows(6.0)) > 1
    parts = see(path, tmp_path / "parts")
    assert [s.start for s in parts.shots] == pytest.approx([s.start for s in whole.shots], abs=0.001)
    assert parts.shots[-1].end == whole.shots[-1].end
    assert (parts.frames, parts.decode_errors) == (whole.frames, whole.decode_errors)
    assert {round(k.time // 2) for k in parts.keyframes} == {0, 1, 2}
    assert parts.storyboard_tiles == whole.storyboard_tiles
    one, other = (np.asarray(Image.open(found.storyboard), float) for found in (whole, parts))
    assert np.abs(one - other).mean() < 2


def test_windows_cover_everything_once() -> None:
    for duration in (0.5, 1700.0, 1900.0, 36_000.0):
        found = windows.cut_windows(duration)
        assert [w.start for w in found[1:]] == [w.end for w in found[:-1]]
        assert (found[0].start, found[-1].end) == (0.0, math.inf)
    assert len(windows.cut_windows(1700.0)) == 1  # a rest of less than half a window has none of its own


def test_a_gap_between_windows_keeps_the_storyboard_in_time(tmp_path) -> None:
    tiles = []
    for level in (0, 200):
        tiles.append(str(tmp_path / f"{level}.jpg"))
        Image.new("RGB", (160, 90), (level, level, level)).save(tiles[-1])
    first = LookPart(0.0, 1.9, [], [], tiles[:1], 0, 40, 0)
    empty = LookPart(2.0, 2.0, [], [], [], 0, 0, 0)
    last = LookPart(4.0, 5.9, [4.0], [], tiles[1:] * 2, 0, 40, 1)
    found = join([first, empty, last], 6.0, tmp_path)
    assert found.storyboard_tiles == 6
    assert found.shots == [Span(0.0, 4.0), Span(4.0, 5.94)]
    row = np.asarray(Image.open(found.storyboard).convert("L"))[45, 80::160]
    assert [level > 100 for level in row] == [False, False, False, False, True, True]
    with pytest.raises(UnreadableMedia, match="No picture"):
        join([empty], 6.0, tmp_path)
