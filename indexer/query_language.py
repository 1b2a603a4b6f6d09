"""What stands in a search besides plain words: "a phrase", -word, OR, title:word, by:anna, before:2024-05-01.

Everything else is natural language. A part knows where it was typed, so that it can be taken away again.
"""

import re
from dataclasses import dataclass
from itertools import islice, product

from indexer.tokens import tokenize

# What may stand before a colon, in English and Chinese.
NAMES = {
    "title": "title", "标题": "title", "speaker": "speaker", "说话人": "speaker", "in": "in", "合集": "in", "by": "by",
    "上传者": "by", "before": "before", "早于": "before", "after": "after", "晚于": "after", "longer": "longer",
    "长于": "longer", "shorter": "shorter", "短于": "shorter",
}  # fmt: skip
MAX_ALTERNATIVES = 4
_QUOTED = r"\"[^\"]*\"|“[^”]*”|「[^」]*」|„[^“”]*[“”]|«[^»]*»"
_PART = re.compile(
    rf"""
    (?P<minus>(?<!\S)[-−](?=[^\W\d]|["“「„«]))?
    (?: (?P<name>{"|".join(NAMES)})[:：](?P<value>{_QUOTED}|[^\s"“”]+) | (?P<phrase>{_QUOTED}) )
    | (?<!\S)[-−](?P<left_out>[^\W\d][^\s"“”]*)
    | (?<!\S)(?P<either>OR|\||或者)(?!\S)
    | (?P<word>[^\s"“”「」„«»]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Part:
    """`kind` is "phrase", "without", one of the values of `NAMES`, or "words"; `source[start:end]` says it."""

    kind: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Parsed:
    """`alternatives` are what is meant in natural language, one unless there is an OR; "" where there is none."""

    source: str
    parts: tuple[Part, ...]
    alternatives: tuple[str, ...]

    def values(self, kind: str) -> tuple[str, ...]:
        return tuple(part.value for part in self.parts if part.kind == kind)

    @property
    def is_plain(self) -> bool:
        return len(self.alternatives) == 1 and all(part.kind == "words" for part in self.parts)

    def without(self, part: Part) -> str:
        """What was typed, less a part of it."""
        rest = f"{self.source[: part.start]} {self.source[part.end :]}".strip()
        return " ".join(re.sub(r"^OR\s+|\s+OR$", "", rest).split())


def parse(text: str) -> Parsed:
    """Never fails: what is no operator is words."""
    parts: list[Part] = []
    choices: list[list[str]] = []  # of each place in the sentence
    joins = False
    for match in _PART.finditer(text):
        kind, value = _read(match)
        if kind == "either":
            joins = bool(choices)
            continue
        if kind not in ("words", "phrase") or not tokenize(value):
            if tokenize(value):
                parts.append(Part(kind, value, *match.span()))
            continue
        if joins:
            choices[-1].append(value)
        else:
            choices.append([value])
        last = parts[-1] if parts else None
        if kind == "words" and last is not None and last.kind == "words" and text[last.end : match.start()].isspace():
            parts[-1] = Part("words", text[last.start : match.end()], last.start, match.end())
        else:
            parts.append(Part(kind, value, *match.span()))
        joins = False
    ways = islice(product(*choices), MAX_ALTERNATIVES)
    return Parsed(text, tuple(parts), tuple(" ".join(way) for way in ways))


def _read(match: "re.Match[str]") -> tuple[str, str]:
    if match["either"]:
        return "either", ""
    if match["left_out"]:
        return "without", match["left_out"]
    if match["name"] and not match["minus"]:
        return NAMES[match["name"].lower()], _unquote(match["value"])
    if match["phrase"] or match["name"]:
        value = _unquote(match["phrase"] or match["value"])
        return ("without" if match["minus"] else "phrase"), value
    return "words", match["word"]


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) > 1 and re.fullmatch(_QUOTED, text) else text


def take_literally(text: str) -> Parsed:
    """A question, or other natural language: nothing in it is an operator."""
    return Parsed(text, (Part("words", text, 0, len(text)),), (text,))
