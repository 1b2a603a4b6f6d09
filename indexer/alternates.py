"""What else a text is found by: parts of its compounds, what its irregular words are forms of, names of Chinese people
and places in Latin letters.

Worked out once, when a segment is stored, because it takes seconds to load a dictionary (and 16 MB a language), which
who searches must not wait for. The words are simplemma's (https://github.com/adbar/simplemma).
"""

from functools import lru_cache

from indexer.tokens import STOP, find_runs, fold
from indexer.word_forms import MIN_STEM, whole_keys

MARK = "="  # before what is not written there itself; no token begins with it
# Letters that join the parts, the commonest first.
_LINKS = {
    "de": ("", "s", "n", "en", "es", "er", "e"),
    "nl": ("", "s", "e", "en", "er"),
    "sv": ("", "s", "e", "o", "u"),
    "da": ("", "s", "e"),
    "nb": ("", "s", "e"),
}
_SAME = {"no": "nb", "nn": "nb", "sr": "hbs", "hr": "hbs", "bs": "hbs"}  # what simplemma calls them
MIN_COMPOUND = 8  # letters
MIN_PART = 4  # letters of each part, but
MIN_TAIL = 3  # of the last one behind a long one
# Endings that make words of words: they are in dictionaries, but nobody looks for them.
_NO_PARTS = """
schaft heit keit lich isch ung ungen tion haft sam bar los voll heid lijk ing baar loos achtig schap het else ande ende
arna erna heten lig ling nisse orna ten den nen ren len sen gen
"""
_ENDINGS = frozenset(_NO_PARTS.split())
_INFLECTING = """
ast bg ca cs cy da de el en es et fa fi fr ga gd gl gv hbs hi hu hy id is it ka la lb lt lv mk ms nb nl nn pl pt ro ru
se sk sl sq sv sw tl tr uk
"""
LEMMATIZED = frozenset(_INFLECTING.split())  # languages whose irregular forms simplemma knows
_NAME_TAGS = ("nr", "ns", "nt", "nz")  # of jieba: people, places, organizations, other names


def find_alternates(text: str, language: str) -> list[str]:
    """Marked tokens in order, each once: "Apfelsaft" -> =apfel, =saft; "sang" -> =sing; "张伟说" -> =zhangwei."""
    code = _SAME.get(language, language)
    found: dict[str, None] = {}
    for run in find_runs(text):
        if run.kind == "word":
            found |= dict.fromkeys(fold(part) for part in split_compound(run.text, code))
            found |= dict.fromkeys(_find_lemma(run.text, code))
        elif run.kind == "characters" and not run.is_japanese:
            found |= dict.fromkeys(_romanize(run.text))
    return [MARK + word for word in found]


@lru_cache(maxsize=50_000)
def split_compound(word: str, language: str) -> tuple[str, ...]:
    """The parts of a compound by every way to cut it in two, and their parts: "Apfelsaft" -> apfel, saft; () for
    another word. In German only nouns are cut, which have a capital.
    """
    if language not in _LINKS or len(word) < MIN_COMPOUND or (language == "de" and not word[0].isupper()):
        return ()
    lower, found = word.lower(), dict[str, None]()
    for cut in range(MIN_PART, len(word) - MIN_TAIL + 1):
        heads = [bare for link in _LINKS[language] if _is_word(bare := _unlink(lower[:cut], link), language)]
        tail = lower[cut:]
        if heads and (len(tail) >= MIN_PART or cut > MIN_PART) and _is_word(tail, language):
            for part in (*heads, tail):
                found |= dict.fromkeys((part, *split_compound(part.capitalize(), language)))
    return tuple(found)


def _unlink(head: str, link: str) -> str:
    bare = head.removesuffix(link) if link and head.endswith(link) else "" if link else head
    return bare if len(bare) >= MIN_PART else ""


@lru_cache(maxsize=200_000)
def _is_word(word: str, language: str) -> bool:
    import simplemma

    return (
        bool(word)
        and word not in _ENDINGS
        and (simplemma.is_known(word, lang=language) or simplemma.is_known(word.capitalize(), lang=language))
    )


@lru_cache(maxsize=100_000)
def _find_lemma(word: str, language: str) -> tuple[str, ...]:
    """What the word is a form of, where no stemmer would tell."""
    import simplemma

    folded = fold(word)
    if language not in LEMMATIZED or len(folded) < MIN_STEM or folded in STOP:
        return ()
    lemma = fold(simplemma.lemmatize(word, lang=language, low_memory=True))
    same = set(whole_keys(lemma, [language])) & set(whole_keys(folded, [language]))
    return () if same or " " in lemma else (lemma,)


def _romanize(text: str) -> list[str]:
    """The names of a Chinese text in pinyin without tones, each as one word."""
    import pypinyin
    import rjieba

    named = [word for word, tag in rjieba.tag(text) if tag.startswith(_NAME_TAGS) and len(word) > 1]
    return [fold("".join(pypinyin.lazy_pinyin(word))) for word in named]
