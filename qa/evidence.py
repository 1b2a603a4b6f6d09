"""Choosing evidence: the pieces that speak to a question, best first, within a budget."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qa.ports import Reranker
from qa.types import Evidence

Terms = Callable[[str], Sequence[str]]

MAX_CHARACTERS = 6000  # characters handed to a decoder: some 1500 tokens
STRETCH_SECONDS, MAX_PIECES_A_STRETCH = 20.0, 6  # seconds, and pieces of such a stretch that a decoder is given
MIN_LONG_SENTENCE_SECONDS = 6.0  # seconds: sentences above it are cited by their clauses
MIN_CLAUSE_SECONDS = 1.8  # seconds that a clause must take
_COMMAS = (",", ";", ":", "，", "、", "；", "：")
_APART = re.compile(r"\s[\u4e00-\u9fff]")  # Whisper writes Chinese without commas, and a space in their place
SIMILARITY_WEIGHT = 1.0  # of meaning
SHARED_WORDS_WEIGHT = 0.5
NEIGHBOUR_WEIGHT = 0.25  # of shared words of the sentence beside it
LOGIT_WEIGHT = 0.05  # of the re-ranker's logit
MAX_RERANKED = 24  # pieces that are read together with the question: each costs some ten milliseconds


@dataclass(frozen=True)
class Curve:
    """Logistic regression by `qa.training.reader`: weights of similarity, shared words and the re-ranker's logit, and
    the bias; without the logit where the re-ranker does not read the language.
    """

    read: tuple[float, ...]
    unread: tuple[float, ...]


# By `manage.py train reader`, for the sentence encoder and the re-ranker of these names.
FITTED = Curve((7.048, 0.188, 0.272, -0.843), (9.591, 2.474, 0.0, -4.062))
FITTED_FOR = ("multilingual-e5-small-q4-centred", "ms-marco-MiniLM-L-12-v2")
UNREAD_LOGIT, SURE_LOGIT = -11.0, 8.0  # where logits level off

# What a question asks about: the first kind any of whose words occurs.
_ASKED = {
    "chapter": "chapter chapters section sections 章节",
    "speech": "say says said speaker speak speaks speech talk talks mention mentioned tell tells according 说 讲 提到",
    "screen": "written write text sign caption title screen display logo letters read label typed brand word clock "
    "year advertised menu copyright file answer digits number 字幕 文字 写",
    "caption": "wear wears wearing color colour holding holds look looks see seen doing standing sitting picture "
    "shown animal 穿 颜色 拿着 看到 在做",
}


@dataclass(frozen=True)
class Scored:
    """A piece of evidence, how well it fits, and the two signals behind that."""

    evidence: Evidence
    score: float
    similarity: float  # cosine in [-1, 1]
    shared: float  # share of the question's terms, by rarity, in [0, 1]
    logit: float | None = None  # of the re-ranker, None where it did not read
    curve: Curve = FITTED

    @property
    def confidence(self) -> float:
        """How likely it is that this piece answers the question, in [0, 1]."""
        of_similarity, of_shared, of_logit, bias = self.curve.unread if self.logit is None else self.curve.read
        signals = of_similarity * self.similarity + of_shared * self.shared + of_logit * clamp_logit(self.logit)
        return float(1 / (1 + np.exp(-(signals + bias))))


def clamp_logit(logit: float | None) -> float:
    """Between where logits level off; 0 where nothing was read."""
    return min(max(logit or 0.0, UNREAD_LOGIT), SURE_LOGIT)


def split_clauses(words: Sequence[tuple[str, float, float]]) -> list[tuple[float, float, str]]:
    """A long sentence of (text, start, end) words -> its clauses (start, end, text), so that a citation can be short.

    Cut behind commas and the like (in Chinese also at spaces), where neither side becomes a mere fragment.
    """
    clauses: list[tuple[float, float, str]] = []
    first = 0
    whole = words[-1][2] - words[0][1] if words else 0.0
    for at, (text, _, end) in enumerate(words, 1):
        last = at == len(words)
        cut = whole > MIN_LONG_SENTENCE_SECONDS and (
            text.rstrip().endswith(_COMMAS) or (not last and _APART.match(words[at][0]))
        )
        long_enough = all(side >= MIN_CLAUSE_SECONDS for side in (end - words[first][1], words[-1][2] - end))
        if last or (cut and long_enough):
            clauses.append((words[first][1], end, "".join(w for w, _, _ in words[first:at]).strip()))
            first = at
    return clauses


def score_evidence(
    question: str,
    vector: npt.NDArray[np.float32],
    pieces: Sequence[Evidence],
    vectors: npt.NDArray[np.float32],
    terms: Terms,
    reranker: Reranker | None = None,
    curve: Curve = FITTED,
) -> list[Scored]:
    """Best first; `pieces` come in the order of time. `vector` is (d,), `vectors` (n, d), both unit length in a space
    where unrelated texts are near 0. The best are read again by the `reranker`, each with its whole sentence.
    """
    question_terms = list(dict.fromkeys(terms(question)))
    words = [set(terms(p.text)) for p in pieces]
    rarity = {t: np.log(1 + (len(pieces) + 1) / (0.5 + sum(t in w for w in words))) for t in question_terms}
    total = sum(rarity.values()) or 1.0
    share = [sum(rarity[t] for t in question_terms if t in w) / total for w in words]
    similarity = vectors @ vector if len(pieces) else np.zeros(0, np.float32)
    preferred = preferred_kind(question)
    beside = [0.0] * len(pieces)
    before: dict[tuple[int, str], int] = {}
    for i, piece in enumerate(pieces):
        j = before.get((piece.video, piece.kind))
        if j is not None:
            beside[i], beside[j] = max(beside[i], share[j]), max(beside[j], share[i])
        before[piece.video, piece.kind] = i
    scored = []
    for i, piece in enumerate(pieces):
        score = SIMILARITY_WEIGHT * float(similarity[i]) + SHARED_WORDS_WEIGHT * share[i] + NEIGHBOUR_WEIGHT * beside[i]
        if preferred:
            score += 0.15 if piece.kind == preferred else -0.05
        scored.append(Scored(piece, score, float(similarity[i]), share[i], curve=curve))
    scored.sort(key=lambda s: -s.score)
    return _rerank(question, scored, reranker) if reranker is not None else scored


def _rerank(question: str, scored: list[Scored], reranker: Reranker) -> list[Scored]:
    best = scored[:MAX_RERANKED]
    texts = [s.evidence.sentence or s.evidence.text for s in best]
    unique = list(dict.fromkeys(texts))
    logits = dict(zip(unique, reranker.score(question, unique).tolist(), strict=True))
    read = [
        s if np.isnan(logits[text]) else replace(s, logit=logits[text], score=s.score + LOGIT_WEIGHT * logits[text])
        for s, text in zip(best, texts, strict=True)
    ]
    return [*sorted(read, key=lambda s: -s.score), *scored[MAX_RERANKED:]]


# What an answer must hold for some questions.
_NEEDS = (
    (re.compile(r"\b(?:what|which) year\b|哪一?年", re.IGNORECASE), re.compile(r"\d{4}")),
    (re.compile(r"\bwhat time\b|几点", re.IGNORECASE), re.compile(r"\d{1,2}[:.h点]\s?\d{0,2}")),
    (
        re.compile(r"\b(?:what|which) number\b|\bwhat (?:percentage|date)\b|号码|多少号", re.IGNORECASE),
        re.compile(r"\d"),
    ),
)


def could_answer(question: str, text: str) -> bool:
    """Does `text` hold what a question of this kind is answered with: a year, a time, a number?"""
    return all(needed.search(text) for kind, needed in _NEEDS if kind.search(question))


def preferred_kind(question: str) -> str:
    """The kind of evidence a question asks for: speech, screen, chapter, caption, or "" when it does not say."""
    words = set(re.findall(r"[a-z]+", question.lower()))
    for kind, marks in _ASKED.items():
        if any(mark in (words if mark.isascii() else question) for mark in marks.split()):
            return kind
    return ""


def fit_budget(scored: Sequence[Scored], budget: int = MAX_CHARACTERS) -> list[Evidence]:
    """The best pieces that fit, in the order of time, numbered from 1: `MAX_PIECES_A_STRETCH` of one stretch of a video
    at most, so that a moment with many words does not hide the others.
    """
    chosen: list[Evidence] = []
    crowds: Counter[tuple[int, int]] = Counter()
    used = 0
    for item in scored:
        place = (item.evidence.video, int(item.evidence.start // STRETCH_SECONDS))
        if used + len(item.evidence.text) > budget or crowds[place] == MAX_PIECES_A_STRETCH:
            continue
        used += len(item.evidence.text)
        crowds[place] += 1
        chosen.append(item.evidence)
    chosen.sort(key=lambda e: (e.video, e.start))
    return [replace(e, number=n) for n, e in enumerate(chosen, 1)]
