"""The words of an English sentence that answer a question, by the kind of thing that the question word asks for.

Names, times, amounts and places have forms of their own (the answer types of Li & Roth 2002, Learning Question
Classifiers, https://aclanthology.org/C02-1150/); anything else is what stands on the other side of the words that
question and sentence share.
"""

import re

from qa.pictures import DETERMINERS, words

MAX_WORDS = 9  # words: more is no short answer

_TITLE = r"(?:(?:Mr|Mrs|Ms|Miss|Mister|Doctor|Dr|Professor|Prof|President|Minister|Councillor|Captain|King|Queen|Sir|Lady|Saint|Uncle|Aunt)\.? )"
_NAME = re.compile(rf"{_TITLE}?[A-Z][\w'’-]+(?: (?:(?:de|von|van|of|the|la|le|da|del|der) )*[A-Z][\w'’-]+)*")
_SMALL = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion"
_AMOUNT = rf"(?:\d[\d.,:]*|(?:(?:a|an) )?(?:{_SMALL}|{_TENS}|half|dozen|couple)(?:[- ](?:and |point |a )?(?:{_SMALL}|{_TENS}|half|dozen|\d+))*)"
_UNIT = (
    r"(?: (?:per ?cent|%|percent|degrees?(?: celsius)?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|centur(?:y|ies)|decades?|"
    r"millimetres?|centimetres?|metres?|meters?|kilomet(?:re|er)s?|miles?|inches|feet|grams?|kilos?|kilograms?|pounds?|litres?|"
    r"liters?|millilitres?|euros?|dollars?|cents|yuan|francs?|times|people|in favou?r|o'clock))?(?: old| high| long| wide| deep)?"
)
_NUMBER = re.compile(rf"\b{_AMOUNT}\b{_UNIT}(?: [a-z]+(?= |[.,;!?]|$))?", re.IGNORECASE)
_BARE_NUMBER = re.compile(rf"\b{_AMOUNT}\b{_UNIT}", re.IGNORECASE)
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = re.compile(
    rf"\b(?:(?:on|in|at|by|since|until|before|after|around|about|early on|late on) )?(?:the )?(?:"
    rf"(?:early |late )?(?:spring|summer|autumn|winter|morning|afternoon|evening|noon|midnight|night)(?: of \d{{4}})?|"
    rf"(?:every |each |last |next )?(?:other |second |third )?{_WEEKDAY}(?: (?:morning|afternoon|evening|night))?|"
    rf"(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?)?(?:,? \d{{4}})?(?: session)?|"
    rf"\d{{4}}s?|\d{{1,2}}(?::\d{{2}})? ?(?:[ap]\.?m\.?|o'clock)|(?:{_SMALL}|\d+) (?:past|to) (?:{_SMALL}|\d+)|"
    rf"yesterday|today|tomorrow|tonight|(?:last|next|this) (?:week|month|year|spring|summer|autumn|winter|night|morning)|"
    rf"(?:{_AMOUNT}) (?:minutes?|hours?|days?|weeks?|months?|years?) (?:ago|later|before))\b"
)  # fmt: skip
_FREQUENCY = re.compile(
    rf"\b(?:(?:only )?(?:every|each) (?:(?:second|third|other) )?(?:{_AMOUNT} )?[\w]+|(?:once|twice|{_AMOUNT} times)(?: an?| each| every)? ?\w*|always|never|daily|weekly|yearly)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|at|on|near|from|to|into|under|beneath|behind|beside|between|outside|inside|above|below|around|across|through|next to|in front of|on top of)"
    r" (?!which\b|what\b|that\b|order\b|fact\b|it\b)(?:(?:the|a|an|my|his|her|our|their|its|this|some|each|every) )?[\w'’-]+"
    r"(?: (?!(?:and|or|but|which|that|who|is|are|was|were|has|have|had|with|by|for|when|while|because|if|to|in|on|at|into|until|lost|tells?)\b)[\w'’-]+){0,3}"
    r"(?: and (?:the |a )?[\w'’-]+(?= ?[.,;!?]|$))?(?: in [A-Z][\w]+)?"
)
_POSSESSIVE = re.compile(
    r"\b(?:(?:the|a|an|my|our|his|her|their|your) )?(?!(?:he|she|it|that|there|what|who|let|here|how|where|one)['’]s)[\w-]+(?:['’]s|s['’](?!\w))",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:because|since|so that|in order to|due to|for fear of|thanks to)\b[^.;!?]+")
