"""Claims: sentences that can be checked, held against what other videos say. Nothing is called true or false here: two
videos say the same, or one says otherwise than the other.

A claim is worth checking where it has a number, a year, a superlative or a name (Hassan et al. 2017, ClaimBuster,
https://doi.org/10.1145/3097983.3098131: numbers and comparisons tell best). Numbers are compared by rule, each with
what it counts, and a sentence that denies is none that agrees; whether two sentences are about the same thing by
meaning, shared words and the re-ranker. Where a model of inference is installed, it tells what no rule does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from text_to_num import alpha2digit

from qa.evidence import Terms, clamp_logit
from qa.ports import Inference
from qa.types import Evidence

SPELLED = {"en", "de", "fr", "es", "it", "nl", "pt"}  # languages whose spelled numbers are read
SMALLEST = 2  # "one" is hardly ever a number
TOLERANCE = 0.02  # share by which two numbers may differ and be the same: 1,100 and "some 1,120"
MIN_SAME = 0.8  # probability that two sentences are about the same, from which on anything is said
MIN_INFERRED = 0.9  # probability by a model of inference, from which on it is believed
MAX_CLAIMS = 12  # of one video
MIN_WORDS = 3  # of a sentence that claims something
# By `manage.py train claims`: weights of similarity, shared words, the re-ranker's logit, and the bias.
WEIGHTS = (5.404, 5.793, 0.251, -7.793)

# What is measured in what, in terms of one unit of its kind.
_KINDS = {
    "length": "mm millimetre millimeter 0.001, cm centimetre centimeter 0.01, m metre meter 1, "
    "km kilometre kilometer 1000, mile 1609.344, foot feet 0.3048",
    "mass": "g gram 1, kg kilo kilogram 1000, ton tonne 1000000, pound 453.592",
    "time": "second 1, minute 60, hour 3600, day 86400, week 604800, month 2629800, year 31557600",
    "share": "percent 1",
    "degree": "degree 1",
}
_UNITS = {
    name: (kind, float(factor))
    for kind, units in _KINDS.items()
    for *names, factor in (unit.split() for unit in units.split(","))
    for name in names
}
_NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:[,\u202f]\d{3})+|\d+)(\.\d+)?\s*(%|°C|percent|per cent)?")
_SCALED = re.compile(r"\b(\d+(?:\.\d+)?)\s+(thousand|million|billion)\b", re.IGNORECASE)
_SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_YEAR = range(1000, 2101)
_BEFORE_YEAR = re.compile(r"(?:in|since|until|by|of|from|year|was|around|about|before|after|[A-Z][a-z]+)\s+$")
_SUPERLATIVE = re.compile(r"\b(?:most|least|first|last|only|never|always|\w{3,}est)\b|最|第一|唯一", re.IGNORECASE)
_NOT_SUPERLATIVE = {
    "forest",
    "interest",
    "guest",
    "rest",
    "test",
    "west",
    "best",
    "request",
    "harvest",
    "honest",
    "suggest",
    "protest",
}
# Words that deny, by language; what only limits ("not only") denies nothing.
_DENIALS = {
    language: re.compile(words, re.IGNORECASE)
    for language, words in {
        "en": r"\b(?:not(?! (?:only|just|more|less))|\w+n['’]t|cannot|never|no(?! (?:more|less) than)|none|nobody|"
        r"nothing|neither|nor|without)\b",
        "zh": r"(?<!差)不(?!仅|但|只|过|管|同)|没有?|沒有?|从未|無法|无法|并非",
        "de": r"\b(?:nicht(?! nur)|kein\w{0,2}|nie(?:mals|mand)?|nichts|ohne)\b",
        "fr": r"\b(?:pas|jamais|aucune?|personne ne|sans)\b",
        "es": r"\b(?:no(?! solo)|nunca|jamás|ningun[ao]?|ningún|nadie|sin)\b",
    }.items()
}
_NAME = re.compile(r"(?<=[\w,] )[A-Z][a-z]{2,}")


Signals = npt.NDArray[np.float64]


class Verdict(StrEnum):
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True)
class Quantity:
    """A number with what it counts: a kind of unit, "year", or the word behind it as a stem."""

    value: float
    kind: str


@dataclass(frozen=True)
class Passage:
    """A sentence of another video: its cosine with the claim in [-1, 1], and the re-ranker's logit, None or NaN where
    it does not read the language.
    """

    evidence: Evidence
    similarity: float
    logit: float | None = None


@dataclass(frozen=True)
class Found:
    """What another video says to a claim, and how sure it is that both speak of the same, in [0, 1]."""

    evidence: Evidence
    verdict: Verdict
    confidence: float


def choose_claims(sentences: Sequence[str], language: str, terms: Terms) -> list[int]:
    """Places of those most worth checking, in their order."""
    worth = {i: weigh(sentence, language, terms) for i, sentence in enumerate(sentences)}
    best = sorted((i for i, w in worth.items() if w > 0), key=lambda i: -worth[i])
    return sorted(best[:MAX_CLAIMS])


def weigh(sentence: str, language: str, terms: Terms) -> float:
    """How much there is to check: numbers count twice as much as superlatives and names; nothing in a question."""
    if len(terms(sentence)) < MIN_WORDS or sentence.rstrip().endswith(("?", "？")):
        return 0.0
    superlatives = [w for w in _SUPERLATIVE.findall(sentence) if w.lower() not in _NOT_SUPERLATIVE]
    return 2.0 * len(find_quantities(sentence, language, terms)) + bool(superlatives) + bool(_NAME.search(sentence))


def find_quantities(sentence: str, language: str, terms: Terms) -> list[Quantity]:
    """In digits or spelled: "forty-two metres" is 42 of a length, "in 1887" a year, "25 members" 25 of `member`."""
    text = write_digits(sentence, language)
    found = []
    for match in _NUMBER.finditer(text):
        value = float(re.sub(r"[,\u202f]", "", match[1]) + (match[2] or ""))
        behind = re.match(r"\s*([^\W\d_]+)?(?:\s+([^\W\d_]+))?", text[match.end() :])
        words = [w.lower() for w in behind.groups() if w] if behind else []
        if match[3]:
            found.append(Quantity(value, "degree" if match[3] == "°C" else "share"))
        elif words and (unit := _UNITS.get(words[0]) or _UNITS.get(words[0].rstrip("s"))):
            found.append(Quantity(value * unit[1], unit[0]))
        elif value in _YEAR and "," not in match[1] and _BEFORE_YEAR.search(text[: match.start()]):
            found.append(Quantity(value, "year"))
        else:
            stems = [stem for word in words for stem in terms(word)[:1]]
            found.append(Quantity(value, stems[0] if stems else ""))
    return found


def write_digits(sentence: str, language: str) -> str:
    """ "four million" and "4 million" as 4000000."""
    text = _SCALED.sub(lambda m: f"{float(m[1]) * _SCALE[m[2].lower()]:.0f}", sentence)
    return alpha2digit(text, language, SMALLEST) if language in SPELLED else text


def without_numbers(sentence: str, language: str) -> str:
    return _NUMBER.sub(" ", write_digits(sentence, language))


def compare(claim: Iterable[Quantity], other: Iterable[Quantity]) -> Verdict | None:
    """Of what both count: the same numbers support; others contradict; None where they count nothing alike."""
    ours, theirs = list(claim), list(other)
    if not ours:
        return Verdict.SUPPORTS
    verdicts = []
    for quantity in ours:
        alike = [t.value for t in theirs if t.kind == quantity.kind]
        if alike:
            near = any(abs(value - quantity.value) <= tolerate(quantity) for value in alike)
            verdicts.append(Verdict.SUPPORTS if near else Verdict.CONTRADICTS)
    if not verdicts:
        return None
    return Verdict.CONTRADICTS if Verdict.CONTRADICTS in verdicts else Verdict.SUPPORTS


def denies(sentence: str, language: str) -> bool:
    """Whether it says that something is not so: an odd number of denials."""
    words = _DENIALS.get(language)
    return words is not None and len(words.findall(sentence)) % 2 == 1


def decide(claim: str, other: str, language: str, terms: Terms) -> Verdict | None:
    """Between two sentences about the same, by rule: their numbers, or that only one of them denies."""
    counted = find_quantities(claim, language, terms)
    verdict = compare(counted, find_quantities(other, language, terms))
    if denies(claim, language) == denies(other, language):
        return verdict
    return None if counted else Verdict.CONTRADICTS


def weigh_inference(ruled: Verdict | None, has_numbers: bool, inferred: Sequence[float]) -> Verdict | None:
    """The rule about numbers holds unless the model (its probabilities of entailment, neither, contradiction) is sure
    of the opposite; where there are none, the model alone decides.
    """
    entailed, _neither, contradicted = inferred
    meant = None
    if max(entailed, contradicted) >= MIN_INFERRED:
        meant = Verdict.SUPPORTS if entailed > contradicted else Verdict.CONTRADICTS
    if not has_numbers or ruled is None:
        return meant
    return ruled if meant in (None, ruled) else None


def tolerate(quantity: Quantity) -> float:
    """A year is a year."""
    return 0.0 if quantity.kind == "year" else TOLERANCE * abs(quantity.value)


def measure(claim: str, passage: Passage, language: str, terms: Terms) -> Signals:
    """(4,): similarity, share of the claim's words (numbers aside) that the passage has, the logit, 1."""
    wanted, words = (set(terms(without_numbers(text, language))) for text in (claim, passage.evidence.text))
    share = len(wanted & words) / max(1, len(wanted))
    logit = None if passage.logit is None or np.isnan(passage.logit) else passage.logit
    return np.array([passage.similarity, share, clamp_logit(logit), 1.0])


def is_same(signals: Signals) -> float:
    """The probability that a passage is about what the claim is about."""
    return float(1 / (1 + np.exp(-(signals @ np.array(WEIGHTS)))))


def judge(
    claim: str, passages: Iterable[Passage], language: str, terms: Terms, inference: Inference | None = None
) -> Found | None:
    """The surest of the passages that say anything to the claim; None where none does."""
    measured = [(p, is_same(measure(claim, p, language, terms))) for p in passages]
    near = [(passage, same) for passage, same in measured if same >= MIN_SAME]
    verdicts = [decide(claim, passage.evidence.text, language, terms) for passage, _same in near]
    if inference is not None and near:
        has_numbers = bool(find_quantities(claim, language, terms))
        rows = inference.infer([passage.evidence.text for passage, _same in near], claim)
        verdicts = [weigh_inference(v, has_numbers, row.tolist()) for v, row in zip(verdicts, rows, strict=True)]
    told = [(p, verdict, same) for (p, same), verdict in zip(near, verdicts, strict=True) if verdict is not None]
    found = [Found(passage.evidence, verdict, same) for passage, verdict, same in told]
    return max(found, key=lambda f: f.confidence, default=None)
