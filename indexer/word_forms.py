"""Which words are forms of one another: stems, clitics, particles, parts. What they share is a key.

A query's word finds the words of the index that share a whole key with it ("running" and "runs": `en:run`), or whose
part it is ("saft" in "apfelsaft", "anna" in "anna@example.com"). Stems are Snowball's (https://snowballstem.org),
of the languages in which a word was said; what has no stemmer there is stripped of particles by the tables below.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from functools import cache, lru_cache
from typing import Any

import regex

# ISO 639-1 -> Snowball's algorithm.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
NEAREST = {"nb": "no", "nn": "no", "gl": "pt", "sk": "cs", "bg": "ru", "uk": "ru", "be": "ru", "hr": "sr", "bs": "sr"}
SCRIPTS = {  # what a word is stemmed as where nobody knows its language
    "Latin": "en", "Cyrillic": "ru", "Greek": "el", "Arabic": "ar", "Hebrew": "he", "Devanagari": "hi", "Hangul": "ko",
    "Armenian": "hy", "Tamil": "ta",
}  # fmt: skip
_LANGUAGE_SCRIPTS = {
    "ar": "Arabic", "fa": "Arabic", "el": "Greek", "he": "Hebrew", "hi": "Devanagari", "ne": "Devanagari",
    "ko": "Hangul", "hy": "Armenian", "ta": "Tamil", "ru": "Cyrillic", "yi": "Hebrew",
}  # fmt: skip
_SCRIPT = regex.compile("|".join(rf"(?P<{name}>\p{{{name}}})" for name in SCRIPTS))
MIN_STEM = 3  # letters that a word has to have to be stemmed, and that have to remain
MIN_SOUND = 4  # letters of a word that is looked for by its sound
MIN_PART = 2  # letters or digits of a part of a word with signs in it

# Particles and endings of Korean nouns and of 하다, the longest first (https://en.wikipedia.org/wiki/Korean_postpositions).
_KOREAN = regex.compile(
    "(?:에서부터|으로부터|이라고|에게서|한테서|으로서|으로써|에서는|에서도|까지도|이라도|했습니다|합니다|하였다|했어요|해요|"
    "하는|하고|하면|했다|한다|하기|에서|에게|한테|으로|부터|까지|처럼|보다|마다|조차|밖에|이나|라도|라고|이랑|하고|들을|들은|들이|들의|들도|"
    "에는|에도|과의|와의|께서|은|는|이|가|을|를|에|로|와|과|도|만|의|께|랑|나|들)$"
)
_HEBREW = regex.compile("^(?:וש|וה|ול|וב|ומ|וכ|שה|מה|כש|ו|ה|ב|כ|ל|מ|ש)")
_ARABIC = regex.compile("^(?:وال|بال|كال|فال|لل|ال|و|ف|ب|ك|ل)")
_SIGN = regex.compile(r"[^\p{L}\p{M}]")
_INNER = regex.compile(r"[^\p{L}\p{M}\p{N}]+|(?<=\p{N})(?=\p{L})|(?<=\p{L})(?=\p{N})")
_lock = threading.Lock()  # a stemmer keeps the word that it works on: two threads would mix theirs


@cache
def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer(STEMMERS[language])


@lru_cache(maxsize=500)
def script_of(word: str) -> str:
    """The script of its first letter, "" for others than those of `SCRIPTS`."""
    match = _SCRIPT.search(word)
    return str(match.lastgroup) if match else ""


def languages_of(word: str, languages: Collection[str]) -> set[str]:
    """Those of `languages` whose script the word is written in; its script's own where there is none."""
    script = script_of(word)
    fits = {NEAREST.get(code, code) for code in languages}
    fits = {
        code for code in fits if _LANGUAGE_SCRIPTS.get(code, "Latin") == script or (code, script) == ("sr", "Cyrillic")
    }
    return fits or ({SCRIPTS[script]} if script else set())


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """The stem of a folded word; the word itself where there is nothing to take off."""
    strip = _STRIPPERS.get(language)
    if strip is not None:
        return strip(word)
    if language not in STEMMERS or len(word) < MIN_STEM:
        return word
    with _lock:
        return str(_stemmer(language).stemWord(word))


def _strip(pattern: "regex.Pattern[str]") -> Callable[[str], str]:
    def strip(word: str) -> str:
        bare = pattern.sub("", word, count=1)
        return bare if len(bare) >= (1 if script_of(word) == "Hangul" else MIN_STEM - 1) else word

    return strip


_strip_arabic = _strip(_ARABIC)
_STRIPPERS = {"ko": _strip(_KOREAN), "he": _strip(_HEBREW)}


def whole_keys(word: str, languages: Collection[str]) -> Iterator[str]:
    """What all forms of a word share: itself, without signs, and its stem in each language."""
    yield word
    bare = regex.sub(r"[^\p{L}\p{M}\p{N}.:+#]+", "", word)
    if bare != word and bare:
        yield bare
    if not regex.search(r"\p{N}", word):
        core = find_core(word)
        for language in languages_of(core, languages):
            yield f"{language}:{stem(core, language)}"
            if language == "ar":  # the stemmer leaves one-letter words like "and" and "in" that are written together
                yield f"ar:{stem(_strip_arabic(core), 'ar')}"


def find_core(word: str) -> str:
    """Without what an apostrophe adds: "l'eau" -> eau, "dog's" -> dog, "istanbul'da" -> istanbul."""
    before, sign, after = word.partition("'")
    if not sign:
        return word
    return after if (len(before) < MIN_STEM and len(after) > len(before)) or before in _ELIDED else before


_ELIDED = frozenset(["qu", "dell", "nell", "sull", "dall", "all", "coll", "quell", "lorsqu", "jusqu", "puisqu"])


def part_keys(word: str) -> Iterator[str]:
    """Words that stand inside of one with signs: "anna@example.com", "42km", "#3", "1250.75"; not its own forms."""
    if not _SIGN.search(word):
        return
    _, at, host = word.rpartition("@")
    if at:
        yield host
    for part in _INNER.split(word):
        if len(part) >= MIN_PART or (part and word.startswith("#")):
            yield part
    if regex.fullmatch(r"\d{1,3}(?:\.\d{3})+", word):  # a point may also part thousands
        yield word.replace(".", "")


def sound_key(word: str) -> str:
    """How a word of Latin letters sounds to English ears (Metaphone, Philips 1990, by jellyfish); "" for others and for
    short ones, of which too many sound alike.
    """
    import jellyfish

    return str(jellyfish.metaphone(word)) if len(word) >= MIN_SOUND and word.isascii() and word.isalpha() else ""
