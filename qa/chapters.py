"""Chapters: a new one begins where neighbouring segments have least in common (Hearst's TextTiling, 1997)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa.types import Chapter

MIN_CHAPTER_SECONDS = 20.0  # seconds
CHAPTERS_A_MINUTE = 0.7  # about this many chapters a minute, and never more than
MAX_CHAPTERS = 12


def find_chapters(
    spans: Sequence[tuple[float, float]], vectors: npt.NDArray[np.float32], titles: Sequence[str]
) -> list[Chapter]:
    """Segments (start, end) in order with their vectors (n, d) and candidate titles -> chapters that cover them."""
    if not spans:
        return []
    wanted = min(MAX_CHAPTERS, int((spans[-1][1] - spans[0][0]) / 60 * CHAPTERS_A_MINUTE))
    depth = [1.0 - float(_around(vectors, i, -1) @ _around(vectors, i, 1)) for i in range(1, len(spans))]
    starts = [0]
    for boundary in sorted(range(len(depth)), key=lambda b: -depth[b]):
        if len(starts) > wanted:
            break
        edges = [spans[s][0] for s in starts] + [spans[-1][1]]
        if all(abs(spans[boundary + 1][0] - edge) >= MIN_CHAPTER_SECONDS for edge in edges):
            starts.append(boundary + 1)
    starts.sort()
    return [
        Chapter(spans[a][0], spans[b - 1][1], _title(titles[a:b], vectors[a:b]))
        for a, b in zip(starts, [*starts[1:], len(spans)], strict=True)
    ]


def _around(vectors: npt.NDArray[np.float32], boundary: int, side: int) -> npt.NDArray[np.float32]:
    """Mean direction of the two segments before (-1) or after (1) a boundary."""
    window = vectors[max(0, boundary - 2) : boundary] if side < 0 else vectors[boundary : boundary + 2]
    mean = window.mean(0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6), np.float32)


def _title(titles: Sequence[str], vectors: npt.NDArray[np.float32]) -> str:
    """The candidate nearest to the chapter's middle, shortened at a word."""
    centre = vectors.mean(0)
    for row in np.argsort(-(vectors @ centre)):
        text = titles[int(row)].strip()
        if text:
            return text if len(text) <= 60 else text[:60].rsplit(" ", 1)[0] + "…"
    return ""
