"""BLEU-4 and CIDEr-D of captions, as the COCO caption evaluation has them (https://github.com/tylin/coco-caption)."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

Words = Sequence[str]


def ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def bleu4(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """Corpus BLEU-4 in [0, 1] (Papineni 2002, https://aclanthology.org/P02-1040), by sacrebleu, unsmoothed."""
    from sacrebleu.metrics.bleu import BLEU

    most = max(len(refs) for refs in references)
    # One stream for each caption; a picture with fewer of them has None in the later ones.
    streams: list[Any] = [[" ".join(refs[i]) if i < len(refs) else None for refs in references] for i in range(most)]
    scorer = BLEU(tokenize="none", smooth_method="none", force=True)
    return float(scorer.corpus_score([" ".join(words) for words in candidates], streams).score) / 100


def cider(candidates: Sequence[Words], references: Sequence[Sequence[Words]], sigma: float = 6.0) -> float:
    """CIDEr-D, mean over pictures, times 10 (Vedantam 2015, https://arxiv.org/abs/1411.5726)."""
    seen: Counter[tuple[str, ...]] = Counter()
    for refs in references:
        seen.update({gram for ref in refs for n in range(1, 5) for gram in ngrams(ref, n)})
    pictures = math.log(len(references))

    def weigh(words: Words, n: int) -> dict[tuple[str, ...], float]:
        return {g: c * (pictures - math.log(max(1, seen[g]))) for g, c in ngrams(words, n).items()}

    def norm(vector: dict[tuple[str, ...], float]) -> float:
        return math.sqrt(sum(v * v for v in vector.values()))

    total = 0.0
    for words, refs in zip(candidates, references, strict=True):
        for ref in refs:
            penalty = math.exp(-((len(words) - len(ref)) ** 2) / (2 * sigma**2))
            for n in range(1, 5):
                a, b = weigh(words, n), weigh(ref, n)
                dot = sum(min(v, b[g]) * b[g] for g, v in a.items() if g in b)
                scale = norm(a) * norm(b)
                total += penalty * dot / scale / (4 * len(refs)) if scale else 0.0
    return 10 * total / len(candidates)
