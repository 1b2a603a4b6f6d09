"""Similar videos, and what to watch next."""

from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import AnonymousUser

from indexer import fusion
from indexer.types import Vectors
from webapp import library, recipes
from webapp.embedding import unpack
from webapp.models import FrameVector, User, Video

SAME = 0.97  # mean best cosine of keyframes from which two videos count as near-duplicates
RECENT = 10  # viewings that make a person's profile


@dataclass(frozen=True)
class Similar:
    """A neighbour of a video, and why it is one."""

    video: Video
    score: float
    near_duplicate: bool
    because: Video | None = None


def similar(user: User | AnonymousUser, video: Video, limit: int = 8) -> list[Similar]:
    """Videos whose segments lie nearest to this one's, near-duplicates marked."""
    profiles = profile_vectors([video])
    if not profiles:
        return []
    visible = Video.objects.visible_to(user).exclude(pk=video.pk)
    scores = score_videos(profiles[video.pk], visible)
    best = sorted(scores, key=lambda pk: -scores[pk])[:limit]
    rows = visible.in_bulk(best)
    return [Similar(rows[pk], scores[pk], is_copy(video, rows[pk])) for pk in best if pk in rows]


def recommend(user: User, limit: int = 8) -> list[Similar]:
    """Neighbours of what the person watched last, each with its reason; the newest videos for a newcomer."""
    visible = Video.objects.visible_to(user)
    watched = [v.video for v in user.viewings.select_related("video").order_by("-seen_at")[:RECENT]]
    profiles = profile_vectors(watched)
    unseen = visible.exclude(pk__in=[v.pk for v in watched])
    best: dict[int, tuple[float, Video]] = {}
    for age, video in enumerate(v for v in watched if v.pk in profiles):
        for pk, score in score_videos(profiles[video.pk], unseen).items():
            weighted = score * 0.9**age
            if weighted > best.get(pk, (-1.0, video))[0]:
                best[pk] = (weighted, video)
    if not best:
        return [Similar(v, 0.0, False) for v in unseen[:limit]]
    chosen = sorted(best, key=lambda pk: -best[pk][0])[:limit]
    rows = unseen.in_bulk(chosen)
    return [Similar(rows[pk], best[pk][0], False, best[pk][1]) for pk in chosen if pk in rows]


def profile_vectors(videos: list[Video]) -> dict[int, Vectors]:
    """One fused vector (dv + dt,) per video: the mean directions of its segments' blocks."""
    dims = recipes.active().dims
    profiles = {}
    for video in videos:
        rows = list(video.segments.active().values_list("visual", "text"))
        if rows:
            blocks = {
                space: fusion.mean_direction([unpack(r[n], dims[space]) for r in rows])
                for n, space in enumerate(("visual", "text"))
            }
            profiles[video.pk] = fusion.fuse_query(blocks, {"visual": 1.0, "text": 0.5})
    return profiles


def score_videos(profile: Vectors, visible: "object") -> dict[int, float]:
    """Best segment score of each visible video."""
    seen = library.snapshot()
    masks = seen.masks(np.fromiter(visible.values_list("pk", flat=True), np.int64))  # type: ignore[attr-defined]
    home = dict(zip(seen.ids.tolist(), seen.videos.tolist(), strict=True))
    scores: dict[int, float] = {}
    for hit in seen.search(profile, 200, masks):
        scores.setdefault(home[hit.segment], hit.score)
    return scores


def is_copy(one: Video, other: Video) -> bool:
    """Nearly every keyframe of the shorter one has its like in the other."""
    if not one.width or not other.width:
        return False
    a, b = (frame_vectors(v) for v in (one, other))
    if not len(a) or not len(b):
        return False
    cosines = a @ b.T
    return bool(min(cosines.max(0).mean(), cosines.max(1).mean()) >= SAME)


def frame_vectors(video: Video) -> Vectors:
    recipe = recipes.active()
    dim, encoder = recipe.dims["visual"], recipe.picture_encoder
    kept = FrameVector.objects.filter(keyframe__video=video, encoder=encoder)
    blobs = list(kept.order_by("keyframe__time").values_list("vector", flat=True))
    return np.stack([unpack(b, dim) for b in blobs]) if blobs else np.zeros((0, dim), np.float32)
