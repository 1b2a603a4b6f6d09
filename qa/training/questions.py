"""Questions about a picture and their answers, made from its captions by rule: the way of COCO-QA
(https://arxiv.org/abs/1505.02074), with noun phrases found by closed word lists instead of a parser.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qa.pictures import ADJECTIVES, COLOURS, DETERMINERS, NUMBERS, STOPS, generalize, tokenize, words

PLACES = words(
    "beach snow water grass street field park pool road ocean sidewalk woods forest mountain city stage court gym "
    "kitchen lake river sand yard garden couch bed bench car boat stairs bridge hill rock dirt track stadium "
    "restaurant bar store room house building sea waves creek pond air desert cliff trail path lawn playground "
    "fountain market ground"
)
ANIMALS = words("dog cat horse bird cow sheep monkey elephant duck goat lion bear rabbit fish swan deer pig")
SEEN_OBJECTS = words(
    "holding wearing riding carrying throwing catching chasing kicking hitting pushing pulling eating playing climbing"
)
IDLE = words("being having wearing including during evening morning building holding looking")  # no doing
COMMON = 15  # times that a noun was seen as one
BASES = words("sitting standing lying laying sleeping jumping walking running")


@dataclass(frozen=True)
class Pair:
    """A question in plain lower-case words, its answer, and the kind it is counted under (`pictures.KINDS`)."""

    kind: str
    question: str
    answer: str


def find_nouns(captions: Iterable[str]) -> frozenset[str]:
    """Words that often stand right behind an article, a colour or an adjective: no verb does."""
    before = DETERMINERS | COLOURS | ADJECTIVES
    counts: Counter[str] = Counter()
    for caption in captions:
        counts.update(word for earlier, word in pairwise(tokenize(caption)) if earlier in before)
    return frozenset(word for word, count in counts.items() if count >= COMMON) - before - STOPS


def ask_about(captions: Sequence[str], nouns: Collection[str]) -> list[Pair]:
    """Every question that one of the captions answers, once. Where captions differ about a colour or a number, those
    questions are left out.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for caption in captions:
        for pair in ask_caption(tokenize(caption), nouns):
            answers = found.setdefault((pair.kind, pair.question), [])
            if pair.answer not in answers:
                answers.append(pair.answer)
    pairs = []
    for (kind, question), answers in found.items():
        if len(answers) == 1 or kind not in ("colour", "count"):
            pairs += [Pair(kind, question, answer) for answer in answers]
    return pairs


def ask_caption(said: Sequence[str], nouns: Collection[str]) -> list[Pair]:
    pairs: list[Pair] = []
    subject = ""
    at = 0
    while at < len(said):
        phrase, after = noun_phrase(said, at)
        if not phrase or phrase[-1] not in nouns:
            at += 1
            continue
        head, modifiers = phrase[-1], phrase[:-1]
        named = generalize(head)
        colours = [w for w in modifiers if w in COLOURS]
        if colours:
            pairs.append(Pair("colour", f"what color is the {head}", " and ".join(colours)))
        number = said[at] if said[at] in NUMBERS else ""
        if number:
            pairs.append(Pair("count", f"how many {named} are there", number))
        if head.rstrip("s") in ANIMALS:
            pairs.append(Pair("object", "what animal is this", head))
        pairs.append(Pair("yesno", f"is there a {named}", "yes"))
        if not subject:
            subject = f"{'are' if number else 'is'} the {named}"
            pairs += ask_subject(said[after:], subject)
        before = said[at - 1] if at else ""
        if before in ("in", "on", "at", "through", "along", "into", "across") and head in PLACES and subject:
            pairs.append(Pair("place", f"where {subject}", head))
        at = max(after, at + 1)
    return pairs


def ask_subject(said: Sequence[str], subject: str) -> list[Pair]:
    """Questions about what the subject does, from the words that follow it."""
    for at, word in enumerate(said[:7]):
        if not (word.endswith("ing") and len(word) > 4):
            continue
        start = at + 1
        base = start < len(said) and said[start] in ("on", "in", "with", "at") and said[start]
        phrase, _ = noun_phrase(said, start + bool(base))
        thing = " ".join(w for w in phrase if w not in ADJECTIVES and w not in COLOURS)
        done = f"{word} {thing}" if thing and not base else word
        pairs = [] if word in IDLE else [Pair("action", f"what {subject} doing", done)]
        if thing and word in SEEN_OBJECTS and base != "in":
            verb = f"{word} {base}" if base else word
            pairs.append(Pair("object", f"what {subject} {verb}", thing))
        if thing and word in BASES and base in ("on", "in"):
            pairs.append(Pair("object", f"what {subject} {word} {base}", thing))
        return pairs
    return []


def noun_phrase(said: Sequence[str], at: int) -> tuple[list[str], int]:
    """The words of the noun phrase that begins at `at`, determiner left out, and where it ends; none when none does."""
    if at >= len(said) or not (said[at] in DETERMINERS or said[at] in NUMBERS):
        return [], at
    end = at + 1
    while end < len(said) and said[end] not in STOPS and said[end] not in DETERMINERS:
        if said[end].endswith("ing") and end > at + 1:
            break
        end += 1
    phrase = [w for w in said[at + 1 : end] if w != "and"]
    return (phrase, end) if phrase and len(phrase) <= 4 and phrase[-1] not in COLOURS | ADJECTIVES else ([], at)


def by_question(pairs: Iterable[Pair]) -> dict[tuple[str, str], set[str]]:
    """(kind, question) -> every right answer."""
    right: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pair in pairs:
        right[pair.kind, pair.question].add(pair.answer)
    return right


def deny(pairs: Sequence[Pair], names: Sequence[str], dice: np.random.Generator) -> list[Pair]:
    """As many questions for what is not there as there are for what is; `names` are things of other pictures."""
    present = {p.question for p in pairs if p.kind == "yesno"}
    absent = [f"is there a {names[i]}" for i in dice.integers(0, len(names), len(present))]
    return [Pair("yesno", question, "no") for question in dict.fromkeys(absent) if question not in present]
