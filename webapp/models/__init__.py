"""The tables, by what they are about."""

from webapp.models.catalogue import Assignment, Installation, ReadingCurve
from webapp.models.collections import Collection
from webapp.models.custody import AuditEntry, ExportLink, Upload
from webapp.models.labels import Classifier, Example, Label, Tag
from webapp.models.links import SharedMoment, SharedThread, Token
from webapp.models.montages import Montage, Piece
from webapp.models.people import Dismissal, User, Viewing
from webapp.models.quality import Impression, Judgement, Measurement, Tuning
from webapp.models.questions import Question
from webapp.models.searches import Alert, Delivery, PictureQuery, RecentSearch, SavedSearch, Webhook
from webapp.models.spellings import Spelling
from webapp.models.steps import Step, Worker
from webapp.models.study import Pause, Review, StudyCard
from webapp.models.transcripts import Transcript
from webapp.models.vectors import Evidence, EvidenceVector, FrameVector, IndexState, Recipe, Segment, Tombstone
from webapp.models.videos import BROUGHT, SPEECH, Chapter, Keyframe, ScreenLine, Shot, Utterance, Video, title_from

__all__ = [
    "BROUGHT",
    "SPEECH",
    "Alert",
    "Assignment",
    "AuditEntry",
    "Chapter",
    "Classifier",
    "Collection",
    "Delivery",
    "Dismissal",
    "Evidence",
    "EvidenceVector",
    "Example",
    "ExportLink",
    "FrameVector",
    "Impression",
    "IndexState",
    "Installation",
    "Judgement",
    "Keyframe",
    "Label",
    "Measurement",
    "Montage",
    "Pause",
    "PictureQuery",
    "Piece",
    "Question",
    "ReadingCurve",
    "RecentSearch",
    "Recipe",
    "Review",
    "SavedSearch",
    "ScreenLine",
    "Segment",
    "SharedMoment",
    "SharedThread",
    "Shot",
    "Spelling",
    "Step",
    "StudyCard",
    "Tag",
    "Token",
    "Tombstone",
    "Transcript",
    "Tuning",
    "Upload",
    "User",
    "Utterance",
    "Video",
    "Viewing",
    "Webhook",
    "Worker",
    "title_from",
]
