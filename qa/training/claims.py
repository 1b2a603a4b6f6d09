"""How sure it is that two sentences speak of the same: a logistic curve from similarity, shared words and the
re-ranker's logit.

Fitted to pairs that were written for it (`data/claims.txt`); reported leave-one-subject-out, so that no pair is judged
by what was fitted to its subject.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.claims import MIN_SAME, Passage, Verdict, compare, decide, find_quantities, measure, weigh_inference
from qa.evidence import Terms
from qa.ports import Embed, Inference, Reranker
from qa.training.reader import fit
from qa.types import Evidence

DATA = Path(__file__).with_name("data") / "claims.txt"
VERDICTS = {"S": "supports", "C": "contradicts", "N": None}
LEAST = (0.5, 0.6, 0.7, MIN_SAME)

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    subject: int
    verdict: str | None
    claim: str
    passage: str


def read_pairs(path: Path = DATA) -> list[Pair]:
    pairs, subject = [], 0
    for line in path.read_text().splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "=":
            subject += 1
        elif mark in VERDICTS:
            claim, _, passage = rest.partition(" | ")
            pairs.append(Pair(subject, VERDICTS[mark], claim, passage))
    return pairs


def train(
    encode_passages: Embed, split: Terms, reranker: Reranker, inference: Inference | None = None
) -> dict[str, object]:
    """The weights, and on subjects that were left out: how many verdicts are right, beside those of the rule about
    numbers alone, and how many contradictions are said where there is none. With a model of inference the same again.
    """
    pairs = read_pairs()
    rows = np.stack([_measure(pair, encode_passages, split, reranker) for pair in pairs])
    subjects, same = np.array([p.subject for p in pairs]), np.array([p.verdict is not None for p in pairs], float)
    counted = [compare(*(find_quantities(text, "en", split) for text in (p.claim, p.passage))) for p in pairs]
    ways = {"": [decide(p.claim, p.passage, "en", split) for p in pairs]}
    if inference is not None:
        ways["with inference, "] = [_infer(p, v, split, inference) for p, v in zip(pairs, ways[""], strict=True)]
    out = np.zeros(len(pairs))
    for subject in np.unique(subjects):
        weights = fit(rows[subjects != subject], same[subjects != subject])
        out[subjects == subject] = rows[subjects == subject] @ weights
    numbers: dict[str, object] = {
        "pairs": len(pairs),
        "weights": [round(float(w), 3) for w in fit(rows, same)],
        "right by numbers alone %": _share([r == p.verdict for r, p in zip(counted, pairs, strict=True)]),
        "right by saying nothing %": _share([p.verdict is None for p in pairs]),
    }
    for way, ruled in ways.items():
        for least in LEAST:
            told = [r if q >= np.log(least / (1 - least)) else None for r, q in zip(ruled, out, strict=True)]
            right = [t == p.verdict for t, p in zip(told, pairs, strict=True)]
            wrong = [t == "contradicts" != p.verdict for t, p in zip(told, pairs, strict=True)]
            numbers[f"{way}from {least}: right %"] = _share(right)
            numbers[f"{way}from {least}: contradictions that are none"] = sum(wrong)
            numbers[f"{way}from {least}: said of what could be said %"] = _share(
                [t is not None for t, p in zip(told, pairs, strict=True) if p.verdict is not None]
            )
    return numbers


def _infer(pair: Pair, ruled: Verdict | None, split: Terms, inference: Inference) -> Verdict | None:
    (row,) = inference.infer([pair.passage], pair.claim).tolist()
    return weigh_inference(ruled, bool(find_quantities(pair.claim, "en", split)), row)


def _measure(pair: Pair, encode: Embed, split: Terms, reranker: Reranker) -> Table:
    one, other = encode([pair.claim, pair.passage])
    logit = float(reranker.score(pair.claim, [pair.passage])[0])
    evidence = Evidence(0, 0, 0, 0, "speech", pair.passage)
    return measure(pair.claim, Passage(evidence, float(one @ other), logit), "en", split)


def _share(right: list[bool]) -> float:
    return round(100 * float(np.mean(right)), 1)
