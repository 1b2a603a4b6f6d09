"""Segments, evidence and their embeddings. These are the truth; FAISS files are a cache of them."""

import uuid

from django.db import models
from django.utils.translation import gettext

from indexer.types import Space
from webapp.models.videos import Keyframe, Video


class FrameVector(models.Model):
    """What a picture encoder made of a keyframe. Written batch by batch: the checkpoint of `embed`."""

    keyframe = models.ForeignKey(Keyframe, on_delete=models.CASCADE, related_name="vectors")
    encoder = models.CharField(max_length=100)
    vector = models.BinaryField()
    smoothed = models.BinaryField(default=b"", help_text="drawn towards its likes in the video (nonlocal_means)")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["keyframe", "encoder"], name="one_vector_per_frame")]


class Recipe(models.Model):
    """What makes segments and their vectors: encoders, segment lengths, fusion. One search never mixes two recipes.

    `encoders` maps "pictures" and "sentences" to [dotted path, weights]; `dims` maps space to d; `fusion` is a
    dotted path.
    """

    fingerprint = models.CharField(max_length=250, unique=True)
    encoders = models.JSONField()
    dims = models.JSONField()
    fusion = models.CharField(max_length=100, default="indexer.fusion.Concatenation")
    shortest = models.FloatField()
    longest = models.FloatField()
    calibration = models.JSONField(default=dict)
    gains = models.JSONField(default=dict, help_text="how much each part of a score counts, where that was learned")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def picture_encoder(self) -> str:
        return self.fingerprint.split("|")[0]

    @property
    def sentence_encoder(self) -> str:
        return self.fingerprint.split("|")[1]

    @property
    def spaces(self) -> dict[str, Space]:
        named = {"visual": self.picture_encoder, "text": self.sentence_encoder}
        return {space: Space(encoder, self.dims[space]) for space, encoder in named.items()}


class SegmentQuerySet(models.QuerySet["Segment"]):
    def active(self) -> "SegmentQuerySet":
        """Those of the recipe that answers searches."""
        return self.filter(recipe__in=IndexState.objects.values("active"))


class Segment(models.Model):
    """Our unit of indexing, with its packed block per space (empty when the space has nothing to say)."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="segments")
    recipe = models.ForeignKey(Recipe, on_delete=models.CASCADE, related_name="segments")
    sequence = models.BigIntegerField(default=0, help_text="of the index state that first held it")
    keyframes = models.ManyToManyField(Keyframe, related_name="segments")
    start = models.FloatField()
    end = models.FloatField()
    speech = models.TextField(blank=True)
    screen = models.TextField(blank=True)
    caption = models.TextField(blank=True)
    caption_confidence = models.FloatField(default=0)
    language = models.CharField(max_length=8, blank=True, help_text="of its speech")
    tokens = models.TextField(null=True, help_text="as they are searched; None until they are written")
    visual = models.BinaryField(default=b"")
    text = models.BinaryField(default=b"")
    field_vectors = models.BinaryField(default=b"", help_text="of speech, screen and title, one after the other")

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["start"]
        indexes = [models.Index(fields=["recipe", "sequence"])]

    @property
    def guess(self) -> str:
        """What its picture is likely to show, told as the guess it is; "" where nothing is likely."""
        return gettext("Guessed from the picture: %(text)s") % {"text": self.caption} if self.caption else ""


class Tombstone(models.Model):
    """A deleted segment that an index generation may still hold."""

    segment = models.BigIntegerField(unique=True)
    sequence = models.BigIntegerField(db_index=True)


class IndexStateManager(models.Manager["IndexState"]):
    def read(self) -> "IndexState | None":
        """The row with its recipes; None before anything was indexed."""
        return self.select_related("active", "successor").filter(pk=1).first()


class IndexState(models.Model):
    """One row. `sequence` grows with each change of segments; `active` answers; `fence` numbers index generations."""

    key = models.UUIDField(default=uuid.uuid4)  # whose generations: an index of another database is not ours
    sequence = models.BigIntegerField(default=0)
    active = models.ForeignKey(Recipe, on_delete=models.PROTECT, null=True)
    successor = models.ForeignKey(
        Recipe, on_delete=models.SET_NULL, null=True, related_name="+", help_text="answers once no video lacks it"
    )
    successor_error = models.CharField(max_length=300, blank=True, help_text="why the last one did not take over")
    fence = models.BigIntegerField(default=0)
    writer_until = models.DateTimeField(null=True)
    damaged = models.CharField(max_length=300, blank=True, help_text="generations that did not verify")
    learns = models.BooleanField(default=False, help_text="whether search learns from use")
    learn_now = models.BooleanField(default=False)
    learned_at = models.DateTimeField(null=True)
    swept_at = models.DateTimeField(null=True)
    purge_below = models.BigIntegerField(null=True, help_text="generations of an older sequence hold deleted segments")

    objects = IndexStateManager()


class Evidence(models.Model):
    """A piece that an answer may cite: a sentence of speech, screen text of a segment or its caption, a label, a
    chapter's title.
    """

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=8, help_text="speech, screen, caption, tag or chapter")
    start = models.FloatField()
    end = models.FloatField()
    text = models.TextField()
    sentence = models.TextField(blank=True, help_text="the whole one, when `text` is a clause of it")

    class Meta:
        ordering = ["video", "start", "pk"]


class EvidenceVector(models.Model):
    """What a sentence encoder made of a piece of evidence."""

    evidence = models.ForeignKey(Evidence, on_delete=models.CASCADE, related_name="vectors")
    encoder = models.CharField(max_length=100)
    vector = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["evidence", "encoder"], name="one_vector_per_evidence")]
