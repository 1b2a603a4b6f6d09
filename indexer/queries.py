"""What a person typed, read before it is searched: its kind, its words, and the caption that a question asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from indexer.expansion import find_words
from indexer.fusion import mean_direction
from indexer.lexical import Term
from indexer.types import Vectors

PARTS = ("visual", "speech", "screen", "title")
_QUOTES = {'"': '"', "“": "”", "「": "」", "„": "“", "«": "»"}


@dataclass(frozen=True)
class Preference:
    """How much each part counts, in standard deviations of the library's own background; `off` ones do not."""

    visual: float = 1.0
    text: float = 0.75
    lexical: float = 3.0
    off: frozenset[str] = frozenset()

    def weights(self) -> dict[str, float]:
        """Per space of the index."""
        silent = {"speech", "screen", "title"} <= self.off
        return {"visual": 0.0 if "visual" in self.off else self.visual, "text": 0.0 if silent else self.text}


# A quoted phrase is meant literally; a name is heard or read far more often than it can be seen.
SCENE = Preference()
NAME = Preference(visual=0.7, text=0.75, lexical=5.0)
PHRASE = Preference(visual=0.5, text=0.75, lexical=8.0)


@dataclass(frozen=True)
class Query:
    """A search with its words and one vector per space: `visual` (dv,), `text_vector` (dt,); zero where it has none.
    `events` are the two that follow each other in "A, then B".
    """

    text: str
    terms: tuple[Term, ...]
    visual: Vectors
    text_vector: Vectors
    preference: Preference = SCENE
    events: "tuple[Query, ...]" = ()
    gains: Mapping[str, float] = field(default_factory=dict)  # of the parts of a score, 1 where nothing was learned

    @cached_property
    def asks_pictures(self) -> bool:
        return "visual" not in self.preference.off and bool(np.any(self.visual))

    @cached_property
    def asks_meaning(self) -> bool:
        """Of words."""
        return bool(np.any(self.text_vector))

    def moved(self, liked: "list[Example]", disliked: "list[Example]") -> "Query":
        """More like some moments and less like others: Rocchio with the constants of Salton & Buckley 1990."""
        visual, text = self.visual, self.text_vector
        for examples, sign in ((liked, 0.75), (disliked, -0.25)):
            if examples:
                visual = visual + sign * np.mean([e.visual for e in examples], axis=0)
                text = text + sign * np.mean([e.text_vector for e in examples], axis=0)
        return replace(self, visual=mean_direction([visual]), text_vector=mean_direction([text]))


@dataclass(frozen=True)
class Example:
    """A moment that a person pointed at, in both spaces."""

    visual: Vectors
    text_vector: Vectors


def classify(text: str) -> Preference:
    """By the kind of query: a quoted phrase, a name, or a scene."""
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1]:
        return PHRASE
    latin = re.findall(r"[^\W\d_]+", text)
    named = [w for w in latin[1:] if w[0].isupper()] or [w for w in latin[:1] if len(latin) <= 2 and w[0].isupper()]
    return NAME if named and not text.isupper() else SCENE


_ASKING = re.compile(
    r"^(?:please\s+)?(?:(?:can|could) you\s+)?(?:show me|find(?: me)?|search(?: for)?|look for|i(?: am|'m) looking for|"
    r"give me|where (?:is|are|was|were|does|do|did|can i (?:see|find))|when (?:is|are|was|were|does|do|did)|"
    r"(?:is|are) there|who (?:is|are|was|were)|who|what (?:is|are|was|were)|which|how (?:does|do|did|is|are)|"
    r"do (?:we|you|i) (?:see|have)|what (?:does|do|did))\s+",
    re.IGNORECASE,
)
_ABOUT_FILM = re.compile(
    r"^(?:(?:a|an|the|any|all|some)\s+)?(?:videos?|clips?|moments?|scenes?|parts?|shots?|footage|movies?|films?)\s+"
    r"(?:of|with|where|when|in which|that shows?|showing|about)\s+",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"\s+(?:in|from|of|during) (?:the|this|that|a|any) (?:video|clip|film|movie|scene|footage)s?\b", re.I
)
_CHINESE = re.compile(
    r"^(?:请问?|帮我)?(?:(?:查)?找(?:一下|出)?|搜索|给我看|哪里有|哪儿有|有没有|是否有|什么时候|哪个视频(?:里)?有|谁在)|"
    r"(?:的(?:视频|片段|画面|镜头|场景)|在哪里|在哪儿|吗|呢)[?？。]?$"
)


def caption_of(text: str) -> str:
    """The caption that a question or a request asks for, by rule: "Where does the dog swim?" -> "the dog swim"."""
    plain = text.strip().strip("".join(_QUOTES) + "”」»").rstrip("?？!！.。 ")
    for pattern in (_ASKING, _ABOUT_FILM, _WHERE, _CHINESE):
        plain = pattern.sub("", plain).strip()
    return plain or text


_THEN = re.compile(
    r"\s*(?:[,;]?\s*\b(?:and\s+)?then\b|[,;]?\s*\bafter(?:wards|\s+that)\b|[,;]?\s*\bfollowed by\b|"
    r"[，；]?(?:然后|接着|随后|之后))[,，]?\s*",
    re.IGNORECASE,
)


def split_events(text: str) -> list[str]:
    """Two events in order: "a dog runs, then a man laughs" -> both; anything else -> the text alone."""
    if classify(text) == PHRASE:
        return [text]
    parts = _THEN.split(text, maxsplit=1)
    return parts if len(parts) == 2 and all(find_words(part) for part in parts) else [text]
