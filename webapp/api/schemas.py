"""What the API takes and gives. Times are seconds; videos are named by their keys, never by numbers."""

import uuid
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal

from django.urls import reverse
from ninja import Field, Schema
from pydantic import ConfigDict

from qa.questions import language_of
from webapp.answers.replies import is_shown, tell
from webapp.messages import explain
from webapp.models import Collection, Question, Step, Video
from webapp.search.moments import Found, Moment

Scores = dict[str, float]


class Given(Schema):
    """What the API takes: a field that it does not know is a mistake, and refused."""

    model_config = ConfigDict(extra="forbid")


class Person(Schema):
    name: str
    role: str
    may_upload: bool


class Timed(Schema):
    start: float
    end: float
    text: str


class VideoOut(Schema):
    """A video as lists show it."""

    key: uuid.UUID
    title: str
    description: str
    artist: str
    recorded_at: datetime | None
    place: str
    owner: str
    visibility: Literal["private", "shared", "public"]
    status: Literal["processing", "searchable", "ready", "failed"]
    warning: str
    created_at: datetime
    duration: float
    width: int
    height: int
    language: str
    tags: list[str]
    page: str = Field(description="address of the watch page")

    @staticmethod
    def resolve_owner(video: Video) -> str:
        return video.owner.username

    @staticmethod
    def resolve_warning(video: Video) -> str:
        return video.warning_text

    @staticmethod
    def resolve_page(video: Video) -> str:
        return reverse("watch", args=[video.key])


class TagOut(Schema):
    name: str
    kind: str
    source: str
    confidence: float
    start: float
    end: float


class StepOut(Schema):
    name: str
    status: str
    attempt: int
    progress: float
    seconds: float | None
    error: str

    @staticmethod
    def resolve_error(step: Step) -> str:
        return step.error


class VideoDetail(VideoOut):
    """A video with what was understood of it."""

    summary: list[Timed]
    detailed: list[Timed]
    chapters: list[Timed]
    timeline: list[TagOut]
    sound: Scores
    suggestions: list[str]
    steps: list[StepOut]

    @staticmethod
    def resolve_chapters(video: Video) -> list[dict[str, Any]]:
        return [{"start": c.start, "end": c.end, "text": c.title} for c in video.chapters.all()]


Names = Annotated[list[str], Field(max_length=1000, description="names of people; they replace those before")]
Keys = Annotated[list[uuid.UUID], Field(max_length=1000)]


class VideoChange(Given):
    title: str | None = Field(None, min_length=1, max_length=200)
    visibility: Literal["private", "shared", "public"] | None = None
    shared_with: Names | None = None


class CollectionOut(Schema):
    """A list of videos; `/videos` below it gives them."""

    key: uuid.UUID
    name: str
    owner: str
    is_public: bool
    page: str

    @staticmethod
    def resolve_owner(collection: Collection) -> str:
        return collection.owner.username

    @staticmethod
    def resolve_page(collection: Collection) -> str:
        return reverse("collection", args=[collection.key])


class CollectionNew(Given):
    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    videos: Keys = []


class CollectionChange(Given):
    name: str | None = Field(None, min_length=1, max_length=100)
    is_public: bool | None = None
    shared_with: Names | None = None
    add: Keys = []
    remove: Keys = []


class UtteranceOut(Timed):
    confidence: float
    words: list[tuple[str, float, float]] = Field(description="text, start, end of each word")


class MomentOut(Schema):
    video: uuid.UUID
    title: str
    start: float
    end: float
    score: float
    confidence: float = Field(description="probability in [0, 1] that the match is none of chance")
    why: Scores = Field(description="what each part contributes to the score")
    words: str
    language: str = Field(description="of what is said, ISO 639-1; empty where nothing is")
    said_at: list[float] = Field(description="seconds at which the words that were searched are said in the video")
    page: str
    picture: str | None

    @staticmethod
    def of(moment: Moment) -> "MomentOut":
        watch, picture = reverse("watch", args=[moment.video.key]), None
        if moment.picture:
            picture = reverse("frame", args=[moment.video.key, PurePath(moment.picture).stem])
        return MomentOut(
            video=moment.video.key,
            title=moment.video.title,
            start=moment.start,
            end=moment.end,
            score=moment.score,
            confidence=moment.confidence,
            why=moment.why,
            words=moment.excerpt,
            language=moment.segment.language,
            said_at=list(moment.said_at),
            page=f"{watch}?t={moment.plays_from:.2f}",
            picture=picture,
        )


class FoundOut(Schema):
    query: str
    confident: bool
    took_ms: float
    notice: str
    corrected: str = Field(description="what was searched instead of a mistyped query; empty where it was not")
    offered: str = Field(description="what may have been meant, where that is only a guess")
    problems: list[str] = Field(description="parts of the query that make no sense and were left out")
    results: list[MomentOut]

    @staticmethod
    def of(found: Found) -> "FoundOut":
        return FoundOut(
            query=found.query,
            confident=found.confident,
            took_ms=found.took_ms,
            notice=explain(found.missing) if found.missing else "",
            corrected=found.reading.corrected if found.reading else "",
            offered=found.reading.offered if found.reading else "",
            problems=list(found.reading.problems.values()) if found.reading else [],
            results=[MomentOut.of(moment) for moment in found.moments],
        )


class SimilarOut(Schema):
    video: VideoOut
    start: float = Field(description="where to begin")
    score: float
    near_duplicate: bool
    because: str | None = Field(description="title of the video that is the reason")

    @staticmethod
    def resolve_because(item: Any) -> str | None:
        return item.because.title if item.because else None


class QuestionIn(Given):
    question: str = Field(min_length=1, max_length=500)
    video: uuid.UUID | None = Field(None, description="ask this video instead of the library")
    thread: uuid.UUID | None = Field(None, description="go on with this conversation")


class CitationOut(Schema):
    video: uuid.UUID
    title: str
    start: float
    end: float
    page: str


class SentenceOut(Schema):
    text: str
    citations: list[CitationOut]


class AnswerOut(Schema):
    id: int
    thread: uuid.UUID
    question: str
    video: uuid.UUID | None
    answer: str
    abstained: bool
    sentences: list[SentenceOut]
    asked_at: datetime

    @staticmethod
    def of(question: Question, cited: dict[int, Video]) -> "AnswerOut":
        """What cites no video that the person may (still) see is left out."""
        sentences = [
            SentenceOut(text=tell(sentence, language_of(question.text)), citations=cite(sentence, cited))
            for sentence in question.answer.get("sentences", [])
            if is_shown(sentence, cited)
        ]
        return AnswerOut(
            id=question.pk,
            thread=question.thread,
            question=question.text,
            video=question.video.key if question.video else None,
            answer=" ".join(s.text for s in sentences),
            abstained=not sentences or bool(question.answer.get("abstained")),
            sentences=sentences,
            asked_at=question.asked_at,
        )


def cite(sentence: dict[str, Any], cited: dict[int, Video]) -> list[CitationOut]:
    return [
        CitationOut(
            video=video.key,
            title=video.title,
            start=c["start"],
            end=c["end"],
            page=f"{reverse('watch', args=[video.key])}?t={c['start']:.2f}",
        )
        for c in sentence["citations"]
        if (video := cited.get(c["video"])) is not None
    ]
