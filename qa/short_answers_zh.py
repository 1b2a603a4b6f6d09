"""The words of a Chinese sentence that answer a question.

Chinese asks in place: a question is the sentence with a question word where the answer stands (C.-T. J. Huang, Logical
Relations in Chinese and the Theory of Grammar, 1982). So the word beside the question word is looked up in the
sentence, and what stands beside it there is the answer. Languages that move the question word give no such place.
"""

import re
from collections.abc import Iterable

MAX_CHARACTERS = 12  # characters: more is no short answer

_HAN = re.compile(r"[\u4e00-\u9fff]")
_THING = re.compile(r"谁|什么|何人|哪(?![里儿边怕])\w*")
_AMOUNT = re.compile(r"多少\w?|几\w?")
# Parts of speech as jieba names them (https://github.com/fxsjy/jieba marks ICTCLAS tags): what an answer consists of,
# what only joins or colours it, and what may stand between it and its verb.
_NOUN = ("n", "j", "s", "i", "l", "vn", "an", "eng", "zg", "g")
_BEFORE_NOUN = ("a", "b", "uj")
_NUMBER = ("m", "q", "mq")
_BETWEEN = ("d", "t", "ul", "uj", "ug", "uz", "p", "c", "y", "k")
_COPULA = frozenset({"是", "为", "叫", "叫做", "有", "要", "会", "能"})

Word = tuple[str, str]  # and its part of speech


def find_chinese(question: str, text: str) -> str:
    """The answer as it stands in `text`, at most `MAX_CHARACTERS` of them; "" where the two do not fit tightly, or
    are not Chinese. Who, what, which and how many are understood.
    """
    if not (_HAN.search(question) and _HAN.search(text)):
        return ""
    question_words, text_words = _tag(question), _tag(text)
    at = next(
        (i for i, (word, _) in enumerate(question_words) if _THING.fullmatch(word) or _AMOUNT.fullmatch(word)), None
    )
    if at is None:
        return ""
    kinds = _NUMBER + _NOUN if _AMOUNT.fullmatch(question_words[at][0]) else _NOUN
    words = [word for word, _ in text_words]
    after = [word for word, kind in question_words[at + 1 :] if _is_content(word, kind)]
    before = [word for word, kind in question_words[:at] if _is_content(word, kind)]
    known = {*before, *after}
    # "哪个电视台播出…": the noun of the question word is asked for, not said.
    anchor = next((w for w in after[:2] if w in words), "")
    if anchor:
        place = words.index(anchor)
        return _join(reversed(_collect(reversed(_without_phrases(text_words[:place])), kinds, known)))
    if before and before[-1] in words and len(after) < 2:
        place = words.index(before[-1])
        return _join(_collect(text_words[place + 1 :], kinds, known))
    return ""


def _tag(text: str) -> list[Word]:
    import rjieba

    return [(str(word), str(kind)) for word, kind in rjieba.tag(text)]


def _is_content(word: str, kind: str) -> bool:
    return bool(_HAN.search(word)) and kind.startswith(("n", "v", "a", "s", "j", "i", "l")) and word not in _COPULA


def _without_phrases(words: Iterable[Word]) -> list[Word]:
    """The words without "in the library", "from Beijing" and the like: they tell where, not who."""
    kept, inside = list[Word](), False
    for word, kind in words:
        inside = kind == "p" or (inside and kind.startswith(_NOUN + _BEFORE_NOUN + _NUMBER))
        if not inside:
            kept.append((word, kind))
    return kept


def _collect(words: Iterable[Word], kinds: tuple[str, ...], known: set[str]) -> list[Word]:
    """Going away from the anchor: past what may stand between, the run of words that an answer consists of."""
    found: list[Word] = []
    for word, kind in words:
        wanted = kind.startswith(kinds) and word not in known
        if not found and (kind.startswith(_BETWEEN) or word in _COPULA or (kind in _NUMBER and kind not in kinds)):
            continue
        if not (wanted or (found and kind.startswith(_BEFORE_NOUN)) or (not found and kind in ("a", "b"))):
            break
        found.append((word, kind))
    return found


def _join(words: Iterable[Word]) -> str:
    text = "".join(word for word, _ in words).strip("的 ")
    return text if len(text) <= MAX_CHARACTERS else ""
