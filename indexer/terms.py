"""Words for the lexical ranking: stemmed English and Russian, segmented Chinese, pairs of characters for Japanese.

Chinese counts in simplified characters, whichever script a text or a query is written in.
"""

import re
import threading
import unicodedata
from functools import cache, lru_cache
from typing import Any

_CJK = "\u3040-\u30ff\u4e00-\u9fff"
_TOKEN = re.compile(rf"[^\W_{_CJK}]+|[{_CJK}]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(rf"[{_CJK}]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_one_at_a_time = threading.Lock()  # a stemmer keeps the word that it works on: two threads would mix theirs
_UNSAYING = """
a an the of in on at to and or is are was were be been it its this that these those with for from by as into his
her their there he she they i you we my your our me him them who whom which what when where how why do does did
done has have had not no so if then than can could will would should shall may might must about up out s t
的 了 在 是 和 有 着 个 一 这 那 与 及 吗 呢
"""
STOP = frozenset(_UNSAYING.split())


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    with _one_at_a_time:
        return str(_stemmer("russian" if _CYRILLIC.search(word) else "english").stemWord(plain))


def terms(text: str) -> list[str]:
    """Index terms in order, stop words left out: "Dogs running 小狗跑" -> ["dog", "run", "小狗", "小", "狗", "跑"].

    A Chinese word counts as a whole and by its characters, so that 狗 finds 小狗 and 小狗 finds it first.
    """
    return [term for token in _TOKEN.findall(text.lower()) for term in _terms_of(token) if term not in STOP]


def _terms_of(token: str) -> list[str]:
    if not _HAN.match(token):
        return [] if token in STOP else [_stem(token)]
    if _KANA.search(token):
        return [*token, *(token[i : i + 2] for i in range(len(token) - 1))]
    return [part for word in segment(simplify(token)) for part in ([word, *word] if len(word) > 1 else [word])]


@cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Chinese in simplified characters (https://github.com/BYVoid/OpenCC)."""
    return str(_converter().convert(text))


def segment(text: str) -> list[str]:
    """Chinese words in order, as jieba cuts them (https://github.com/messense/jieba-rs)."""
    import rjieba

    return list(rjieba.cut(text))


def split_words(text: str) -> list[str]:
    """The text in pieces that together are the text: words, and what stands between them."""
    pieces: list[str] = []
    for run in re.split(rf"([{_CJK}]+)", text):
        pieces += segment(run) if _HAN.match(run) and not _KANA.search(run) else re.split(r"(\w+)", run)
    return [piece for piece in pieces if piece]