_WORD = re.compile(r"[\w'’-]+")
_QUESTION = re.compile(
    r"^\W*(?:(?:at|in|on|by|for|with|to|from|of|about|under|until|since)\s+)?(?P<word>who|whom|whose|what|which|when|where|why|how)\b(?P<rest>.*)", re.IGNORECASE
)  # fmt: skip
# "… did the captain lose", "… is the firm called", but not "… was tied to the post", "… will replace the keeper"
_OF_OBJECT = re.compile(
    r"^(?: [\w'’-]+)?(?: [\w'’-]+)? (?:do|does|did)\b|"
    r"^(?: [\w'’-]+)? (?:is|are|was|were|has|have|had|can|could|will|would|should|must|might|may) "
    r"(?:the|a|an|my|his|her|its|their|our|your|this|that|these|those|he|she|it|they|we|you|i|one|people)\b"
)
# Participles that look like no participle.
_PARTICIPLE = (
    "(?:hurt|cut|put|hit|shut|set|cast|spread|split|built|sent|spent|lost|left|kept|held|told|sold|found|bound|paid|laid|led|"
    "fed|met|won|hung|struck|shot|dug|stuck|swept|felt|dealt|burnt|lent|bent|read|lit|sung|drunk|begun)"
)
_AUXILIARY = words(
    "is are was were do does did has have had can could will would shall should may might must be been being"
)
_STOP = (
    DETERMINERS
    | _AUXILIARY
    | words(
        "of in on at to for from by with as into who whom whose what which when where why how and or but not no "
        "so than then he she it they we you i him them us me one ones someone something there here about kind "
        "sort type name called"
    )
)
_TIMES = words("today yesterday tomorrow now then later soon first finally again")
# What may stand at either end of an answer without being part of it.
_LEADING = _AUXILIARY | words("and then only also of to that not by just")
_TRAILING = _AUXILIARY | words("and who which that of to with has only all often then never always they i we he she it")


def find_english(question: str, text: str) -> str:
    """The answer as it stands in `text`, at most `MAX_WORDS` words; "" where no form fits."""
    match = _QUESTION.match(question)
    if match is None:
        return ""
    word, rest = match["word"].lower(), match["rest"].lower()
    known = {_stem(w) for w in _WORD.findall(question.lower())} - {_stem(w) for w in _STOP}
    found = ""
    if word == "how" and re.match(
        r"\s+(?:many|much|long|old|tall|high|deep|far|big|large|hot|cold|heavy|wide|fast|strong|few)\b", rest
    ):
        counted = re.match(r"\s+many\b", rest) is not None
        found = _nearest(_NUMBER if counted else _BARE_NUMBER, text, known)
        if re.fullmatch(r"1\d{3}|20\d{2}", found):  # a year measures nothing
            found = ""
    elif word == "how" and re.match(r"\s+(?:often|frequently)\b", rest):
        found = _nearest(_FREQUENCY, text, known)
    elif word == "when" or re.match(r"\s+(?:year|day|date|time|month|season|century|weekday)\b", rest):
        found = _nearest(_TIME, text, known)
    elif (
        re.match(r"\s+(?:number|price|temperature|amount|percentage|height|length|age|weight|speed|cost)\b", rest)
        or "price" in rest
    ):
        found = _nearest(_BARE_NUMBER, text, known)
    elif word == "where":
        found = _nearest(_PLACE, text, known)
    elif word == "why":
        match = _REASON.search(text)
        return match[0].strip() if match and len(match[0].split()) <= 2 * MAX_WORDS else ""
    elif word == "whose":
        found = _nearest(_POSSESSIVE, text, known)
    elif word in ("who", "whom"):
        found = _name(text, known) or _across(rest, text, known)
    elif word in ("what", "which"):
        found = _across(rest, text, known)
    return found if 0 < len(found.split()) <= MAX_WORDS else ""


def _stem(word: str) -> str:
    return re.sub(r"(?:'s|’s|ies|es|s|ed|ing|e)$", "", word.lower()) if len(word) > 3 else word.lower()


