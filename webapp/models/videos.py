"""Videos, and what was heard and seen in them."""

import uuid
from pathlib import Path

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from indexer.types import MediaInfo
from webapp.messages import render
from webapp.models.people import User
from webapp.storage.ports import StoredFile
from webapp.storage.store import file_in_place, store

SPEECH, BROUGHT = "speech", "brought"  # where a transcript may come from, beside a subtitle track's number


def title_from(file_name: str) -> str:
    """What a video is called whose person and file say nothing else."""
    return Path(file_name).stem.replace("_", " ")[:200]


def media_name(key: uuid.UUID) -> str:
    """What an uploaded file is called where it is kept."""
    return f"media/{key}.bin"


class VideoQuerySet(models.QuerySet["Video"]):
    def visible_to(self, user: User | AnonymousUser) -> "VideoQuerySet":
        """The one rule of who may see what: own, shared with me, public to signed-in people; admins all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        mine = Video.shared_with.through.objects.filter(user_id=user.pk).values("video_id")
        shared = Q(visibility=Video.Visibility.SHARED, pk__in=mine)  # one that became private again is nobody else's
        return self.filter(Q(owner=user) | Q(visibility=Video.Visibility.PUBLIC) | shared)

    def editable_by(self, user: User | AnonymousUser) -> "VideoQuerySet":
        """Videos this person may change or delete."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.filter(owner=user)


class Video(models.Model):
    """An uploaded file and what is known about it as a whole."""

    class Visibility(models.TextChoices):
        PRIVATE = "private", _("private")
        SHARED = "shared", _("shared with people")
        PUBLIC = "public", _("public to the site")

    class Status(models.TextChoices):
        PROCESSING = "processing", _("processing")
        SEARCHABLE = "searchable", _("searchable")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="videos")
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True, help_text=_("what the file says of itself"))
    artist = models.CharField(_("by"), max_length=200, blank=True, help_text=_("who made it, as the file says"))
    recorded_at = models.DateTimeField(_("recorded"), null=True, help_text=_("as the file says"))
    place = models.CharField(_("place"), max_length=200, blank=True, help_text=_("where, as the file says"))
    latitude = models.FloatField(null=True, help_text="degrees, where the file says it in numbers")
    longitude = models.FloatField(null=True)
    file_name = models.CharField(max_length=255, help_text=_("as the person called it; never a path here"))
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.BigIntegerField()
    original = models.TextField(
        blank=True, help_text="where a file lies that is used in place, and never changed by us"
    )
    visibility = models.CharField(_("visible to"), max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    shared_with = models.ManyToManyField(User, blank=True, related_name="shared_videos")
    status = models.CharField(max_length=12, choices=Status, default=Status.PROCESSING)
    warning = models.CharField(max_length=300, blank=True, help_text="a template, filled from `warning_values`")
    warning_values = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, db_index=True, help_text="when it was first understood")
    opened_at = models.DateTimeField(null=True, db_index=True, help_text="when its rights were last changed")

    duration = models.FloatField(default=0)
    width = models.IntegerField(default=0)
    height = models.IntegerField(default=0)
    media_info = models.JSONField(default=dict)
    content_type = models.CharField(max_length=40, blank=True, help_text=_("of the file that browsers are given"))
    files = models.JSONField(default=dict, help_text="storyboard and proxy: their names in `derived`")
    streams = models.JSONField(default=dict, help_text="qualities and sounds to choose from, see `media.playlists`")
    language = models.CharField(max_length=8, blank=True)
    words_from = models.CharField(
        max_length=12,
        blank=True,
        help_text=_(
            "the transcript: speech, brought, a subtitle track's number; empty: subtitles where there are some"
        ),
    )
    spellings = models.TextField(
        _("names and terms"), blank=True, help_text=_("that are likely to be spoken, one a line")
    )
    storyboard_step = models.FloatField(default=0)
    storyboard_tiles = models.IntegerField(default=0)
    summary = models.JSONField(default=list, help_text=_("sentences: text, start, end"))
    detailed = models.JSONField(default=list, help_text=_("the long summary, in the same form"))
    about = models.JSONField(default=list, help_text=_("what is spoken about: words, start, end"))
    suggestions = models.JSONField(default=list, help_text=_("questions that it answers"))
    tags = models.JSONField(default=list, help_text=_("what stands out of its timeline"))
    has_cards = models.BooleanField(default=False, help_text="whether cards were made of what it says")
    sound = models.JSONField(default=dict, help_text=_("shares of speech, silence and other sound"))

    objects = VideoQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="one_copy_per_owner")]

    def __str__(self) -> str:
        return self.title

    @property
    def warning_text(self) -> str:
        """In the language of the reader."""
        return render(self.warning, self.warning_values)

    @property
    def info(self) -> MediaInfo:
        """What the probe learned of the file."""
        return MediaInfo(**self.media_info) if self.media_info else MediaInfo("", 0.0)

    @property
    def names(self) -> str:
        """What it is called, who made it and where: the words of the field `title`."""
        place = self.place if self.latitude is None else ""  # nobody describes numbers
        return " ".join(filter(None, [self.title, self.artist, place, self.description]))

    @property
    def media(self) -> StoredFile:
        """The uploaded file, under a name the server chose; or one that is used where it lies."""
        return file_in_place(self.original) if self.original else StoredFile(store(), media_name(self.key))

    @property
    def is_missing(self) -> bool:
        """Whether a file that is used in place lies there no more, or another does."""
        stored = self.media.look_up() if self.original else None
        return bool(self.original) and (stored is None or stored.size != self.size_bytes)

    @property
    def folder(self) -> str:
        """What names of everything made from the file begin with: keyframes, storyboard, rendition."""
        return f"derived/{self.key}"

    def derived(self, name: str) -> StoredFile:
        return StoredFile(store(), f"{self.folder}/{name}")

    @property
    def playable(self) -> StoredFile:
        return self.derived(self.files["proxy"]) if "proxy" in self.files else self.media


class Shot(models.Model):
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="shots")
    start = models.FloatField()
    end = models.FloatField()

    class Meta:
        ordering = ["start"]


class Utterance(models.Model):
    """A timed piece of speech; `words` is a list of [text, start, end]."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="utterances")
    start = models.FloatField()
    end = models.FloatField()
    text = models.TextField()
    confidence = models.FloatField(default=1)
    words = models.JSONField(default=list)
    language = models.CharField(max_length=8, blank=True)
    speaker = models.CharField(max_length=80, blank=True, help_text="as subtitles name them")

    class Meta:
        ordering = ["start", "pk"]


class ScreenLine(models.Model):
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="screen_lines")
    time = models.FloatField()
    text = models.TextField()
    confidence = models.FloatField()
    box = models.JSONField(default=list)

    class Meta:
        ordering = ["time", "pk"]


class Keyframe(models.Model):
    """A sampled picture, `file` in the video's `derived` folder; `glanced` ones serve until `look`'s are embedded.
    `full` is the same at full size until the small text on it is read.
    """

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="keyframes")
    time = models.FloatField()
    file = models.CharField(max_length=40)
    full = models.CharField(max_length=40, blank=True)
    glanced = models.BooleanField(default=False)

    class Meta:
        ordering = ["time"]


class Chapter(models.Model):
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="chapters")
    start = models.FloatField()
    end = models.FloatField()
    title = models.CharField(max_length=120)

    class Meta:
        ordering = ["start"]
