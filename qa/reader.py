"""The reader: answers by quoting, and checks what a decoder writes. It says only what cited evidence supports."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa.evidence import Scored, Terms, preferred_kind
from qa.ports import Embed
from qa.types import Answer, Citation, Evidence, Sentence

# Cosine plus half the share of the question's words: below this, evidence does not speak to the question. On the talks
# of the development data no sentence of another video reached it and 83 % of the right ones did.
ENOUGH = 0.42
ENOUGH_ASKED = 0.2  # for screen text when the question asks for it: "what does the sign say?" shares no word with it
SECOND = 0.85  # a second sentence is added when its score is at least this share of the first
SUPPORTED = 0.5  # share of a written sentence's words that its evidence must hold

_MARK = re.compile(r"\[(\d+)\]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def answer_by_quoting(question: str, scored: Sequence[Scored], most: int = 2) -> Answer:
    """The best supported sentences, quoted and cited; an abstention when none speaks to the question."""
    fitting = [s for s in scored[:10] if speaks_to(question, s)]
    if not fitting:
        return Answer(abstained=True, searched=len(scored))
    best = fitting[0]
    chosen = [s for s in fitting[:most] if s.score >= SECOND * best.score]
    return Answer([quote(s.evidence) for s in chosen], searched=len(scored))


def speaks_to(question: str, item: Scored) -> bool:
    """Does this piece answer, as far as meaning and shared words can tell?"""
    asked = item.evidence.kind == "screen" == preferred_kind(question)
    return item.similarity + 0.5 * item.shared >= (ENOUGH_ASKED if asked else ENOUGH)


def quote(evidence: Evidence) -> Sentence:
    """The evidence in its own words, marked as what it is."""
    text = evidence.text.strip()
    match evidence.kind:
        case "speech":
            said = f"“{text}”"
        case "screen":
            said = f"On screen: “{text}”"
        case _:
            said = f"In the picture: {text}"
    return Sentence(said, [cite(evidence)])


def cite(evidence: Evidence) -> Citation:
    return Citation(evidence.video, evidence.start, evidence.end)


def check(draft: str, evidence: Sequence[Evidence], embed: Embed, terms: Terms) -> Answer:
    """Keep the sentences of `draft` that cite given evidence and are supported by it; turn [n] into citations."""
    by_number = {e.number: e for e in evidence}
    kept: list[Sentence] = []
    for raw in re.split(r"(?<=[.!?。！？])\s+(?!\[)|\n+", draft):
        numbers = list(dict.fromkeys(int(n) for n in _MARK.findall(raw)))
        cited = [by_number[n] for n in numbers if n in by_number]
        text = _MARK.sub("", raw).strip()
        if text and cited and supports(text, cited, embed, terms):
            kept.append(Sentence(re.sub(r"\s+([.,!?])", r"\1", text), [cite(e) for e in cited]))
    return Answer(kept, abstained=not kept, searched=len(evidence))


def supports(text: str, cited: Sequence[Evidence], embed: Embed, terms: Terms) -> bool:
    """Every number of the sentence occurs in the evidence, and its words or its meaning do."""
    source = " ".join(e.text for e in cited)
    if not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(source)):
        return False
    said, given = set(terms(text)), set(terms(source))
    overlap = len(said & given) / len(said) if said else 0.0
    if overlap >= SUPPORTED:
        return True
    vectors: npt.NDArray[np.float32] = embed([text, source])
    return bool(overlap > 0 and float(vectors[0] @ vectors[1]) >= 0.6)
