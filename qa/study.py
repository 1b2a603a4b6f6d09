"""Learning from what is said: terms with the definitions that a talk gives them, cards to be asked, and an order in
which videos are best watched.

Definitions are found by their form (lexico-syntactic patterns after Hearst 1992, https://aclanthology.org/C92-2082/,
and Navigli & Velardi 2010, https://aclanthology.org/P10-1134/). Gaps are left where a sentence has a number or a key
phrase.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from qa.keyphrases import find_keyphrases
from qa.types import Evidence

MAX_CARDS = 20  # of a video
MIN_WORDS, MAX_WORDS = 5, 30  # of a sentence with a gap
MAX_HIDDEN = 2  # words of a gap: more is not known but guessed
GAP = "____"

_TERM = r"(?P<term>[A-Za-z][\w'’-]*(?: [\w'’-]+){0,2}?)"
_LEAD = r"^(?:(?:so|and|now|but|well|okay|here),? )?"
_KINDS = (
    "kind type sort form way part process place name group set device machine method number measure unit word term "
    "animal plant tool person system piece state area substance material collection series"
).replace(" ", "|")
_ONE = r"(?:an? |the |one |any )?(?:[\w-]+ )?"
# Each pattern names the term; the sentence is its definition.
_DEFINITIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_LEAD}(?:an? |the )?{_TERM} (?:is|are) {_ONE}(?:{_KINDS})s? (?:of|that|which|who|in|to|for|with|where)\b",
        rf"{_LEAD}an? {_TERM} is (?:an? |the )[\w -]{{3,40}}? (?:that|which|who|where|used|made|with)\b",
        rf"{_LEAD}(?:the (?:word|term) )?[“\"']?{_TERM}[”\"']? "
        r"(?:means|stands for|refers to|is defined as|is short for)\b",
        rf"\b(?:is|are|was) (?:called|known as|named) (?:an? |the )?[“\"']?{_TERM}[”\"']?(?=[.,;!]|$| because| and )",
        rf"\bwe call (?:this|that|it|them|these) (?:an? |the )?[“\"']?{_TERM}[”\"']?(?=[.,;!]|$)",
    )
)
_HAN_DEFINITIONS = (
    re.compile(r"^(?:所谓)?(?P<term>[\u4e00-\u9fff]{2,8}?)(?:是指|指的是|就是指|是一种|是一类|的意思是)"),
    re.compile(r"(?:叫做|叫作|称为|称作)[“「]?(?P<term>[\u4e00-\u9fff]{2,8})[”」]?(?=[。，！]|$)"),
)
_NAMELESS = """
it this that he she they there we you i what which who one these those here everything nothing him her them me us after
by for so not
"""
_EMPTY = frozenset(_NAMELESS.split())  # words that name nothing
_POINTING = re.compile(
    r"^(?:it|this|that|he|she|they|these|those|his|her|their|its|here|there|and|but|so|because|which)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*\d|(?<![\w.,])\d(?![\w])")


class Kind(StrEnum):
    DEFINITION = "definition"
    GAP = "gap"


@dataclass(frozen=True)
class Card:
    """What is asked, what is to be known, and the sentence that says it. `term` is what a definition defines."""

    kind: Kind
    front: str
    back: str
    evidence: Evidence
    term: str = ""


def find_definitions(sentences: Sequence[Evidence]) -> list[Card]:
    """The first definition of each term, in the order of the sentences."""
    found: dict[str, Card] = {}
    for sentence in sentences:
        text = sentence.sentence or sentence.text
        for pattern in (*_DEFINITIONS, *_HAN_DEFINITIONS):
            match = pattern.search(text)
            term = clean(match["term"]) if match else ""
            if term and term.lower() not in found:
                question = f"{term}是什么？" if re.search(r"[\u4e00-\u9fff]", term) else f"What is “{term}”?"
                found[term.lower()] = Card(Kind.DEFINITION, question, text, sentence, term)
                break
    return list(found.values())


def clean(term: str) -> str:
    """Without articles and words that only point; "" where nothing is named."""
    words = term.strip().split()
    while words and words[0].lower() in ("a", "an", "the", "our", "your", "my", "so", "and"):
        words.pop(0)
    return "" if not words or {w.lower() for w in words} & _EMPTY else " ".join(words)


def make_gaps(sentences: Sequence[Evidence]) -> list[Card]:
    """Sentences that can be understood alone, each with a gap for its number, else for a key phrase of the whole."""
    phrases = {p.evidence.start: p.text for p in find_keyphrases(sentences, MAX_CARDS)}
    cards, seen = [], set[str]()
    for sentence in sentences:
        text = sentence.sentence or sentence.text
        if (
            text in seen
            or _POINTING.search(text)
            or not MIN_WORDS <= count_words(text) <= MAX_WORDS
            or text.endswith("?")
        ):
            continue
        seen.add(text)
        number = _NUMBER.search(text)
        hidden = number[0] if number else phrases.get(sentence.start, "")
        if hidden and count_words(hidden) <= MAX_HIDDEN and text.count(hidden) == 1 and not text.startswith(hidden):
            cards.append(Card(Kind.GAP, text.replace(hidden, GAP), hidden, sentence))
    return cards


def count_words(text: str) -> int:
    """Two Chinese characters count as a word."""
    return len(re.findall(r"[^\W\u4e00-\u9fff]+", text)) + len(re.findall(r"[\u4e00-\u9fff]", text)) // 2


def make_cards(sentences: Sequence[Evidence], is_answered: Callable[[Card], bool]) -> list[Card]:
    """Definitions first, then gaps evenly over the video; only what the reader answers with the same sentence."""
    definitions = [card for card in find_definitions(sentences) if is_answered(card)][:MAX_CARDS]
    defining = {card.evidence.start for card in definitions}
    gaps = [card for card in make_gaps(sentences) if card.evidence.start not in defining]
    left = MAX_CARDS - len(definitions)
    step = max(1, -(-len(gaps) // left)) if left else 1
    chosen = [*definitions, *(gaps[::step] if left else [])]
    return sorted(chosen, key=lambda card: card.evidence.start)


@dataclass(frozen=True)
class Stop:
    """A video on a path, and why it comes after others: a term, and the video that explains it."""

    video: int
    because: tuple[tuple[str, int], ...] = ()


def order(videos: Sequence[int], explained: Mapping[int, Sequence[str]], spoken: Mapping[int, str]) -> list[Stop]:
    """What explains a term comes before what only uses it; in the order given where nothing is explained, or in a
    circle.
    """
    needs: dict[int, list[tuple[str, int]]] = {video: [] for video in videos}
    for teacher in videos:
        for term in explained.get(teacher, ()):
            for pupil in videos:
                own = {t.lower() for t in explained.get(pupil, ())}
                if pupil != teacher and term.lower() not in own and uses(spoken.get(pupil, ""), term):
                    needs[pupil].append((term, teacher))
    sorter = TopologicalSorter({video: {teacher for _term, teacher in needs[video]} for video in videos})
    path: list[int] = []
    try:
        sorter.prepare()
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=list(videos).index)
            path += ready
            sorter.done(*ready)
    except CycleError:
        path = list(videos)
    return [Stop(v, tuple(n for n in needs[v] if path.index(n[1]) < path.index(v))) for v in path]


def uses(text: str, term: str) -> bool:
    """As a word, or several."""
    wanted = re.escape(term)
    return bool(re.search(rf"(?<!\w){wanted}(?:s|es)?(?!\w)" if term.isascii() else wanted, text, re.IGNORECASE))
