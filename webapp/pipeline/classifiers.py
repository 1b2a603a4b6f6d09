"""Labels that admins taught by examples: a worker learns them, tags the whole library with them, and every new video.

What is taught takes the place of what the label's description alone would find in pictures. The database holds the
examples by their times, so that another recipe learns from the same ones.
"""

import hashlib
import json
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from indexer import classifier, tags
from indexer.errors import IndexerError
from indexer.fusion import mean_direction
from indexer.types import Span, Vectors
from indexer.vectors import unpack_valid
from webapp import engine
from webapp.models import Classifier, Example, IndexState, Label, Recipe, Segment, Tag, Video

log = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.5  # from which on a stretch is tagged
MAX_BACKDROP = 2000  # stretches that stand for the whole library
BATCH = 100  # videos that are tagged in one transaction
SWEEP_SECONDS = 10.0  # after which a sweep leaves the rest to the next one

Stretch = tuple[int, Span]  # of a video


@dataclass(frozen=True)
class Stretches:
    """What a label may be of: segments, or whole videos; `vectors` is (n, d)."""

    places: list[Stretch]
    vectors: Vectors

    def pick(self, example: Example) -> int | None:
        """The row that shares most of its time with an example; None where nothing does."""
        wanted = Span(example.start, example.end)
        shared = [(s.overlap(wanted), row) for row, (v, s) in enumerate(self.places) if v == example.video_id]
        most, row = max(shared, default=(0.0, -1))
        return row if most > 0 else None


def sweep() -> None:
    """Learn what examples were changed of, and go on tagging."""
    state = IndexState.objects.read()
    if state is None or state.active is None:
        return
    enough = Count("examples", filter=Q(examples__good=True))
    for label in Label.objects.annotate(given=enough).filter(given__gte=classifier.MIN_EXAMPLES):
        known = Classifier.objects.filter(label=label).values_list("state", flat=True).first()
        if known != digest(label, state.active):
            learn(label, state.active)
    for stale in Label.objects.taught().annotate(given=enough).filter(given__lt=classifier.MIN_EXAMPLES):
        forget(stale)
    ends = time.monotonic() + SWEEP_SECONDS
    for row in Classifier.objects.filter(finished=False).select_related("label", "recipe"):
        while not row.finished and time.monotonic() < ends:
            tag_next(row)


def digest(label: Label, recipe: Recipe) -> str:
    """Of everything that a classifier is learned from."""
    examples = sorted(label.examples.values_list("video", "start", "end", "good"))
    learned_from = [recipe.fingerprint, label.kind, label.picture_text, label.enabled, examples]
    return hashlib.sha256(json.dumps(learned_from).encode()).hexdigest()


def learn(label: Label, recipe: Recipe) -> Classifier | None:
    """Learn and begin to tag; None, and no tag of it any more, where there are too few examples."""
    state = digest(label, recipe)
    examples = list(label.examples.all())
    stretches = load_stretches(label, recipe, Segment.objects.filter(video__in={e.video_id for e in examples}))
    rows = {row: e.good for e in examples if (row := stretches.pick(e)) is not None}
    places = [stretches.places[row] for row in rows]
    backdrop = sample(label, recipe, places)
    try:
        found, report = classifier.learn(
            stretches.vectors[list(rows)],
            np.array(list(rows.values()), np.bool_),
            np.array([video for video, _span in places], np.int64),
            backdrop,
            describe(label, recipe),
        )
    except ValueError:
        forget(label)
        return None
    except IndexerError as error:
        log.warning("the label %s could not be learned: %s", label, error)
        return None
    values = {
        "recipe": recipe,
        "state": state,
        "weights": [*found.weights.tolist(), found.bias],
        "report": asdict(report),
        "reached": 0,
        "finished": False,
    }
    return Classifier.objects.update_or_create(label=label, defaults=values)[0]


def forget(label: Label) -> None:
    """No tag of what was learned stays."""
    tagged = set(Tag.objects.seen([label.name]).values_list("video", flat=True))
    with transaction.atomic():
        Classifier.objects.filter(label=label).delete()
        Tag.objects.seen([label.name]).delete()
        summarize(tagged)


# -- tagging -------------------------------------------------------------------------------------------------------


def tag_next(row: Classifier) -> None:
    """The next videos after those that it was applied to."""
    after = Video.objects.filter(pk__gt=row.reached, status=Video.Status.READY).order_by("pk")
    videos = list(after.values_list("pk", flat=True)[:BATCH])
    with transaction.atomic():
        current = Classifier.objects.select_for_update().filter(pk=row.pk, state=row.state).first()
        if current is None:  # learned anew meanwhile
            row.finished = True
            return
        tag(videos, [row])
        row.reached, row.finished = (videos[-1] if videos else row.reached), len(videos) < BATCH
        row.save(update_fields=["reached", "finished"])


def tag_video(video: Video) -> None:
    """With everything that was taught; in the transaction that stores what the video was described with."""
    tag([video.pk], list(Classifier.objects.select_related("label", "recipe")))


