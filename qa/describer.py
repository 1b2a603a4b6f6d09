"""What is told of a video as a whole: its citable evidence, its chapters, what its summary may say, what may be asked.

Utterances and segments are anything with these attributes, such as rows of a database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qa import suggestions
from qa.chapters import find_chapters
from qa.evidence import Terms, score_evidence, split_clauses
from qa.keyphrases import find_keyphrases
from qa.ports import Embed
from qa.reader import answer_by_quoting
from qa.types import Caption, Chapter, Evidence

Vectors = npt.NDArray[np.float32]

MIN_SPOKEN_SHARE = 0.2  # of a video, from which on its summary is made of speech alone
MAX_SUGGESTIONS = 3
MAX_TITLE_PHRASES = 2


class Spoken(Protocol):
    """A timed sentence; `words` are [text, start, end]."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...
    @property
    def words(self) -> Sequence[Any]: ...


class Shown(Protocol):
    """A segment with its speech and the text on screen."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def speech(self) -> str: ...
    @property
    def screen(self) -> str: ...


def collect_evidence(
    video: int, utterances: Iterable[Spoken], segments: Sequence[Shown], captions: Sequence[Caption]
) -> list[Evidence]:
    """Everything of this video that an answer may cite, by kind and time. `captions` are those of the segments, without
    words where they are not likely right.
    """
    pieces = [
        Evidence(0, video, start, end, "speech", text, u.text)
        for u in utterances
        for start, end, text in split_clauses([(w, a, b) for w, a, b in u.words]) or [(u.start, u.end, u.text)]
        if has_letters(text)
    ]
    pieces += [Evidence(0, video, s.start, s.end, "screen", s.screen) for s in segments if s.screen]
    pieces += [
        Evidence(0, video, s.start, s.end, "caption", c.text) for s, c in zip(segments, captions, strict=True) if c.text
    ]
    return pieces


def collect_names(video: int, chapters: Iterable[Chapter], seen: Iterable[tuple[str, float, float]]) -> list[Evidence]:
    """Chapters by their titles, and what is seen by its labels (name, start, end)."""
    titles = [Evidence(0, video, c.start, c.end, "chapter", c.title) for c in chapters if has_letters(c.title)]
    return titles + [Evidence(0, video, start, end, "tag", name) for name, start, end in seen]


def has_letters(text: str) -> bool:
    """A lone number or mark is no sentence that one could cite."""
    return any(c.isalpha() for c in text)


def divide(segments: Sequence[Shown], captions: Sequence[Caption], vectors: Vectors) -> list[Chapter]:
    """Chapters titled by what is said in them, or else by what is seen; `vectors` (n, d) are those of the segments."""
    titles = [s.speech or s.screen or c.text for s, c in zip(segments, captions, strict=True)]
    return find_chapters([(s.start, s.end) for s in segments], vectors, titles)


def retitle(chapters: Sequence[Chapter], utterances: Iterable[Spoken]) -> list[Chapter]:
    """Chapters titled by what is spoken about in them, where enough is spoken."""
    sentences = [Evidence(0, 0, u.start, u.end, "speech", u.text) for u in utterances]
    titled = []
    for chapter in chapters:
        inside = [s for s in sentences if chapter.start <= (s.start + s.end) / 2 < chapter.end]
        title = ", ".join(p.text for p in find_keyphrases(inside, MAX_TITLE_PHRASES))
        titled.append(replace(chapter, title=title[:1].upper() + title[1:]) if title else chapter)
    return titled


def choose_sources(
    duration: float, utterances: Iterable[Spoken], pieces: Sequence[Evidence], vectors: Vectors
) -> tuple[list[Evidence], Vectors]:
    """What a summary may say, with its vectors (n, d): whole sentences where much is spoken, otherwise speech and
    screen text. No captions: what a small model guesses from a picture sums up nothing. The vector of a sentence is
    the mean direction of its clauses.
    """
    spoken = [i for i, p in enumerate(pieces) if p.kind == "speech"]
    if not spoken or sum(pieces[i].end - pieces[i].start for i in spoken) < MIN_SPOKEN_SHARE * duration:
        certain = [i for i, p in enumerate(pieces) if p.kind != "caption"]
        return [pieces[i] for i in certain], vectors[certain]
    sentences, means = [], []
    for u in utterances:
        inside = [i for i in spoken if u.start <= pieces[i].start < max(u.end, u.start + 0.01)]
        if inside:
            sentences.append(Evidence(0, pieces[inside[0]].video, u.start, u.end, "speech", u.text))
            means.append(_mean_direction(vectors[inside]))
    return sentences, np.stack(means)


def _mean_direction(vectors: Vectors) -> Vectors:
    mean = vectors.mean(0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-6 else 0 * mean, np.float32)


def suggest_questions(pieces: Sequence[Evidence], vectors: Vectors, encode_queries: Embed, split: Terms) -> list[str]:
    """Questions that are answered from these pieces, tried one by one."""
    answered: list[str] = []
    for question in suggestions.propose(pieces, [split(p.text) for p in pieces]):
        scored = score_evidence(question, encode_queries([question])[0], pieces, vectors, split)
        if not answer_by_quoting(question, scored, trusted=("screen",)).abstained:
            answered.append(question)
        if len(answered) == MAX_SUGGESTIONS:
            break
    return answered
