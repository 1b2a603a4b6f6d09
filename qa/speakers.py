"""Who speaks, as far as they say it themselves."""

import re

_INTRODUCTION = re.compile(
    r"\b(?:my name is|i am|i'm|i’m|this is|call me|My name is|I am|I'm|I’m|This is|Call me)\s+"
    r"(?P<name>(?:(?:Dr|Mr|Mrs|Ms|Professor|Captain)\.? )?[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,3})|"
    r"(?:我叫|我的名字是)(?P<han>[\u4e00-\u9fff]{2,4})|"
    r"\b(?:[Mm]ein Name ist|[Ii]ch heiße|[Ii]ch bin)\s+(?P<de>[A-ZÄÖÜ][\w-]+(?: [A-ZÄÖÜ][\w-]+){0,2})"
)


def find_introduction(text: str) -> str:
    """The name that a spoken sentence gives ("My name is Ada Lovelace"), in English, Chinese or German; "" for none."""
    match = _INTRODUCTION.search(text)
    return (match["name"] or match["han"] or match["de"]) if match else ""