def tag(videos: Collection[int], rows: Sequence[Classifier]) -> None:
    """Put what each of these classifiers sees in the place of what was seen of its label before."""
    changed: set[int] = set()
    for row in rows:
        former = Tag.objects.seen([row.label.name]).filter(video__in=videos)
        changed.update(former.values_list("video", flat=True))
        former.delete()
        found = find_tags(row, videos) if row.label.enabled else []
        Tag.objects.bulk_create(found)
        changed.update(t.video_id for t in found)
    summarize(changed)


def find_tags(row: Classifier, videos: Collection[int]) -> list[Tag]:
    stretches = load_stretches(row.label, row.recipe, Segment.objects.filter(video__in=videos))
    if not stretches.places:
        return []
    confidence = classifier.read_numbers(row.weights).judge(stretches.vectors).tolist()
    found: dict[int, list[tags.Tag]] = {}
    for (video, span), likely in zip(stretches.places, confidence, strict=True):
        if likely >= MIN_CONFIDENCE:
            tag = tags.Tag(row.label.name, row.label.kind, Tag.Source.PICTURE, likely, span.start, span.end)
            found.setdefault(video, []).append(tag)
    return [Tag(video_id=v, **asdict(tag)) for v, some in found.items() for tag in tags.join_neighbours(some)]


def summarize(videos: Collection[int]) -> None:
    """The labels that stand for each of the videos, after its tags have changed."""
    columns = ("name", "kind", "source", "confidence", "start", "end")
    for video in Video.objects.filter(pk__in=videos):
        video.tags = tags.pick_for_video([tags.Tag(*tag) for tag in video.timeline.values_list(*columns)])
        video.save(update_fields=["tags"])


# -- vectors -------------------------------------------------------------------------------------------------------


def spaces_of(label: Label) -> tuple[str, ...]:
    """Things, places and actions are seen; of what kind a video is, is heard as well."""
    return ("visual", "text") if label.kind == Label.Kind.GENRE else ("visual",)


def load_stretches(label: Label, recipe: Recipe, segments: QuerySet[Segment]) -> Stretches:
    """Segments with a picture; of a kind of video, whole videos."""
    spaces = spaces_of(label)
    places, vectors = [], []
    rows = segments.filter(recipe=recipe).order_by("video", "start")
    for video, start, end, *blobs in rows.values_list("video", "start", "end", *spaces).iterator(BATCH):
        blocks = [unpack_valid(blob, recipe.dims[space]) for blob, space in zip(blobs, spaces, strict=True)]
        if blocks[0] is not None and all(b is not None for b in blocks) and (len(spaces) > 1 or np.any(blocks[0])):
            places.append((video, Span(start, end)))
            vectors.append(np.concatenate([b for b in blocks if b is not None]))
    stacked = np.stack(vectors) if vectors else np.zeros((0, sum(recipe.dims[s] for s in spaces)), np.float32)
    return Stretches(places, stacked) if len(spaces) == 1 else join_videos(Stretches(places, stacked), recipe)


def join_videos(stretches: Stretches, recipe: Recipe) -> Stretches:
    """One row a video: the mean direction of each of its blocks."""
    by_video: dict[int, list[int]] = {}
    for row, (video, _span) in enumerate(stretches.places):
        by_video.setdefault(video, []).append(row)
    width = recipe.dims["visual"]
    places, vectors = [], []
    for video, rows in by_video.items():
        spans = [stretches.places[row][1] for row in rows]
        places.append((video, Span(spans[0].start, max(s.end for s in spans))))
        halves = stretches.vectors[rows][:, :width], stretches.vectors[rows][:, width:]
        vectors.append(np.concatenate([mean_direction(list(half)) for half in halves]))
    return Stretches(places, np.stack(vectors) if vectors else stretches.vectors)


def describe(label: Label, recipe: Recipe) -> Vectors:
    """(d,): what is looked for before there are examples."""
    visual = engine.pictures(recipe).encode_texts([label.picture_text])[0]
    if spaces_of(label) == ("visual",):
        return np.asarray(visual, np.float32)
    return np.concatenate([visual, engine.sentences(recipe).encode_queries([label.name])[0]]).astype(np.float32)


def sample(label: Label, recipe: Recipe, without: Collection[Stretch]) -> Vectors:
    """(m, d): evenly chosen stretches of the library, but for the examples."""
    segments = Segment.objects.filter(recipe=recipe)
    whole = label.kind == Label.Kind.GENRE
    count = segments.values("video").distinct().count() if whole else segments.count()
    step = max(1, -(-count // MAX_BACKDROP))
    chosen = segments.annotate(turn=F("video_id" if whole else "pk") % step).filter(turn=0)
    stretches = load_stretches(label, recipe, chosen)
    known = set(without)
    return stretches.vectors[[row for row, place in enumerate(stretches.places) if place not in known]]
