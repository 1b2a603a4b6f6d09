"""Segments cover the video without gaps and hold each line once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.segments import MAX_SEGMENT_SECONDS, MIN_SEGMENT_SECONDS, build_segments
from indexer.types import ScreenLine, Span, Utterance

pytestmark = pytest.mark.unit

spans = st.lists(st.floats(0.4, 90), min_size=1, max_size=12).map(
    lambda lengths: [Span(sum(lengths[:i]), sum(lengths[: i + 1])) for i in range(len(lengths))]
)


@given(spans)
def test_segments_cover_the_video_without_gaps(found: list[Span]) -> None:
    said = [Utterance(s.start, s.end, "words") for s in found]
    segments = build_segments(found, said, [], found[-1].end)
    assert segments[0].start == 0
    assert segments[-1].end == pytest.approx(found[-1].end)
    for a, b in pairwise(segments):
        assert a.end == b.start
        assert a.end - a.start >= MIN_SEGMENT_SECONDS - 1e-6 or b.end - a.start > MAX_SEGMENT_SECONDS
    assert all(s.end - s.start <= MAX_SEGMENT_SECONDS + 1e-6 for s in segments)
    assert sum(s.speech.count("words") for s in segments) == len(said)


def test_screen_text_is_kept_once_per_segment() -> None:
    lines = [ScreenLine(t, "EXIT", 0.9, (0, 0, 1, 1)) for t in (1.0, 2.0)] + [
        ScreenLine(8, "Gate 4", 0.9, (0, 0, 1, 1))
    ]
    first, second = build_segments([Span(0, 6), Span(6, 12)], [], lines, 12)
    assert (first.screen, second.screen) == ("EXIT", "Gate 4")


def test_speech_that_outlasts_the_picture_has_a_segment_of_its_own() -> None:
    said = [Utterance(0.5, 2.5, "with the picture"), Utterance(11, 13, "long after it")]
    first, tail = build_segments([Span(0.2, 3)], said, [], 14)
    assert (first.span, first.speech) == (Span(0, 3), "with the picture")
    assert (tail.span, tail.speech) == (Span(3, 14), "long after it")
    assert len(build_segments([Span(0, 3)], [], [], 3.5)) == 1


def test_a_shot_without_speech_stands_for_itself() -> None:
    shots = [Span(0, 3), Span(3, 6), Span(6, 7), Span(7, 10)]
    assert [s.span for s in build_segments(shots, [], [], 10)] == [Span(0, 3), Span(3, 7), Span(7, 10)]
    said = [Utterance(1, 2, "so"), Utterance(4, 5, "it goes")]
    assert [s.span for s in build_segments(shots, said, [], 10)] == [Span(0, 6), Span(6, 10)]
