"""The nouns of answering. Times are seconds (float); spans are half-open [start, end)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Caption:
    """A sentence about a picture and the decoder's confidence in [0, 1]."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Guess:
    """A short answer about a picture, and how likely it is right, in [0, 1]."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Evidence:
    """A moment given to the reader or the decoder. `kind` says where the words come from."""

    number: int
    video: int
    start: float
    end: float
    kind: str  # speech | screen | caption | tag | chapter
    text: str
    sentence: str = ""  # the whole one, when `text` is a clause of it


@dataclass(frozen=True)
class Citation:
    """A playable span that supports a sentence."""

    video: int
    start: float
    end: float


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer or a summary, with the moments that support it.

    `kind` says what `text` is: a quotation of this kind of evidence, or "" where a decoder wrote it. `short_answer` are
    the words of a quotation that answer the question, "" where they can't be told.
    """

    text: str
    citations: list[Citation]
    kind: str = ""
    short_answer: str = ""


@dataclass(frozen=True)
class Answer:
    """Sentences that each cite a moment, or an abstention that says what was searched."""

    sentences: list[Sentence] = field(default_factory=list)
    abstained: bool = False
    searched: int = 0  # how many pieces of evidence were read

    @property
    def text(self) -> str:
        return " ".join(s.text for s in self.sentences)


@dataclass(frozen=True)
class Chapter:
    """A stretch of a video about one thing."""

    start: float
    end: float
    title: str


@dataclass(frozen=True)
class Turn:
    """One exchange of a conversation, with what the answer cites as (video, start, end), in its order."""

    question: str
    answer: str
    citations: tuple[tuple[int, float, float], ...] = ()

    @property
    def videos(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(video for video, _start, _end in self.citations))
