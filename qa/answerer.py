"""Answering one question from evidence: gather → score → quote, or let a decoder write → check.

What may be read is handed in as a `Scope`; the site's holds what a person may see, the README's example a list.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from qa.errors import QaError
from qa.evidence import FITTED, Curve, Scored, Terms, fit_budget, score_evidence
from qa.pictures import PictureQuestion, read_question
from qa.ports import Decoder, Embed, Reranker
from qa.questions import refer_back
from qa.reader import answer_by_quoting, check
from qa.types import Evidence, Sentence, Turn
from qa.windows import Window, find_event, find_window, without_times

log = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]


class Scope(Protocol):
    """What may be read for an answer."""

    @property
    def duration(self) -> float | None:
        """Seconds of the one video that is asked; None where there are more of them."""
        ...

    def read(self, question: str) -> tuple[list[Evidence], Vectors]:
        """Pieces that may speak to the question, by video and time, with their vectors (n, d)."""
        ...

    def ask_frames(self, question: PictureQuestion, window: Window | None) -> Sentence | None:
        """What the pictures of the one video say; None when they are not sure."""
        ...


@dataclass(frozen=True)
class ListScope:
    """A `Scope` over a list of evidence with its vectors (n, d), for programs that have no database and no frames."""

    evidence: list[Evidence]
    vectors: Vectors
    duration: float | None = None

    def read(self, question: str) -> tuple[list[Evidence], Vectors]:
        """All of it."""
        return self.evidence, self.vectors

    def ask_frames(self, question: PictureQuestion, window: Window | None) -> Sentence | None:
        """There are none."""
        return None


@dataclass(frozen=True)
class Answerer:
    """Answers with an encoder of sentences, a splitter of words and, where there is one, a decoder.

    `encode_queries` and `encode_passages` give (n, d) unit vectors of one space; `curve` was fitted for that encoder
    and the re-ranker.
    """

    encode_queries: Embed
    encode_passages: Embed
    split: Terms
    reranker: Reranker | None = None
    decoder: Decoder | None = None
    curve: Curve = FITTED

    def answer(self, part: str, scope: Scope, turns: Sequence[Turn] = ()) -> tuple[Iterator[Sentence], list[Scored]]:
        """Sentences that answer one question as they are found, and the evidence that was read for it, best first."""
        plain = without_times(refer_back(part, turns)) or part
        pieces, vectors = scope.read(plain)
        window = self._find_window(part, scope, pieces, vectors)
        picture = read_question(part) if scope.duration is not None else None
        scored, quoted = self._quote(plain, scope, pieces, vectors, window, ("caption", "tag") if picture else ())
        shown = scope.ask_frames(picture, window) if picture else None
        if self.decoder is not None and (quoted or shown):
            written = self._write(part, scored, shown, turns)
            return self._or_else(written, [shown] if shown else quoted), scored
        return iter([shown] if shown else quoted), scored

    def _quote(
        self,
        question: str,
        scope: Scope,
        pieces: Sequence[Evidence],
        vectors: Vectors,
        window: Window | None,
        without: Sequence[str],
    ) -> tuple[list[Scored], list[Sentence]]:
        """Scored evidence and what is quoted of it: from the window that the question names, else from everything."""
        vector = self.encode_queries([question])[0]
        scored: list[Scored] = []
        quoted: list[Sentence] = []
        if window is not None:
            inside = [i for i, p in enumerate(pieces) if window.overlaps(p.start, p.end)]
            scored = self._score(question, vector, [pieces[i] for i in inside], vectors[inside])
            quoted = answer_by_quoting(question, scored, trusted=("screen", "speech"), without=without).sentences
        if window is None or not (quoted or window.firm):
            scored = self._score(question, vector, pieces, vectors)
            trusted = () if scope.duration is None else ("screen",)
            quoted = answer_by_quoting(question, scored, trusted=trusted, without=without).sentences
        return scored, quoted

    def _score(self, question: str, vector: Vectors, pieces: Sequence[Evidence], vectors: Vectors) -> list[Scored]:
        return score_evidence(question, vector, pieces, vectors, self.split, self.reranker, self.curve)

    def _write(
        self, question: str, scored: Sequence[Scored], shown: Sentence | None, turns: Sequence[Turn]
    ) -> Iterator[Sentence]:
        """What the decoder writes from the best pieces and from what the frames show, as far as the reader lets it."""
        assert self.decoder is not None
        evidence = fit_budget(scored)
        if shown is not None:
            at = shown.citations[0]
            evidence.append(Evidence(len(evidence) + 1, at.video, at.start, at.end, "caption", shown.text))
        return check(self.decoder.answer(question, evidence, turns), evidence, self.encode_passages, self.split)

    def _or_else(self, written: Iterator[Sentence], quoted: Sequence[Sentence]) -> Iterator[Sentence]:
        """What the decoder wrote; the quotations when nothing of it passed, or it does not answer at all."""
        passed = False
        try:
            for sentence in written:
                passed = True
                yield sentence
        except QaError as error:
            log.warning("%s", error)
        if not passed:
            yield from quoted

    def _find_window(self, question: str, scope: Scope, pieces: Sequence[Evidence], vectors: Vectors) -> Window | None:
        """The stretch of the one video that a question names: by the clock, or by an event before or after it."""
        if scope.duration is None:
            return None
        window = find_window(question, scope.duration)
        event = find_event(question) if window is None else None
        if event is None or not pieces:
            return window
        side, happening = event
        scored = score_evidence(happening, self.encode_queries([happening])[0], pieces, vectors, self.split)
        if scored[0].shared == 0:  # nothing says when it happens
            return None
        found = scored[0].evidence
        return Window(found.end, scope.duration) if side == "after" else Window(0.0, found.start)
