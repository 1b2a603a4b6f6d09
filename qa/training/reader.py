"""How sure the reader may be: a logistic curve from similarity, shared words and the re-ranker's logit.

Fitted to talks that were invented for it (`data/reading.txt`), with questions that one sentence answers and questions
near the subject that none does; reported leave-one-talk-out, so that no talk is judged by what was fitted to it.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.evidence import Curve, Terms, clamp_logit, score_evidence
from qa.ports import Embed, Reranker
from qa.types import Evidence

DATA = Path(__file__).with_name("data") / "reading.txt"
RIDGE = 0.01  # penalty of large weights, a piece
STEPS = 100  # of Newton's method: it converges in some ten

Table = npt.NDArray[np.float64]


@dataclass
class Talk:
    """Sentences, and questions with the number of the sentence that answers (-1 for none) and its words."""

    sentences: list[str] = field(default_factory=list)
    questions: list[tuple[str, int, str]] = field(default_factory=list)


def read_talks(path: Path = DATA) -> list[Talk]:
    talks: list[Talk] = []
    for line in path.read_text().splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "=":
            talks.append(Talk())
        elif mark == "-":
            talks[-1].sentences.append(rest)
        elif mark == "!":
            talks[-1].questions.append((rest, -1, ""))
        elif mark == "?":
            words, _, question = rest.partition(" | ")
            number, _, answer = words.partition(" ")
            talks[-1].questions.append((question, int(number) - 1, answer))
    return talks


def train(encode_queries: Embed, encode_passages: Embed, split: Terms, reranker: Reranker) -> dict[str, object]:
    """The weights for read and unread passages, and how well they tell right from wrong on talks that were left out."""
    numbers: dict[str, object] = {}
    for name, ranker in (("read", reranker), ("unread", None)):
        rows, labels, talks = collect(encode_queries, encode_passages, split, ranker)
        out = np.zeros(len(labels))
        for talk in np.unique(talks):
            weights = fit(rows[talks != talk], labels[talks != talk])
            out[talks == talk] = rows[talks == talk] @ weights
        numbers[f"weights, {name}"] = [round(float(w), 3) for w in fit(rows, labels)]
        for least in (0.3, 0.45, 0.6):
            passed = 1 / (1 + np.exp(-out)) >= least
            numbers[f"{name}, from {least}: right kept %, wrong kept %"] = [
                round(100 * float(passed[labels == right].mean()), 1) for right in (1, 0)
            ]
    return numbers


def fit_curve(encode_queries: Embed, encode_passages: Embed, split: Terms, reranker: Reranker) -> Curve:
    """For an encoder and a re-ranker that the project's own numbers were not fitted for. A re-ranker that reads none of
    the talks adds nothing.
    """
    unread = fit(*collect(encode_queries, encode_passages, split, None)[:2])
    rows, labels, _talks = collect(encode_queries, encode_passages, split, reranker)
    read = fit(rows, labels) if len(rows) else unread
    return Curve(tuple(map(float, read)), tuple(map(float, unread)))


def collect(
    encode_queries: Embed, encode_passages: Embed, split: Terms, reranker: Reranker | None
) -> tuple[Table, Table, Table]:
    """Of each question the signals of its best sentence (similarity, shared, logit, 1), whether it is the right one,
    and its talk. What the re-ranker does not read is left out where there is one.
    """
    rows, labels, places = [], [], []
    for number, talk in enumerate(read_talks()):
        pieces = [Evidence(0, number, float(i), i + 1.0, "speech", s) for i, s in enumerate(talk.sentences)]
        vectors = encode_passages(talk.sentences)
        for question, right, _words in talk.questions:
            best = score_evidence(question, encode_queries([question])[0], pieces, vectors, split, reranker)[0]
            if reranker is not None and best.logit is None:
                continue
            rows.append((best.similarity, best.shared, clamp_logit(best.logit), 1.0))
            labels.append(float(best.evidence.start == right))
            places.append(number)
    return np.array(rows), np.array(labels), np.array(places, float)


def fit(rows: Table, labels: Table) -> Table:
    """Logistic regression with a ridge, by Newton's method; the last column is the bias."""
    weights = np.zeros(rows.shape[1])
    scale = np.maximum(rows.std(0), 1e-6)
    scale[-1] = 1.0
    scaled = rows / scale
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-scaled @ weights))
        penalty = RIDGE * len(rows) * np.r_[np.ones(rows.shape[1] - 1), 1e-6]
        gradient = scaled.T @ (likely - labels) + penalty * weights
        curvature = (scaled * (likely * (1 - likely))[:, None]).T @ scaled + np.diag(penalty)
        weights -= np.linalg.solve(curvature, gradient)
    return np.asarray(weights / scale)
