"""Words for the lexical ranking: stemmed English, and characters and pairs of characters for Chinese and Japanese."""

import re
import threading
from functools import cache, lru_cache
from typing import Any

_TOKEN = re.compile(r"[^\W_\u3040-\u30ff\u4e00-\u9fff]+|[\u3040-\u30ff\u4e00-\u9fff]+")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_one_at_a_time = threading.Lock()  # a stemmer keeps the word that it works on: two threads would mix theirs
STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "and",
        "or",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "with",
        "for",
        "from",
        "by",
        "as",
        "into",
        "his",
        "her",
        "their",
        "there",
        "he",
        "she",
        "they",
        "i",
        "you",
        "we",
        "my",
        "your",
        "our",
        "me",
        "him",
        "them",
        "who",
        "whom",
        "which",
        "what",
        "when",
        "where",
        "how",
        "why",
        "do",
        "does",
        "did",
        "done",
        "has",
        "have",
        "had",
        "not",
        "no",
        "so",
        "if",
        "then",
        "than",
        "can",
        "could",
        "will",
        "would",
        "should",
        "shall",
        "may",
        "might",
        "must",
        "about",
        "up",
        "out",
        "s",
        "t",
        "的",
        "了",
        "在",
        "是",
        "和",
        "有",
        "着",
        "个",
        "一",
        "这",
        "那",
        "与",
        "及",
        "吗",
        "呢",
    ]
)


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    with _one_at_a_time:
        return str(_stemmer().stemWord(word))


def terms(text: str) -> list[str]:
    """Index terms in order, stop words left out: "Dogs running 狗跑" -> ["dog", "run", "狗", "跑", "狗跑"]."""
    found: list[str] = []
    for token in _TOKEN.findall(text.lower()):
        if _CJK.match(token):
            found += [c for c in token if c not in STOP]
            found += [token[i : i + 2] for i in range(len(token) - 1)]
        elif token not in STOP:
            found.append(_stem(token))
    return found