def _nearest(form: re.Pattern[str], text: str, known: set[str]) -> str:
    """What has the form and stands nearest to a word of the question, without repeating one."""
    places = [m.start() for m in _WORD.finditer(text) if _stem(m[0]) in known]
    fitting = [m for m in form.finditer(text) if not {_stem(w) for w in _WORD.findall(m[0])} <= known]
    if not fitting:
        return ""
    # An amount stands before what it counts.
    best = min(
        fitting,
        key=lambda m: min(((p - m.end() if p > m.start() else 2 * (m.start() - p)) for p in places), default=m.start()),
    )
    return best[0].strip(" ,")


def _name(text: str, known: set[str]) -> str:
    """A name that the question does not hold. A capital at the beginning of the sentence may be no name."""
    for found in _NAME.finditer(text):
        match = found
        if " " in found[0] and found[0].split()[0].lower() in _STOP:  # "And Mr. Dashwood": the name begins behind it
            match = _NAME.match(text, found.start() + found[0].index(" ") + 1) or found
        said = _WORD.findall(match[0])
        first_of_sentence = match.start() == 0 or text[: match.start()].rstrip()[-1:] in '.!?“"'
        if said[0] in ("I", "I'm", "I’m", "I've", "I'll") or {_stem(w) for w in said} & known:
            continue
        if (
            first_of_sentence
            and len(said) == 1
            and said[0].lower() in _STOP | {"and", "our", "most", "last", "today", "after", "now", "if"}
        ):
            continue
        if (
            first_of_sentence
            and len(said) == 1
            and not re.match(r"[A-Z]\w+ (?:is|was|has|had|said|says|spoke|reports?|asks?)\b", text[match.start() :])
        ):
            continue
        return match[0]
    return ""


def _across(rest: str, text: str, known: set[str]) -> str:
    """What stands on the other side of the shared words: before them where the question word is the subject ("What
    slid on the planks?"), behind them where it is the object ("What did the captain lose?").
    """
    said = [(m.start(), m.end(), _stem(m[0])) for m in _WORD.finditer(text)]
    if _OF_OBJECT.search(rest):
        shared = [end for _, end, stem in said if stem in known]
        behind = _clip(text[shared[-1] :]) if shared else ""
        # "What did she speak about?" asks for what stands behind "about", whatever became of the verb.
        preposition = rest.rstrip(" ?.!").rsplit(" ", 1)[-1]
        if preposition in ("about", "of", "for", "from", "with", "on", "to") and f" {preposition} " in behind:
            behind = behind.split(f" {preposition} ", 1)[1]
        return _trim(behind, known)
    plain = [w for w in _WORD.findall(rest) if w not in _AUXILIARY and w not in ("not", "ever", "also")]
    verbs = [_stem(w) for w in plain[: 2 if plain[1:] else 1]]
    place = next((start for start, _, stem in said if stem in verbs), None)
    passive = re.match(
        rf"(?: \w+)? (?:(?:should|can|must|may|will) (?:not )?be|is|are|was|were|has been) (?:\w+(?:ed|en|ne|ught|ade)|{_PARTICIPLE})\b",
        rest,
    )
    if place is None:
        return ""
    if passive and not re.search(r"\b(?:is|are|was|were|be|been)\b", text[:place]):
        # "What was hurt?" of "The child hurt the dog": the sentence is active, the answer its object.
        after = next((end for _, end, stem in said if stem == verbs[0]), None)
        return _trim(_clip(text[after:]), known) if after is not None else ""
    return _trim(_clip_back(text[:place]), known)


def _clip(behind: str) -> str:
    match = re.search(r"[,;:.!?–—]", behind)
    return behind[: match.start()] if match else behind


def _clip_back(before: str) -> str:
    return re.split(r"[,;:!?–—]|(?<!Mr)(?<!Mrs)(?<!Ms)(?<!Dr)(?<!Prof)(?<!St)\.", before.rstrip(" ,"))[-1]


def _trim(piece: str, known: set[str]) -> str:
    """Without the verbs and prepositions at its ends; "" when nothing that tells is left."""
    words_left = piece.split()
    plain = [w.strip('.,;:!?"“”').lower() for w in words_left]
    while plain and plain[0] in _LEADING:
        plain.pop(0), words_left.pop(0)
    while plain and plain[-1] in _TRAILING:
        plain.pop(), words_left.pop()
    telling = [w for w in plain if w not in _STOP | _TIMES and _stem(w) not in known]
    return " ".join(words_left).strip(" ,;.") if telling else ""
