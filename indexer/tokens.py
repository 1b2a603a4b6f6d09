"""Text in tokens: the one way that documents and queries take, whatever the language.

A token is a word in one spelling: NFKC, case folded, without accents, vowel points and group separators, Chinese in
simplified characters. Signs that carry meaning stay ("c++", "at&t", "#3", "12:30"). Chinese and Japanese are cut into
characters, because a phrase of characters needs no dictionary to be found; Thai, Lao, Khmer and Burmese into the words
of ICU's dictionaries (https://unicode-org.github.io/icu/userguide/boundaryanalysis/).
"""

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import regex

CHARACTERS = r"\p{Han}\p{Hiragana}\p{Katakana}ー々〆"
_DICTIONARY = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = regex.compile(
    rf"""
    (?P<address> [A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+ | https?://[^\s<>"'）)】]+
        | (?:[a-z0-9-]+\.)+[a-z]{{2,6}}\b(?:/[\w./?%&=\#~-]*)? )
    | (?P<time> \d{{1,2}}:\d{{2}}(?::\d{{2}})?(?!\d) )
    | (?P<number> \d+(?:[.,'’\u00a0\u202f]\d+)+(?!\d|[\p{{L}}--[{CHARACTERS}{_DICTIONARY}]]) )
    | (?P<tag> \#[\p{{L}}\p{{N}}][\p{{L}}\p{{M}}\p{{N}}_]* )
    | (?P<company> \p{{L}}+(?:&\p{{L}}+)+ )
    | (?P<sharp> \p{{L}}{{1,4}}(?:\+\+|\#)(?![\p{{L}}\p{{N}}]) )
    | (?P<initials> (?:\p{{L}}\.){{2,}}\p{{L}}?(?!\p{{L}}) )
    | (?P<characters> (?:[{CHARACTERS}][\u3099\u309a]?)+ )
    | (?P<dictionary> [{_DICTIONARY}][{_DICTIONARY}\p{{M}}\u200b-\u200d]* )
    | (?P<word> [[\p{{L}}\p{{N}}]--[{CHARACTERS}{_DICTIONARY}]][[\p{{L}}\p{{M}}\p{{N}}]--[{CHARACTERS}{_DICTIONARY}]]*
        (?:['’ʼ׳״·\u200c\u200d\u00ad]+[[\p{{L}}\p{{M}}\p{{N}}]--[{CHARACTERS}{_DICTIONARY}]]+)* )
    """,
    regex.VERBOSE | regex.V1,
)
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_GROUPS = regex.compile(
    r"\d{1,3}(?:[,'’\u00a0\u202f]\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+"
)
# Accents, vowel points of Hebrew and Arabic, the stretching stroke of Arabic: what many people leave out.
_MARKS = regex.compile(
    r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u00ad\u0e46\u0ec6\u17d7]"
)
_LETTERS = str.maketrans(
    {
        **dict(zip("ıøđłħŋæœþðĸ", ("i", "o", "d", "l", "h", "n", "ae", "oe", "th", "d", "k"), strict=True)),
        **dict(zip("ٱىیےکہھة", ("ا", "ي", "ي", "ي", "ك", "ه", "ه", "ه"), strict=True)),  # as one types it in a hurry
        **dict.fromkeys("’ʼ׳", "'"),
        "״": None,
        "·": None,
    }
)  # fmt: skip

_UNSAYING = """
a an the of in on at to and or is are was were be been it its this that these those with for from by as into his
her their there he she they i you we my your our me him them who whom which what when where how why do does did
done has have had not no so if then than can could will would should shall may might must about up out s t
的 了 在 是 和 有 着 个 一 这 那 与 及 吗 呢
"""
STOP = frozenset(_UNSAYING.split())


class Token(NamedTuple):
    """A word and where it stands: `source[start:end]` was folded into `text`."""

    text: str
    start: int
    end: int


class Run(NamedTuple):
    """A stretch without a break: an address, a number, a word, or characters that stand without spaces."""

    kind: str
    text: str
    start: int

    @property
    def is_japanese(self) -> bool:
        return self.kind == "characters" and _KANA.search(self.text) is not None


def find_runs(text: str) -> Iterator[Run]:
    """In order; between them stands nothing that is searched."""
    for match in _TOKEN.finditer(text):
        yield Run(str(match.lastgroup), match[0], match.start())


def tokenize(text: str) -> list[Token]:
    """ "Zürich AT&T 1,250" -> zurich, at&t, 1250; "小狗" -> 小, 狗."""
    return [token for run in find_runs(text) for token in split_run(run)]


def split_run(run: Run) -> Iterator[Token]:
    if run.kind == "characters":
        for match in regex.finditer(r"\X", run.text):
            yield Token(fold(match[0]), run.start + match.start(), run.start + match.end())
    elif run.kind == "dictionary":
        for start, end in _breaks(run.text):
            if folded := fold(run.text[start:end]):
                yield Token(folded, run.start + start, run.start + end)
    else:
        shown = run.text.rstrip(".,/?&=#") if run.kind == "address" else run.text
        yield Token(fold_number(shown) if run.kind == "number" else fold(shown), run.start, run.start + len(shown))


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """One spelling of a word: "STRASSE" and "Straße" -> strasse, "İstanbul" -> istanbul, "كِتَابٌ" -> كتاب."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", word).casefold())
    plain = "".join(c if c == "й" else _MARKS.sub("", unicodedata.normalize("NFD", c)) for c in plain)
    plain = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    if not plain.isascii():
        plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else simplify(c) for c in plain)
    return plain.replace(".", "") if regex.fullmatch(r"(?:\p{L}\.){2,}\p{L}?", plain) else plain


def fold_number(text: str) -> str:
    """Without group separators and with a decimal point: "1,250.75" and "1.250,75" -> 1250.75, "2,5" -> 2.5."""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    if not _GROUPS.fullmatch(plain):
        return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
    decimal = "," if regex.search(r"\.\d{3}(?:\.|,)", plain) else "."
    whole, _, rest = plain.rpartition(decimal) if plain.count(decimal) == 1 else (plain, "", "")
    return "".join(c for c in whole if c.isdigit()) + (f".{rest}" if rest else "")


@cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@lru_cache(maxsize=30_000)
def simplify(text: str) -> str:
    """Chinese in simplified characters (https://github.com/BYVoid/OpenCC)."""
    return str(_converter().convert(text)) if not text.isascii() else text


def segment(text: str) -> list[str]:
    """Chinese words in order, as jieba cuts them (https://github.com/messense/jieba-rs)."""
    import rjieba

    return list(rjieba.cut(text))


def _breaks(text: str) -> list[tuple[int, int]]:
    from icu4py.breakers import WordBreaker

    return list(WordBreaker(text, "th").segments())


def cut_japanese(text: str) -> list[str]:
    """Japanese words in order, by ICU's dictionary."""
    from icu4py.breakers import WordBreaker

    return [text[start:end] for start, end in WordBreaker(text, "ja").segments()]
