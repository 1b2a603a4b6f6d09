"""Cut a video into segments: whole shots, whole utterances, mostly 2-30 s."""

from collections.abc import Sequence
from itertools import pairwise

from indexer.types import ScreenLine, Segment, Span, Utterance

MIN_SEGMENT_SECONDS = 5.0  # seconds: shorter shots are joined with the next one where somebody speaks
MIN_SHOT_SECONDS = 2.0  # seconds: still shorter ones always are; the others can be found by themselves
MAX_SEGMENT_SECONDS = 30.0  # seconds: longer shots are cut between utterances, about half this long


def build_segments(
    shots: Sequence[Span],
    utterances: Sequence[Utterance],
    screen: Sequence[ScreenLine],
    duration: float,
    lengths: tuple[float, float] = (MIN_SEGMENT_SECONDS, MAX_SEGMENT_SECONDS),
) -> list[Segment]:
    """Spans that cover [0, duration) without gaps, with the speech and the distinct screen text of each.

    `lengths`: the shortest and longest span that is aimed at, seconds.
    """
    shortest, longest = lengths
    pieces = cut_long(cover(shots, duration), utterances, shortest, longest)
    spans = join_short(pieces, utterances, shortest, longest, picture_end=shots[-1].end if shots else duration)
    speech: list[list[str]] = [[] for _ in spans]
    for utterance in utterances:
        said = Span(utterance.start, utterance.end)
        home = max(range(len(spans)), key=lambda i: (spans[i].overlap(said), -abs(spans[i].start - said.start)))
        speech[home].append(utterance.text)
    return [
        Segment(span.start, span.end, " ".join(words), " · ".join(screen_text(screen, span)))
        for span, words in zip(spans, speech, strict=True)
    ]


def cover(shots: Sequence[Span], duration: float) -> list[Span]:
    """Shots that begin at 0 and end at `duration`; sound that goes on for longer than a moment after the last picture
    has a piece of its own.
    """
    if not shots:
        return [Span(0.0, duration)]
    covered = list(shots)
    covered[0] = Span(0.0, covered[0].end)
    if duration - covered[-1].end >= MIN_SHOT_SECONDS:
        covered.append(Span(covered[-1].end, duration))
    return covered


def cut_long(shots: Sequence[Span], utterances: Sequence[Utterance], shortest: float, longest: float) -> list[Span]:
    """Shots over `longest` are cut about every half of it, at the pause between utterances nearest to that."""
    pauses = [(a.end + b.start) / 2 for a, b in pairwise(utterances)]
    pieces: list[Span] = []
    for shot in shots:
        start = shot.start
        while shot.end - start > longest:
            near = [p for p in pauses if shortest < p - start < longest - shortest]
            cut = min(near, key=lambda p: abs(p - start - longest / 2), default=start + longest / 2)
            pieces.append(Span(start, cut))
            start = cut
        pieces.append(Span(start, shot.end))
    return pieces


def join_short(
    pieces: Sequence[Span], utterances: Sequence[Utterance], shortest: float, longest: float, picture_end: float
) -> list[Span]:
    """Neighbours are joined until each is at least `shortest`, or shows something for long enough while nobody speaks
    (the last may stay shorter, and what is heard behind the last picture stays for itself).
    """
    least = min(MIN_SHOT_SECONDS, shortest)

    def belongs(before: Span, piece: Span) -> bool:
        if before.length >= shortest or before.end == picture_end or piece.end - before.start > longest:
            return False
        is_short = min(before.length, piece.length) < least
        return is_short or any(u.start < piece.end and before.start < u.end for u in utterances)

    joined: list[Span] = []
    for piece in pieces:
        if joined and belongs(joined[-1], piece):
            joined[-1] = Span(joined[-1].start, piece.end)
        else:
            joined.append(piece)
    return joined


def screen_text(screen: Sequence[ScreenLine], span: Span) -> list[str]:
    """Lines seen in the span, each once, in the order of their first appearance."""
    return list(dict.fromkeys(line.text for line in screen if span.start <= line.time < span.end))
