"""The nouns of indexing. Times are seconds (float); spans are half-open [start, end)."""

from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# Images are RGB uint8 (h, w, 3); audio is mono 16 kHz float32 (n,) in [-1, 1];
# embeddings are unit-length float32 (n, d), or all zero where a segment has nothing to embed.
Image: TypeAlias = npt.NDArray[np.uint8]
Audio: TypeAlias = npt.NDArray[np.float32]
Vectors: TypeAlias = npt.NDArray[np.float32]
Halves: TypeAlias = npt.NDArray[np.float16]  # vectors as they are kept
Ids: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]  # (n,): which rows may be found

SAMPLE_RATE = 16_000  # Hz; what Whisper and Silero take


@dataclass(frozen=True)
class Span:
    """[start, end) in seconds."""

    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start

    def overlap(self, other: "Span") -> float:
        """Seconds that both spans share, >= 0."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True)
class MediaInfo:
    """What the probe learned of a file. `duration` is measured on packets, not believed from the header."""

    container: str
    duration: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    rotation: int = 0
    video_codec: str = ""
    audio_codec: str = ""
    pixel_format: str = ""
    pixel_aspect: float = 1.0  # width of a pixel over its height
    interlaced: bool = False
    start: float = 0.0  # the file's own time stamp at which all times here are 0
    seekable: bool = True  # it says how long it is, and where in it which second stands
    first_tracks: bool = True  # picture and sound are the first of their kind: what browsers play
    sound: int = -1  # the chosen sound track's number in the file, -1 for none
    sounds: list[dict[str, Any]] = field(default_factory=list)  # every one: index, codec, language, title, readable
    subtitles: list[dict[str, Any]] = field(default_factory=list)  # those made of words: index, codec, language, title
    chapters: list[dict[str, Any]] = field(default_factory=list)  # as the file names them: start, end, title
    tags: dict[str, Any] = field(default_factory=dict)  # what the file says of itself, by FFmpeg's names
    warning: str = ""  # what is missing or broken: a template as in `errors`, filled from `warning_values`
    warning_values: dict[str, Any] = field(default_factory=dict)

    @property
    def has_video(self) -> bool:
        return bool(self.video_codec)

    @property
    def has_audio(self) -> bool:
        return bool(self.audio_codec)


@dataclass(frozen=True)
class Keyframe:
    """A sampled picture of a shot: its time and the JPEG file that holds it; `full` holds it at full size where it may
    show text that is too small in the other.
    """

    time: float
    path: str
    full: str = ""


TILE = (160, 90)  # pixels of a storyboard's tile
TILES_A_ROW = 10


@dataclass(frozen=True)
class LookPart:
    """Result of the decode pass over one window of the film."""

    start: float  # of the window, seconds
    end: float  # time of its last picture
    cuts: list[float]  # at which a new shot starts
    keyframes: list[Keyframe]
    tiles: list[str]  # JPEGs for the storyboard, in order
    fulls: int  # pictures that were kept at full size
    frames: int  # pictures decoded
    decode_errors: int


@dataclass(frozen=True)
class Look:
    """Result of the one decode pass."""

    shots: list[Span]
    keyframes: list[Keyframe]
    storyboard: str  # JPEG sprite path, "" when the file has no picture
    storyboard_step: float  # seconds between tiles
    storyboard_tiles: int
    frames: int  # pictures decoded
    decode_errors: int


@dataclass(frozen=True)
class Word:
    """A spoken word with its time."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Utterance:
    """A timed piece of speech (Whisper's "segment"). `confidence` is mean token probability in [0, 1]."""

    start: float
    end: float
    text: str
    confidence: float = 1.0
    words: list[Word] = field(default_factory=list)
    language: str = ""  # ISO 639-1
    speaker: str = ""


@dataclass(frozen=True)
class Transcript:
    """All utterances of a video and the language of most of them (ISO 639-1; "" when nothing is said)."""

    language: str
    utterances: list[Utterance]


@dataclass(frozen=True)
class ScreenLine:
    """A line of text seen on a keyframe. `box` is (x, y, w, h) in [0, 1] of the picture."""

    time: float
    text: str
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Segment:
    """Our unit of indexing: whole shots and whole utterances, usually 5-30 s."""

    start: float
    end: float
    speech: str
    screen: str

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


@dataclass(frozen=True)
class Space:
    """An embedding space: the name of the encoder that makes its vectors, and their width."""

    encoder: str
    dim: int


@dataclass(frozen=True)
class Hit:
    """A segment that an index returned, with its score."""

    segment: int
    score: float


@dataclass(frozen=True)
class Moments:
    """What an engine keeps of n segments: `ids`, `videos` and `owners` (n,), whether all may see each (`public`, (n,)),
    and fused `vectors` (n, d).
    """

    ids: Ids
    videos: Ids
    owners: Ids
    public: Mask
    vectors: Vectors


@dataclass(frozen=True)
class Audience:
    """Who asks: they find what is public, their own, and videos that are shared with them; `everything` for admins."""

    owner: int
    shared: tuple[int, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Permit:
    """What an engine may leave out: all but these `videos`, else what the `audience` may not see. `share` of all
    moments, in (0, 1], is what may be found: the less, the further it has to look.
    """

    share: float
    videos: tuple[int, ...] | None = None
    audience: Audience | None = None

    @property
    def filters(self) -> bool:
        """Whether anything is left out."""
        return self.videos is not None or (self.audience is not None and not self.audience.everything)


def to_record(value: Any) -> dict[str, Any]:
    """A dataclass as a JSON-ready dict (the box speaks JSON)."""
    return asdict(value)
