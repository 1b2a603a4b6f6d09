"""What is spoken about: phrases between stop words, by how often and with what they occur.

RAKE (Rose, Engel, Cramer & Cowley 2010, Automatic Keyword Extraction from Individual Documents): a word counts by its
degree over its frequency, a phrase by its words. Chinese nouns are found by their part of speech instead.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qa.types import Evidence

MAX_WORDS = 4  # words of a phrase
NAME_WEIGHT = 1.5
MIN_SENTENCES = 3  # of speech: one or two sum up themselves

_HAN = re.compile(r"[\u4e00-\u9fff]")
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[.,;:!?…“”\"()–—]")
_UNSAYING = """
a about above across after again against all almost alone along already also although always am among an and another
any anybody anyone anything are around art as ask at away back be became because become been before behind being
below beside between beyond both but by came can cannot come comes could dare did do does doing done dost doth down
during each either else enough even ever every everybody everyone everything far few first for from further gave get
gets give given go goes going gone good got great had hardly has hast hath have having he hence her here hers
herself him himself his how however i if in indeed instead into is it its itself just keep kept know known last
later least leave left less let like little look looks lot made make makes many may maybe me mean might mine more
most much must my myself near need needs neither never new next no nobody none nor not nothing now of off often oh
ok okay old on once one only onto or other others our ours out over own part people perhaps please put quite rather
really said same say says see seem seemed seems seen shall she should show since so some somebody someone something
sometimes soon still such take takes than thank thanks that the thee their theirs them then there therefore these
they thine thing things think this those thou though through thus thy till to today together too took toward towards
try under until unto up upon us use used very want was way we well went were what whatever when where whether which
while who whole whom whose why will with within without would yes yet you your yours yourself 've 'll isn't don't
can't won't it's i'm i've we've we're you're that's there's let's didn't doesn't mister mr mrs ms dr today's hello
hi good evening morning welcome everybody aber alle allem allen aller alles als also am an ander auch auf aus bei
beim bin bis bist da damit dann das dass dein dem den denn der des dessen dich die dies diese diesem diesen dieser
dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch für gegen gewesen hab habe haben hat
hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren im in indem ins ist jede jedem jeden jeder jedes
jene kann kein keine können man mehr mein meine mich mir mit nach nicht nichts noch nun nur ob oder ohne sehr sein
seine seinem seinen seiner selbst sich sie sind so solche soll sondern über um und uns unser unter vom von vor war
waren warum was weil welche welcher wenn werde werden wie wieder will wir wird wo wollte würde zu zum zur zwar
zwischen
"""
_STOP = frozenset(_UNSAYING.split())
_JOINING = ("von", "van", "de", "del", "da", "di", "of", "the")  # Grimmelshausen's "von" belongs to his name
_NOUNS = ("nr", "ns", "nt", "nz", "n", "vn", "j", "l", "i")


@dataclass(frozen=True)
class Phrase:
    """Words as they are said, with the sentence that says them first."""

    text: str
    evidence: Evidence


def find_keyphrases(sentences: Sequence[Evidence], most: int) -> list[Phrase]:
    """At most `most` phrases in the order of time, spread over the sentences; none of a few short sentences."""
    if len(sentences) < MIN_SENTENCES:
        return []
    found = [(phrase, row) for row, s in enumerate(sentences) for phrase in _phrases(s.text)]
    first: dict[str, int] = {}
    shown: dict[str, str] = {}
    for phrase, row in found:
        key = " ".join(phrase).lower()
        first.setdefault(key, row)
        shown.setdefault(key, "".join(phrase) if _HAN.search(key) else " ".join(phrase))
    score = _score(found, sentences)
    chosen: list[str] = []
    crowd: Counter[int] = Counter()
    for key in sorted(score, key=lambda k: (-score[k], first[k])):
        repeated = any(set(key.split()) & set(other.split()) for other in chosen)
        if not repeated and crowd[first[key]] < 1 + most // len(sentences) and len(chosen) < most:
            chosen.append(key)
            crowd[first[key]] += 1
    return [Phrase(shown[key], sentences[first[key]]) for key in sorted(chosen, key=lambda k: first[k])]


def _score(found: Sequence[tuple[list[str], int]], sentences: Sequence[Evidence]) -> dict[str, float]:
    """Phrases in lower case -> the sum of degree over frequency of their words; names count more."""
    frequency = Counter(word.lower() for phrase, _row in found for word in phrase)
    degree: Counter[str] = Counter()
    for phrase, _row in found:
        degree.update({word.lower(): len(phrase) for word in phrase})
    score: dict[str, float] = {}
    for phrase, row in found:
        weight = sum(degree[w.lower()] / frequency[w.lower()] for w in phrase) * frequency[phrase[-1].lower()] ** 0.5
        opens = sentences[row].text.lstrip(" “\"'").startswith(phrase[0])
        is_name = any(w[:1].isupper() for w in phrase[1:]) or (phrase[0][:1].isupper() and not opens)
        key = " ".join(phrase).lower()
        score[key] = max(score.get(key, 0.0), weight * (NAME_WEIGHT if is_name else 1.0))
    return score


def _phrases(text: str) -> list[list[str]]:
    """Runs of words that tell, cut at stop words and marks."""
    if _HAN.search(text):
        import rjieba

        return [[word] for word, kind in rjieba.tag(text) if kind.startswith(_NOUNS) and len(word) > 1]
    runs: list[list[str]] = [[]]
    tokens = _TOKEN.findall(text)
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        joins_names = token in _JOINING and runs[-1] and runs[-1][-1][0].isupper() and following[:1].isupper()
        plain = {token.lower(), re.split("['’]", token.lower())[0]}
        if joins_names or (token[0].isalnum() and not token.isdigit() and not plain & _STOP):
            runs[-1].append(token)
        else:
            runs.append([])
    runs += [names for run in runs if len(run) > MAX_WORDS for names in _names(run)]
    return [run for run in runs if _fits(run) and len("".join(run)) > 3 and not _is_verb(run)]


def _names(run: Sequence[str]) -> list[list[str]]:
    """The stretches of capitals in a run that is too long for a phrase."""
    stretches: list[list[str]] = [[]]
    for word in run:
        if word[:1].isupper() or (word in _JOINING and stretches[-1]):
            stretches[-1].append(word)
        else:
            stretches.append([])
    return [stretch for stretch in stretches if 1 < len(stretch) <= 2 * MAX_WORDS]


def _fits(run: Sequence[str]) -> bool:
    name = all(word[:1].isupper() or word in _JOINING for word in run)
    return 0 < len(run) <= (2 * MAX_WORDS if name else MAX_WORDS)


def _is_verb(run: Sequence[str]) -> bool:
    """A lone word with an ending of verbs or adverbs names nothing."""
    return len(run) == 1 and run[0].islower() and re.search(r"(?:ing|ed|ly)$", run[0]) is not None
