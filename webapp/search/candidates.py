"""Candidates of a search: what the index and the words propose, with everything that the ranking needs."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

import numpy as np

from indexer.ports import Fusion
from indexer.queries import Query
from indexer.retriever import Candidate
from indexer.terms import terms
from indexer.types import Mask, Span, Vectors
from webapp import engine
from webapp.index import snapshot
from webapp.models import FrameVector, Recipe, Segment, Shot
from webapp.pipeline.embed import unpack_fields, unpack_sound

POOL = 40  # candidates per channel: each costs a tenth of a millisecond to load and rank
# What chance words reach is taken off in the ranking only. Before that they would drown what is seen, so they count
# this much beside it, and are asked alone as well.
BESIDE = 0.2


def gather(query: Query, seen: snapshot.Snapshot, masks: tuple[Mask, Mask], pool: int) -> set[int]:
    """Segments that the index (asked for what is seen, and for what is said) and the lexical channel propose,
    permissions acting inside all of them.
    """
    ids = {hit.segment for hit in seen.look_up(query.terms, pool, masks)}
    fusion = engine.fusion(seen.recipe)
    for fused in (fuse(query, seen, fusion), fuse(replace(query, visual=0 * query.visual), seen, fusion)):
        if np.any(fused):
            ids.update(hit.segment for hit in seen.search(fused, pool, masks))
    return ids


def fuse(query: Query, seen: snapshot.Snapshot, fusion: Fusion) -> Vectors:
    """What the index is asked with: each space by its preference, in standard deviations of chance."""
    weights = query.preference.weights()
    weights["text"] *= BESIDE
    scaled = {space: weight / seen.calibration.spread[space] for space, weight in weights.items()}
    return fusion.fuse_query({"visual": query.visual, "text": query.words}, scaled)


def load_candidates(ids: Collection[int], seen: snapshot.Snapshot, upto: int | None = None) -> list[Candidate]:
    """Everything the ranking needs, in three queries."""
    dims = seen.recipe.dims
    rows = Segment.objects.filter(pk__in=ids, **({"sequence__lte": upto} if upto else {}))
    columns = ("pk", "video_id", "start", "end", "field_vectors", "speech", "screen", "video__title")
    found = list(rows.values_list(*columns))
    frames = load_frames([row[0] for row in found], seen.recipe)
    shots: dict[int, list[Span]] = defaultdict(list)
    spans = Shot.objects.filter(video__in={row[1] for row in found}).order_by()
    for video, start, end in spans.values_list("video", "start", "end"):
        shots[video].append(Span(start, end))
    none = np.zeros(dims["visual"], np.float32)
    candidates = []
    for pk, video, start, end, blob, speech, screen, title in found:
        vectors, times = frames.get(pk, (np.zeros((0, dims["visual"]), np.float32), []))
        candidates.append(
            Candidate(
                pk,
                video,
                Span(start, end),
                {name: v for name, v in unpack_fields(blob, dims["text"]).items() if v is not None},
                seen.looks.get(video, none),
                vectors,
                times,
                sorted((s for s in shots[video] if s.start < end and start < s.end), key=lambda s: s.start),
                {"speech": split(speech), "screen": split(screen), "title": split(title)},
            )
        )
    return candidates


def load_frames(ids: Collection[int], recipe: Recipe) -> dict[int, tuple[Vectors, list[float]]]:
    """Per segment the vectors (m, dv) of its frames and their times, in order."""
    through = Segment.keyframes.through.objects.filter(segment__in=ids)
    links: dict[int, list[int]] = defaultdict(list)
    for segment, frame in through.values_list("segment_id", "keyframe_id"):
        links[segment].append(frame)
    kept = FrameVector.objects.filter(
        keyframe__in={frame for frames in links.values() for frame in frames}, encoder=recipe.picture_encoder
    )
    vectors: dict[int, tuple[float, Vectors]] = {}
    for frame, moment, blob in kept.values_list("keyframe_id", "keyframe__time", "vector"):
        vector = unpack_sound(blob, recipe.dims["visual"])
        if vector is not None:
            vectors[frame] = (moment, vector)
    loaded = {}
    for segment, frames in links.items():
        inside = sorted((vectors[f] for f in frames if f in vectors), key=lambda pair: pair[0])
        if inside:
            loaded[segment] = (np.stack([v for _, v in inside]), [t for t, _ in inside])
    return loaded


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str, ...]:
    """Terms of a segment's words, kept: stemming is the slowest part of a search otherwise."""
    return tuple(terms(text))
