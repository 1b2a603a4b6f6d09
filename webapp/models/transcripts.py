"""What is said in a video, as several sources have it."""

from django.db import models

from webapp.models.videos import Video


class Transcript(models.Model):
    """The words of a video from one source, see `Video.words_from`. The one in use stands in `Utterance` rows, where it
    is searched and corrected. `lines` holds start, end, text, confidence, words and language of each.
    """

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="transcripts")
    source = models.CharField(max_length=12)
    language = models.CharField(max_length=8, blank=True)
    title = models.CharField(max_length=80, blank=True)
    lines = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["video", "source"], name="one_transcript_of_a_source")]

    def __str__(self) -> str:
        return f"{self.source} of {self.video_id}"
