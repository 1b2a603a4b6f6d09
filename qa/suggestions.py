"""Questions that a video can answer, to show people what may be asked. The caller keeps those that are answered."""

import re
from collections import Counter
from collections.abc import Sequence

from qa.types import Evidence

MAX_CANDIDATES = 12  # candidates: each is tried
_NAME = re.compile(r"(?<=[\w,;] )((?:[A-Z][\w'’-]+)(?:(?: of| the| de| von)? [A-Z][\w'’-]+)*)")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_COMMON = frozenset(["I", "I'm", "I'll", "I've", "I'd", "And", "But", "So", "The", "Mr", "Mrs", "Ms", "Dr"])


def propose(pieces: Sequence[Evidence], terms: Sequence[Sequence[str]]) -> list[str]:
    """Candidates, most telling first: about names that are spoken, about what is written. `terms` are of each piece."""
    spoken = [(p.text, said) for p, said in zip(pieces, terms, strict=True) if p.kind == "speech"]
    names = Counter(n for text, _ in spoken for n in map(_strip_common, _NAME.findall(text)) if n)
    questions = [f"What is said about {name}?" for name, _ in names.most_common(MAX_CANDIDATES // 2)]
    words = Counter(t for _, said in spoken for t in set(said) if _HAN.search(t) and len(t) > 1)
    questions += [f"关于“{word}”说了什么？" for word, _ in words.most_common(MAX_CANDIDATES // 3)]
    screens = sorted((p for p in pieces if p.kind == "screen"), key=lambda p: -len(p.text))[:2]
    questions += [f"What is written on the screen at {_clock((p.start + p.end) / 2)}?" for p in screens]
    return questions[:MAX_CANDIDATES]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _strip_common(name: str) -> str:
    """ "I'm Ada Lovelace" -> "Ada Lovelace"; "" when no name is left."""
    words = name.split()
    while words and words[0] in _COMMON:
        words.pop(0)
    return " ".join(words)
