"""What a question asks, read by rule in English and Chinese: its parts, its kind, what it is about, what it refers to.

An intent with its slots, as the dialogue literature calls them (Jurafsky & Martin, Speech and Language Processing,
chapter "Chatbots & Dialogue Systems"): the first form that matches decides, and what matches none is a question of fact.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qa.pictures import read_question
from qa.question_forms import FORMS, Kind
from qa.restrictions import NOT_RESTRICTED, Restriction, read_restriction
from qa.types import Turn

MAX_PARTS = 3
MAX_FOLLOW_UP_WORDS = 9  # words: a longer question stands by itself


@dataclass(frozen=True)
class Intent:
    """A question understood. `source` is where to look when the question says: picture, speech, screen or ""."""

    text: str
    kind: Kind
    topic: str = ""
    detail: str = ""
    source: str = ""
    restriction: Restriction = NOT_RESTRICTED


_WH = r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|does|do|did|can|has|have)"
_PARTS = re.compile(
    rf"[?？]\s*(?=\S)|[,;]?\s+and\s+(?={_WH}\b)|[，；]?(?:以及|并且|还有)(?=[谁什哪何怎为是有多几])", re.IGNORECASE
)
_BACK = re.compile(
    r"^(?:and|but|so|then|why|how about|what about|what else|who else|really)\b|"
    r"\b(?:he|she|it|they|him|her|them|his|its|their|that|this|those|these)\b|^(?:那|还|然后|为什么)|[他她它]",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def split_parts(text: str) -> list[str]:
    """A question with several parts -> each of them, at most `MAX_PARTS`; any other -> itself."""
    parts = [part.strip(" ,;，；") for part in _PARTS.split(text.strip())]
    parts = [part if part.endswith(("?", "？")) else f"{part}?" for part in parts if len(part) > 2]
    return parts[:MAX_PARTS] if len(parts) > 1 else [text.strip()]


def language_of(text: str) -> str:
    """The language that an answer is written in: Chinese where the question holds Chinese characters, else English."""
    return "zh-hans" if _HAN.search(text) else "en"


def refer_back(text: str, turns: Sequence[Turn]) -> str:
    """What to search for: a short question that points at an earlier one is searched together with it."""
    if not turns or len(text.split()) > MAX_FOLLOW_UP_WORDS or not _BACK.search(text):
        return text
    return f"{turns[-1].question} {text}"


_POLITE = re.compile(
    r"^(?:please|hey|hi|ok(?:ay)?|so|well|now)[,!]? (?=\w+ \w+)|^(?:(?:can|could|would|will) you (?:please )?(?:tell me|say|explain)|do you know|tell me|i(?:'d| would) like to know|"
    r"i wonder|please tell me|i want to know)[,:]? (?=(?:who|what|which|when|where|why|how|if|whether|is|are)\b)|^(?:请问|请|麻烦)[，,]?",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:any|some|the|a|an|all|either|something|anything|people who are|somebody is|someone is)\s+", re.IGNORECASE
)
_POINTING = re.compile(r"\s+(?:in|on) (?:it|them|there)$", re.IGNORECASE)
_QUOTED = re.compile(r"^[\"“”'‘’「『«]+|[\"“”'‘’」』»]+$")


def understand(text: str, turns: Sequence[Turn] = ()) -> Intent:
    """What one question wants. `turns` are the exchanges before it, the latest last: a follow-up takes over from them
    what it leaves out.
    """
    plain = text.strip()
    if not _LETTER.search(plain):
        return Intent(plain, Kind.CHAT, detail="unclear" if not any(c.isdigit() for c in plain) else "help")
    if turns and (followed := _follow_up(plain, turns)) is not None:
        return followed
    restriction, rest = read_restriction(_POLITE.sub("", plain))
    return replace(_read(rest, text), restriction=restriction)


def _read(rest: str, text: str) -> Intent:
    for kind, detail, source, pattern in FORMS:
        if match := pattern.search(rest):
            topic = _clean(match.groupdict().get("topic") or "")
            if kind is Kind.EXISTS and not topic:
                continue
            return Intent(text, kind, topic, detail, source)
    if read_question(rest) is not None:
        return Intent(text, Kind.SEEN, rest)
    return Intent(text, Kind.FACT, rest)


def _clean(topic: str) -> str:
    """ "any dogs in it" -> "dogs": what is looked for, without what only points."""
    plain = _QUOTED.sub("", _POINTING.sub("", topic.strip(" ,;:?？。.!")))
    return _LEADING.sub("", plain).strip() or plain


# -- follow-ups ------------------------------------------------------------------------------------------------------

_WHAT_ABOUT = re.compile(
    r"^(?:and |but |ok(?:ay)?,? )*(?:(?:what|how) about|and(?: with| of)?)\s+(?P<topic>[^?]{2,60})\??$", re.IGNORECASE
)
_WHAT_ABOUT_HAN = re.compile(r"^(?:那|那么)?(?P<topic>[^?？]{1,20})呢[?？]?$")
_CORRECTED = re.compile(
    r"^(?:no|nope|sorry|actually|not that)[,.]? (?:i (?:meant|mean)|rather|not that one,?)?\s*(?P<topic>[^?]{2,80})\??$|^不[，,]?我(?:是说|说的是)(?P<han>.+)$",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"^(?:and |but |please )*(?:only|just|but only)\s+(?P<rest>[^?]{2,80})\??$|^(?:只(?:要|看|有))(?P<han>.+)$",
    re.IGNORECASE,
)
_WHICH_ONES = re.compile(
    r"^(?:which(?: ones?)?|what are they|list them|name them|show (?:me )?(?:them|all of them)|哪些|哪几个|列出来)[?？.]*$",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"^(?:and )?(?:how many(?: are (?:they|there|those))?|多少个?|几个)[?？.]*$", re.IGNORECASE)
_MORE = re.compile(
    r"^(?:tell me more|more|more details?|go on|elaborate|in more detail|continue|详细(?:一点|点)?|继续|多说一点)[?？.!]*$",
    re.IGNORECASE,
)
_WHEN_IS_IT = re.compile(
    r"^(?:and )?(?:when|where|at what time)(?: (?:is|was|does|did) (?:that|it|this)(?: (?:happen|shown|said|seen))?)?[?？]*$",
    re.IGNORECASE,
)


def _follow_up(text: str, turns: Sequence[Turn]) -> Intent | None:
    """The intent of a question that leaves out what the one before it said; None for one that stands by itself."""
    if len(text.split()) > MAX_FOLLOW_UP_WORDS + 6:
        return None
    before = understand(turns[-1].question, turns[:-1])
    if match := _CORRECTED.match(text):
        meant = _clean(match["topic"] or match["han"] or "")
        stands_alone = _read(meant, text)
        if stands_alone.kind is not Kind.FACT:
            return stands_alone
        subject = re.sub(r"^(?:the|in the|in)\s+", "", meant, flags=re.IGNORECASE)
        if before.kind in _OF_ONE:
            return replace(before, text=text, restriction=replace(before.restriction, subject=subject, videos=()))
        return replace(before, text=text, topic=meant)
    if match := _ONLY.match(text):
        restriction, rest = read_restriction(match["rest"] or match["han"], alone=True)
        topic = before.topic if restriction != NOT_RESTRICTED else f"{before.topic} {rest}".strip()
        return replace(before, text=text, topic=topic, restriction=before.restriction.merged(restriction))
    if _WHICH_ONES.match(text) and before.kind in _OF_MANY:
        return replace(before, text=text, kind=Kind.LIST)
    if _HOW_MANY.match(text) and before.kind in _OF_MANY:
        return replace(before, text=text, kind=Kind.COUNT)
    if _WHEN_IS_IT.match(text) and before.topic:
        return Intent(text, Kind.SHOW)
    if _MORE.match(text) and before.kind in _OF_ONE:
        return replace(before, text=text, kind=Kind.SUMMARY, detail="detailed")
    match = _WHAT_ABOUT.match(text) or _WHAT_ABOUT_HAN.match(text)
    if match and before.kind in _WITH_TOPIC and not re.match(rf"{_WH}\b", match["topic"], re.IGNORECASE):
        return replace(before, text=text, topic=_clean(match["topic"]))
    restriction, rest = read_restriction(_POLITE.sub("", text), turns=turns)
    if restriction.videos:
        return replace(_read(rest or turns[-1].question, text), restriction=restriction)
    return None


_OF_MANY = (Kind.LIST, Kind.EXISTS, Kind.COUNT)
_WITH_TOPIC = (*_OF_MANY, Kind.WHEN, Kind.MENTIONS)
_OF_ONE = (Kind.ABOUT, Kind.SUMMARY, Kind.POINTS, Kind.CHAPTERS, Kind.SAID, Kind.SPEAKERS, Kind.SEEN, Kind.FACT)
