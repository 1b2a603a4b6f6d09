"""Which moments a montage is made of, where it is cut, and what the box reads of them."""

from pathlib import Path

import numpy as np
import pytest

from indexer import box
from indexer.montage import MAX_PER_VIDEO, MAX_PIECE, MIN_PIECE, Offer, choose, fit
from indexer.types import Span

SIZE, RATE, SOUND_RATE = (320, 180), 10, 16_000


def offer(video: int, start: float, score: float, direction: int, length: float = 5.0) -> Offer:
    return Offer(video, Span(start, start + length), score, np.eye(8, dtype=np.float32)[direction])


def test_what_is_chosen_fits_the_time_varies_and_is_in_order() -> None:
    offers = [offer(1, 20, 1.0, 0), offer(1, 0, 0.9, 0), offer(2, 5, 0.85, 1), offer(3, 0, 0.8, 2)]
    chosen = choose(offers, 15)
    assert [(o.video, o.span.start) for o in chosen] == [(1, 20), (2, 5), (3, 0)], "two that are alike count as one"
    assert sum(o.span.length for o in choose(offers, 12)) == pytest.approx(12)
    assert [(o.video, o.span.start) for o in choose(offers, 60)] == [(1, 0), (1, 20), (2, 5), (3, 0)]
    assert choose([], 30) == []
    same = [offer(1, 0, 1.0, 0), offer(1, 2, 0.9, 1), *(offer(2, 10 * n, 0.5, n) for n in range(6))]
    assert [o.span.start for o in choose(same, 99) if o.video == 1] == [0], "no second is shown twice"
    assert len([o for o in choose(same, 99) if o.video == 2]) == MAX_PER_VIDEO


def test_a_piece_is_cut_where_sentences_or_shots_end() -> None:
    lines = [Span(0, 3), Span(3.2, 6.4), Span(6.5, 9), Span(9.1, 30)]
    assert fit(Span(4, 7), lines, [], 60) == Span(3.2, 9)
    assert fit(Span(10, 12), lines, [], 60) == Span(9.1, 9.1 + MAX_PIECE), "a sentence that never ends is cut"
    assert fit(Span(4, 7), [], [Span(3.4, 8), Span(8, 20)], 60) == Span(3.4, 8)
    assert fit(Span(4, 7), [], [Span(0, 30)], 60) == Span(4, 7), "no cut is near"
    assert fit(Span(4, 4.5), [], [], 60) == Span(4, 4 + MIN_PIECE)
    assert fit(Span(9.5, 10), [], [], 10) == Span(8, 10), "not beyond the end"
    assert fit(Span(0, 1), [], [], 1) == Span(0, 1)


def test_the_box_reads_the_very_stretch(make_movie, tmp_path: Path) -> None:
    movie = make_movie(shots=3, seconds=2.0)
    info = box.probe(movie)
    frames, sound = box.read_excerpt(movie, tmp_path, info, Span(1.5, 4.5), SIZE, RATE, SOUND_RATE)
    assert frames.shape == (30, 180, 320, 3)
    assert abs(len(sound) - 3 * SOUND_RATE) < SOUND_RATE / 10
    assert np.abs(sound.astype(int)).max() > 1000
    jumps = [float(np.abs(frames[n + 1].astype(int) - frames[n]).mean()) for n in range(29)]
    cuts = [n + 1 for n, jump in enumerate(jumps) if jump > 15]
    assert cuts == [5, 25], "cuts at 2 and 4 seconds"
    assert frames[:, :, :30].max() < 20, "4:3 in 16:9 stands between black edges"
    assert frames[:, :, 60:].max() > 100


def test_what_is_not_there_is_left_out(make_movie, tmp_path: Path) -> None:
    quiet = make_movie("quiet.mp4", shots=1, sound=False)
    frames, sound = box.read_excerpt(quiet, tmp_path, box.probe(quiet), Span(1, 4), SIZE, RATE, SOUND_RATE)
    assert len(sound) == 0
    assert len(frames) == 30, "the last picture stays"
    dark = make_movie("dark.m4a", picture=False)
    frames, sound = box.read_excerpt(dark, tmp_path, box.probe(dark), Span(0, 1), SIZE, RATE, SOUND_RATE)
    assert len(frames) == 0
    assert len(sound) == SOUND_RATE
