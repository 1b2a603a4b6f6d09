"""What an adapter must do. One Protocol per kind of model; shapes are in the docstrings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import BinaryIO, Protocol, Self

from indexer.types import (
    Audio,
    Halves,
    Hit,
    Ids,
    Image,
    Mask,
    Moments,
    Permit,
    ScreenLine,
    Space,
    Span,
    Transcript,
    Vectors,
)

Progress = Callable[[float], None]  # called with the done share in [0, 1]; may raise to cancel


def narrow(progress: Progress, number: int, count: int) -> Progress:
    """The progress of part `number` (from 0) of `count` equal ones, told as that of the whole."""
    return lambda share: progress((number + share) / count)


class Translator(Protocol):
    """What is said in one language, in another one."""

    name: str

    def __hash__(self) -> int: ...

    def knows(self, language: str) -> bool:
        """Whether it reads and writes a language (ISO 639-1)."""
        ...

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Each of the texts; both languages are known."""
        ...


class Dictionary(Protocol):
    """The words of a language, folded."""

    @property
    def by_length(self) -> Mapping[int, Sequence[str]]:
        """The words of each length."""
        ...

    def __contains__(self, word: str) -> bool: ...

    def rank(self, word: str) -> int:
        """0 for the commonest word; only for one that is there."""
        ...


class SentenceEncoder(Protocol):
    """Text -> the `text` space. Unrelated sentences have a cosine near 0."""

    name: str
    dim: int

    def __hash__(self) -> int: ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """What people ask: (n, dim), unit length (zero for a text without words)."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """What videos say: (n, dim), unit length (zero for a text without words)."""
        ...


class PictureEncoder(Protocol):
    """Pictures and sentences -> the `visual` space."""

    name: str
    dim: int

    def __hash__(self) -> int: ...

    def encode_images(self, images: Sequence[Image], thorough: bool = True) -> Vectors:
        """RGB uint8 (h, w, 3) of any size -> (n, dim), unit length. `thorough` may cost several times as much."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions of a picture -> (n, dim), unit length."""
        ...

    def measure_novelty(self, images: Sequence[Image]) -> Vectors:
        """RGB uint8 (h, w, 3) of any size -> (n,), at least 0; from 1 on the encoder was trained on no such picture,
        and what it makes of it is not to be said.
        """
        ...

    def locate(self, image: Image, text: str) -> Vectors:
        """RGB uint8 (h, w, 3) and a description -> (rows, columns): the higher, the more that part of the picture fits;
        (0, 0) where the encoder can't tell parts.
        """
        ...


class SoundDetector(Protocol):
    """Finds one kind of sound: speech, so that nothing else is ever transcribed; or music."""

    name: str

    def detect(self, audio: Audio) -> list[Span]:
        """Mono 16 kHz float32 (n,) -> spans of that sound in order, seconds."""
        ...


class Transcriber(Protocol):
    """Speech -> words with times."""

    name: str

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], progress: Progress, spellings: Sequence[str] = ()
    ) -> Transcript:
        """Transcribe the spans of `speech` only; times refer to the whole `audio`. `spellings`: names and terms that
        are likely to be spoken, the most important first.
        """
        ...


class ScreenReader(Protocol):
    """Reads text on a picture (OCR)."""

    name: str

    def read(self, image: Image, time: float) -> list[ScreenLine]:
        """RGB uint8 (h, w, 3) seen at `time` -> lines, top to bottom."""
        ...


class Fusion(Protocol):
    """The blocks of a segment -> the vector that is indexed. Made of space -> `Space`, both of them."""

    name: str
    dim: int

    def __init__(self, spaces: Mapping[str, Space]) -> None: ...

    def fuse_segments(self, blocks: Mapping[str, Vectors]) -> Vectors:
        """{"visual": (n, dv), "text": (n, dt)} of unit or zero rows -> (n, dim). Raises `BadVectors` for others."""
        ...

    def fuse_query(self, blocks: Mapping[str, Vectors], weights: Mapping[str, float]) -> Vectors:
        """{"visual": (dv,), "text": (dt,)} and a weight per space -> (dim,): its inner products rank segments."""
        ...


class VectorIndex(Protocol):
    """Exact or approximate inner-product search over segment vectors. Made of (n, dim) vectors, which may lie on the
    disk in half precision, and (n,) int64 ids.
    """

    dim: int

    def __init__(self, vectors: Vectors | Halves, ids: Ids) -> None: ...

    def __len__(self) -> int: ...

    def search(self, queries: Vectors, k: int, allowed: Mask | None) -> list[list[Hit]]:
        """For each of the queries (m, dim) the best `k` segment ids among the positions of `allowed` (n,) (None: all),
        best first.
        """
        ...

    def dump(self, file: BinaryIO) -> None:
        """Write the index for `load`."""
        ...

    @classmethod
    def load(cls, data: bytes | memoryview) -> Self:
        """The index that `dump` wrote. Only for bytes that were verified: a library may crash on others."""
        ...

    def vectors(self) -> tuple[Ids, Vectors]:
        """Ids (n,) and what is kept of their vectors (n, dim): to compare with the database."""
        ...


class MomentStore(Protocol):
    """Vectors of one recipe's segments in an engine that several machines share. All raise `EngineAway`."""

    def put(self, moments: Moments) -> None:
        """Add them, or put them in the place of those with the same ids."""
        ...

    def remove(self, ids: Ids) -> None: ...

    def search(self, query: Vectors, k: int, permit: Permit) -> list[Hit]:
        """Best `k` by inner product with (dim,), best first; it may lag seconds behind what was put and removed."""
        ...

    def read(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Those of them that are there, in any order, and their vectors (n, dim)."""
        ...

    def count(self) -> int:
        """How many there are, all that was put among them."""
        ...

    def is_settled(self) -> bool:
        """Whether searches see all that was put, and as fast as they will be."""
        ...

    def drop_others(self, prefix: str, kept: Collection[str]) -> None:
        """Delete collections whose names begin with `prefix`, but for those `kept`."""
        ...
