"""Questions that a picture can answer: which kind one is, and the plain form in which the decoder is asked.

The same plain form is made of questions while training (`training.questions`), so that both sides use the same words.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qa.types import Guess


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ANY_ANIMAL = "what animal is this"
KINDS = ("colour", "count", "object", "place", "action", "yesno")
COLOURS = words("black white red blue green yellow brown orange pink purple gray grey tan gold silver")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DETERMINERS = words("a an the his her their its some another this that")
# What ends a noun phrase.
STOPS = words(
    "in on at of with and or while is are was were by from through over near next to into onto that who which as "
    "for under behind beside against along across around down up out off inside outside between above below toward "
    "towards has have wears holds stands sits runs jumps plays rides walks looks leaps swims carries there being it "
    "he she they during after before like together very this these those each one's about back front top side "
    "bottom do does did can could seen visible shown doing"
)
ADJECTIVES = words(
    "small little large big young old older elderly tall short long tan light dark bright blond blonde bald wet "
    "dirty muddy sandy snowy grassy rocky wooden black-haired colorful striped plaid other different several many "
    "empty open white-haired dressed covered crowded busy shallow deep blue-eyed asian indian african american "
    "dominant main first second last only"
)
_PERSON = words(
    "man woman boy girl child kid toddler baby lady guy person player rider skier snowboarder surfer biker cyclist "
    "skater climber runner swimmer individual male female adult teenager teen someone he she him her it speaker "
    "singer dancer batter driver performer narrator"
)
_PEOPLE = words(
    "men women boys girls children kids toddlers babies ladies guys people players riders they them persons adults "
    "individuals runners teenagers couple friends"
)
_WHEN = re.compile(
    r"\b(?:in the (?:first|second|last|next|opening|final) (?:scene|shot|picture|part|half)|at (?:the )?(?:beginning|"
    r"start|end|first|last)|at (?:about )?\d+\s*(?:s|sec|seconds?|minutes?)?\b|later|finally|here|now|in (?:the|this) "
    r"(?:video|clip|picture|scene|film|movie|image|photo))\b"
)
_COLOUR = re.compile(r"\bwhat (?:is the )?(?:\w+ )?colors? (?:is|are|was|were|of|does|do|has|have)?\s?(.+)")
_PAST = re.compile(r"^(?:\w{2,}ed|born|made|held|built|found|bought|sold|grown|taken)$")
_AUXILIARIES = words("is are was were does do")
_HOLDS = {"wear": "wearing", "hold": "holding", "ride": "riding", "carry": "carrying", "throw": "throwing"} | {
    "catch": "catching", "eat": "eating", "play": "playing", "climb": "climbing", "push": "pushing", "pull": "pulling",
    "kick": "kicking", "hit": "hitting", "chase": "chasing",
}  # fmt: skip
_DOINGS = frozenset(_HOLDS.values()) | words("sitting standing lying jumping walking running sleeping driving")


@dataclass(frozen=True)
class PictureQuestion:
    """A question in its plain form, the kind it is, and how it was put."""

    kind: str
    plain: str
    text: str = ""


# Everyday names of ImageNet-1k's animal classes: first and last class of each range.
_CLASSES = (
    (0, 1, "fish"), (2, 4, "shark"), (5, 6, "ray"), (7, 8, "chicken"), (9, 24, "bird"), (25, 29, "salamander"),
    (30, 32, "frog"), (33, 37, "turtle"), (38, 48, "lizard"), (49, 50, "crocodile"), (52, 68, "snake"),
    (70, 70, "spider"), (71, 71, "scorpion"), (72, 77, "spider"), (80, 95, "bird"), (96, 96, "bird"), (97, 98, "duck"),
    (99, 99, "goose"), (100, 100, "swan"), (101, 101, "elephant"), (104, 104, "kangaroo"), (105, 105, "koala"),
    (107, 107, "jellyfish"), (113, 114, "snail"), (118, 121, "crab"), (122, 123, "lobster"), (127, 146, "bird"),
    (147, 148, "whale"), (150, 150, "sea lion"), (151, 268, "dog"), (269, 272, "wolf"), (277, 280, "fox"),
    (281, 285, "cat"), (286, 286, "cougar"), (287, 287, "lynx"), (288, 289, "leopard"), (290, 290, "jaguar"),
    (291, 291, "lion"), (292, 292, "tiger"), (293, 293, "cheetah"), (294, 297, "bear"), (300, 306, "beetle"),
    (308, 308, "fly"), (309, 309, "bee"), (310, 310, "ant"), (319, 320, "dragonfly"), (321, 326, "butterfly"),
    (330, 332, "rabbit"), (333, 333, "hamster"), (335, 335, "squirrel"), (337, 337, "beaver"), (338, 338, "guinea pig"),
    (339, 339, "horse"), (340, 340, "zebra"), (341, 343, "pig"), (344, 344, "hippopotamus"), (345, 347, "cow"),
    (348, 349, "sheep"), (350, 350, "goat"), (351, 353, "antelope"), (354, 355, "camel"), (360, 360, "otter"),
    (365, 382, "monkey"), (385, 386, "elephant"), (387, 388, "panda"),
)  # fmt: skip


def name_animal(likely: npt.NDArray[np.float32]) -> tuple[str, float]:
    """The likeliest animal among class probabilities (1000,), and its probability."""
    total: dict[str, float] = {}
    for first, last, name in _CLASSES:
        total[name] = total.get(name, 0.0) + float(likely[first : last + 1].sum())
    best = max(total, key=total.__getitem__)
    return best, total[best]


def tokenize(sentence: str) -> list[str]:
    return re.findall(r"[a-z0-9'-]+", sentence.lower())


def generalize(word: str) -> str:
    """People are told apart badly by small pictures, and questions name them in many ways."""
    return "person" if word in _PERSON else "people" if word in _PEOPLE else word


def head_of(said: Sequence[str]) -> str:
    """The noun of the phrase that `said` begins with, "" without one."""
    phrase: list[str] = []
    for word in said:
        if word in DETERMINERS and not phrase:
            continue
        if (word in STOPS and word not in _PERSON | _PEOPLE) or (word.endswith("ing") and phrase):
            break
        phrase.append(word)
    named = [w for w in phrase if w not in ADJECTIVES]
    return generalize(named[-1]) if named else ""


def read_question(text: str) -> PictureQuestion | None:
    """The plain form of an English question about what is seen; None when a picture is not what answers it."""
    question = _read(text)
    return replace(question, text=text) if question else None


def _read(text: str) -> PictureQuestion | None:
    plain = _WHEN.sub(" ", text.lower().replace("colour", "color").replace("'s", " "))
    tokens = tokenize(plain)
    said = " ".join(tokens)
    if match := _COLOUR.search(said):
        head = head_of(match[1].split())
        return PictureQuestion("colour", f"what color is the {head}") if head else None
    if match := re.search(r"\bhow many (.+)", said):
        things = [w for w in match[1].split() if w not in ADJECTIVES]  # a verb may follow at once: "people play"
        return PictureQuestion("count", f"how many {generalize(things[0])} are there") if things else None
    if re.match(r"(?:what|which) (?:kind of |type of )?animal", said):
        return PictureQuestion("object", ANY_ANIMAL)
    if re.match(r"(?:what|which) (?:kind of )?(?:sport|activity|game)", said):
        return PictureQuestion("action", "what is the person doing")
    if match := re.match(r"(?:is|are) there (?:a|an|any|some) (.+)", said):
        head = head_of(match[1].split())
        return PictureQuestion("yesno", f"is there a {head}") if head else None
    return _read_about_someone(tokens)


def _read_about_someone(said: Sequence[str]) -> PictureQuestion | None:
    """ "What is the man in red holding?", "What does she wear?", "Where is the dog?" """
    if len(said) < 3 or said[0] not in ("what", "where") or said[1] not in _AUXILIARIES:
        return None
    verb = next((i for i, w in enumerate(said) if i > 2 and w in ("do", *_HOLDS, "sit", "stand", "lie")), len(said))
    subject = head_of(said[2 : verb if said[1] in ("does", "do") else None]) or generalize(said[2])
    about = f"{'are' if said[1] in ('are', 'were', 'do') else 'is'} the {subject}"
    if said[0] == "where":
        if _PAST.search(said[-1]):  # "Where was she born?" is told, not seen
            return None
        return PictureQuestion("place", f"where {about}")
    rest = said[3:]
    if said[1] in ("does", "do"):
        did = said[verb] if verb < len(said) else ""
        if did == "do":
            return PictureQuestion("action", f"what {about} doing")
        return PictureQuestion("object", f"what {about} {_HOLDS[did]}") if did in _HOLDS else None
    place = next((i for i, w in enumerate(rest) if w == "doing" or w in _DOINGS), -1)
    if place < 0:
        return None
    if rest[place] == "doing":
        return PictureQuestion("action", f"what {about} doing")
    base = rest[place + 1] if place + 1 < len(rest) and rest[place + 1] in ("on", "in", "with", "at") else ""
    if rest[place] in ("wearing", "holding"):
        base = ""
    return PictureQuestion("object", f"what {about} {rest[place]} {base}".rstrip())


MIN_VOTE = 0.35  # calibrated chance of being right, averaged over the frames; below it the pictures stay silent


def vote(guesses: Sequence[Guess]) -> tuple[str, int] | None:
    """The answer that the frames agree on, and the frame that is surest of it; None when they are not sure or do not
    agree.
    """
    votes: dict[str, float] = defaultdict(float)
    for guess in guesses:
        votes[guess.text] += guess.confidence / len(guesses)
    best = max(votes, key=votes.__getitem__, default="")
    if not best or votes[best] < MIN_VOTE:
        return None
    return best, max((g.confidence, i) for i, g in enumerate(guesses) if g.text == best)[1]
