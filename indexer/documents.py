"""What the lexical channel knows of a segment: its words in tokens, field by field."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from indexer.alternates import find_alternates
from indexer.tokens import tokenize

MAX_TAIL = 8  # tokens of the next segment's speech that a phrase may reach into


@dataclass(frozen=True)
class Document:
    """Tokens of each field, one space apart. `tail` is how the next segment's speech begins, for phrases that go over
    the border only; `alternates` are marked words that stand nowhere as such (`alternates`).
    """

    title: str = ""
    screen: str = ""
    speech: str = ""
    tail: str = ""
    alternates: str = ""

    @classmethod
    def of(
        cls,
        title: str,
        screen: str,
        speech: str,
        following: str = "",
        language: str = "",
        lines: Sequence[tuple[str, str]] = (),
    ) -> "Document":
        """From texts; `language` (ISO 639-1) is that of most of the speech, `lines` are those of it that are in others,
        each with its own.
        """
        tail = " ".join(_tokens(following)[:MAX_TAIL])
        texts = [("\n".join((title, screen, speech)), language), *lines]
        alternates = " ".join(dict.fromkeys(word for text, code in texts for word in find_alternates(text, code)))
        title, screen, speech = (" ".join(_tokens(text)) for text in (title, screen, speech))
        return cls(title, screen, speech, tail, alternates)

    def retitled(self, title: str) -> "Document":
        """With other names. What they are found by besides is worked out when the segment is stored anew."""
        return replace(self, title=" ".join(_tokens(title)))

    def __str__(self) -> str:
        """For `parse`."""
        return "\n".join(astuple(self))

    @classmethod
    def parse(cls, text: str) -> "Document":
        """What `str` wrote."""
        return cls(*text.split("\n"))

    @property
    def fields(self) -> dict[str, str]:
        """What `holds` reads, by the name of the part of a score."""
        return {
            "speech": f" {self.speech}  {self.alternates} ",
            "screen": f" {self.screen} ",
            "title": f" {self.title} ",
            "border": f" {' '.join(self.speech.split()[-MAX_TAIL:])} {self.tail} ",
        }


def holds(field: str, form: str) -> bool:
    """Whether a field of `Document.fields` has a word, or words that follow each other."""
    return f" {form} " in field


def _tokens(text: str) -> Sequence[str]:
    return [token.text for token in tokenize(text)]
