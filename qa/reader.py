"""The reader: answers by quoting, and checks what a decoder writes. It says only what cited evidence supports."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from qa.evidence import Scored, Terms, could_answer, preferred_kind
from qa.ports import Embed
from qa.short_answers_en import find_english
from qa.short_answers_zh import find_chinese
from qa.types import Answer, Citation, Evidence, Sentence

MIN_CONFIDENCE = 0.45  # of a piece of speech; below it the videos do not say (see `qa.training.reader`)
# Cosine plus half the share of the question's words, where a calibrated confidence is not to be had.
MIN_FIT_ASKED = 0.2  # for what a question names by its kind: "what does the sign say?" shares no word with screen text
MIN_FIT_SEEN = 0.6  # for captions and tags: small models made them, and name what is usual rather than what is there
MIN_SECOND_SHARE = 0.85  # a second sentence is added when its score is at least this share of the first
MIN_ATTRIBUTED_SHARE = 0.75  # the same for a sentence that names no evidence
MIN_SUPPORTED_SHARE = 0.5  # share of a written sentence's words that its evidence must hold

# Behind a sentence, or behind the mark that follows it: "One. [1] Two [2]. Three"
_END = re.compile(r"(?<=[.!?。！？])\s+(?!\[)|(?<=[.!?。！？]\s\[\d\])\s+|(?<=[.!?。！？]\s\[\d\d\])\s+|\n+")
_MARK = re.compile(r"\[(\d+)\]")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’]+")  # a capital inside a sentence
_OPEN = re.compile(r"\s*(?:what|who|whom|whose|where|how)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w'’]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def answer_by_quoting(
    question: str, scored: Sequence[Scored], most: int = 2, trusted: Collection[str] = (), without: Collection[str] = ()
) -> Answer:
    """The best supported sentences, quoted and cited; an abstention when none speaks to the question.

    `trusted` kinds of evidence are known to be of the place that the question means: when it asks for that kind, they
    are the answer. Evidence of the kinds `without` is left out, and chapter titles are the answer when they are
    asked for, and only then: they repeat what is said, and are minutes long.
    """
    wanted_kind = preferred_kind(question)
    citable = [
        s
        for s in scored
        if s.evidence.kind not in without and (s.evidence.kind == "chapter") == (wanted_kind == "chapter")
    ]
    fitting = [
        s
        for s in citable[:10]
        if could_answer(question, s.evidence.text)
        and not (s.evidence.kind == "tag" and echoes(question, s.evidence.text))
        and (s.evidence.kind == wanted_kind in trusted or speaks_to(s, wanted_kind))
    ]
    sentences: list[Sentence] = []
    for item in fitting:
        said = quote(item.evidence, question)
        if item.score >= MIN_SECOND_SHARE * fitting[0].score and (said.kind, said.text) not in [
            (s.kind, s.text) for s in sentences
        ]:
            sentences.append(said)
    return Answer(sentences[:most], abstained=not sentences, searched=len(scored))


def speaks_to(item: Scored, wanted_kind: str) -> bool:
    """Does this piece answer, as far as meaning and shared words can tell? `asked` is the kind that is asked for."""
    kind = item.evidence.kind
    fit = item.similarity + 0.5 * item.shared
    if kind in ("caption", "tag"):
        return fit >= MIN_FIT_SEEN
    if kind == wanted_kind and kind in ("screen", "chapter"):
        return fit >= MIN_FIT_ASKED
    return item.confidence >= MIN_CONFIDENCE


def echoes(question: str, label: str) -> bool:
    """Does a label only repeat an open question? "What flies in the sky?" is not answered by "sky"."""
    return bool(_OPEN.match(question)) and set(_WORD.findall(label.lower())) <= set(_WORD.findall(question.lower()))


def quote(evidence: Evidence, question: str = "") -> Sentence:
    """The evidence in its own words; what it is stands beside it, for a page to say in its reader's language."""
    text = (evidence.sentence or evidence.text).strip()
    short = ""
    if evidence.kind == "speech":
        forms = (find_chinese, find_english)
        short = next((s for part in (evidence.text, text) for find in forms if (s := find(question, part))), "")
    return Sentence(text, [cite(evidence)], evidence.kind, short)


def cite(evidence: Evidence) -> Citation:
    return Citation(evidence.video, evidence.start, evidence.end)


def check(draft: Iterable[str], evidence: Sequence[Evidence], embed: Embed, terms: Terms) -> Iterator[Sentence]:
    """The sentences of `draft` (pieces, as they are written) that cite given evidence and are supported by it, each as
    soon as it is whole; [n] becomes a citation. One without a mark is kept when a single piece holds nearly all of its
    words, and cites that. Everything else is dropped.
    """
    by_number = {e.number: e for e in evidence}
    for raw in whole_sentences(draft):
        numbers = list(dict.fromkeys(int(n) for n in _MARK.findall(raw)))
        text = _MARK.sub("", raw).strip()
        cited = [by_number[n] for n in numbers if n in by_number] if numbers else find_support(text, evidence, terms)
        if text and cited and supports(text, cited, embed, terms):
            yield Sentence(re.sub(r"\s+([.,!?])", r"\1", text), [cite(e) for e in cited])


def find_support(text: str, evidence: Sequence[Evidence], terms: Terms) -> list[Evidence]:
    """The piece that holds most of a sentence's words, if it is nearly all of them: small models forget the marks."""
    said = set(terms(text))
    best = max(evidence, key=lambda e: len(said & set(terms(e.text))), default=None)
    if best is None or len(said) < 2 or len(said & set(terms(best.text))) < MIN_ATTRIBUTED_SHARE * len(said):
        return []
    return [best]


def whole_sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Sentences with the marks that follow them; one is whole when the next has begun."""
    rest = ""
    for piece in pieces:
        rest += piece
        *whole, last = _END.split(rest)
        if whole and len(last.strip()) > 1:
            yield from whole
            rest = last
    yield from _END.split(rest)


def supports(text: str, cited: Sequence[Evidence], embed: Embed, terms: Terms) -> bool:
    """Every number and every name of the sentence occurs in the evidence, and its words or its meaning do."""
    source = " ".join(e.text for e in cited)
    if not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(source)):
        return False
    if not {name.lower() for name in _NAME.findall(text)} <= set(_WORD.findall(source.lower())):
        return False
    said, source_words = set(terms(text)), set(terms(source))
    overlap = len(said & source_words) / len(said) if said else 0.0
    if overlap >= MIN_SUPPORTED_SHARE:
        return True
    vectors: npt.NDArray[np.float32] = embed([text, source])
    return bool(overlap > 0 and float(vectors[0] @ vectors[1]) >= 0.6)
