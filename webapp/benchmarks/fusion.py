"""Every fusion on one library, before anything is ranked again: text → video, the moment of a talk that answers, and
videos with the same tags. Those that `train rivals` made here are compared, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from django.conf import settings

from indexer.errors import IndexerError
from indexer.fusion import Addition, Attention, Concatenation
from indexer.measures import Outcomes, average_precision, recalls
from indexer.query_language import take_literally
from indexer.snapshot import Rows, Snapshot
from indexer.types import Vectors
from webapp.benchmarks import judged
from webapp.benchmarks.library import Result, Shelf
from webapp.index import recipes
from webapp.index.snapshot import current_snapshot, read_rows
from webapp.models import Recipe, Segment, Tag
from webapp.search.queries import Wanted, encode

MIN_TAG_CONFIDENCE = 0.5  # of tags that are nodes of the graph


def fusion(shelf: Shelf) -> Iterator[Result]:
    """Raises `LookupError` where judged videos are not in the library."""
    recipe = recipes.active()
    snapshot = current_snapshot(recipe)
    clips = read_rows(Segment.objects.filter(recipe=recipe, video__in=shelf.scope(shelf.truth.gallery)), recipe)
    for name, fused in list_fusions(recipe):
        if isinstance(fused, str):
            yield {"bench": f"fusion, {name}", "skipped": fused}
            continue
        asked = replace(snapshot, fusion=fused)
        segments = fused.fuse_segments(clips.blocks)
        yield from compare(shelf, f"fusion, {name}", asked, clips, segments, recipe)
        if isinstance(fused, Concatenation):
            from indexer.training.rivals import pass_messages

            smoothed = pass_messages(segments, clips.videos, tags_of(clips))
            yield from compare(shelf, "fusion, graph over concatenation", asked, clips, smoothed, recipe)


def list_fusions(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """By name; in words why one can't be made."""
    for kind in (Concatenation, Addition, Attention):
        try:
            yield kind.__name__, kind(recipe.spaces)
        except IndexerError as error:
            yield kind.__name__, str(error)
    folder = settings.KINOSCOPE_HOME / "training" / "rivals"
    if folder.exists():
        from indexer.training import rivals

        yield from ((rival.name, rival) for rival in rivals.load(folder, recipe.dims["visual"]))
    else:
        yield "rivals", "run manage.py train rivals --data DIR first"


def compare(
    shelf: Shelf, name: str, asked: Snapshot, clips: Rows, segments: Vectors, recipe: Recipe
) -> Iterator[Result]:
    """Text → video by each video's best segment, per language; talks; recommendation."""
    lexicon = asked.lexicon(asked.masks(asked.videos))

    def ask(text: str) -> Vectors:
        return asked.fuse(encode(Wanted(text), take_literally(text), lexicon, recipe))

    for language in sorted({judged.language(d.text) for d in shelf.truth.described}):
        outcomes = Outcomes(f"{name}, {language}")
        for row in (d for d in shelf.truth.described if judged.language(d.text) == language):
            scores = segments @ ask(row.text)
            best = {v: float(scores[clips.videos == v].max()) for v in np.unique(clips.videos).tolist()}
            right = max(best.get(shelf.videos[video].pk, -np.inf) for video in row.relevant)
            outcomes.add(row.query, row.relevant[0], recalls(sum(s > right for s in best.values()) + 1))
        yield outcomes
    talks = Outcomes(f"{name}, moments of talks")
    spoken_of = [q for q in shelf.truth.questions if q.get("talk") and q.get("span") and q["video"] in shelf.videos]
    for number, question in enumerate(spoken_of):
        rows = Segment.objects.filter(recipe=recipe, video=shelf.videos[question["video"]])
        spoken, spans = read_rows(rows, recipe), {pk: (a, b) for pk, a, b in rows.values_list("pk", "start", "end")}
        best_row = int((asked.fusion.fuse_segments(spoken.blocks) @ ask(question["q"])).argmax())
        start, end = spans[int(spoken.ids[best_row])]
        hit = start < question["span"][1] and question["span"][0] < end
        talks.add(str(number), question["video"], {"hit@1": 100.0 * hit})
    yield talks
    yield recommend(shelf, name, clips, segments)


def recommend(shelf: Shelf, name: str, clips: Rows, segments: Vectors) -> Outcomes:
    """Videos by the nearness of their segments' mean: do those with the same tag come first?"""
    tags: Mapping[int, frozenset[str]] = {
        shelf.videos[row.video].pk: row.classes for row in shelf.truth.classed if row.video in shelf.videos
    }
    videos = [v for v in np.unique(clips.videos).tolist() if v in tags]
    means = np.stack([segments[clips.videos == v].mean(0) for v in videos]) if videos else np.zeros((0, 1))
    means = means - means.mean(0) if len(means) else means  # what all videos share tells none apart
    means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    nearness = means @ means.T
    outcomes = Outcomes(f"{name}, same tag")
    for row, video in enumerate(videos):
        order = [str(videos[i]) for i in np.argsort(-nearness[row]) if i != row]
        for tag in sorted(tags[video]):
            relevant = [str(v) for v in videos if v != video and tag in tags[v]]
            if relevant:
                hit = 100.0 * bool(set(order[:10]) & set(relevant))
                outcomes.add(f"{video} {tag}", str(video), {"mAP": average_precision(order, relevant), "hit@10": hit})
    return outcomes


def tags_of(clips: Rows) -> list[set[str]]:
    """The product's own tags of each segment."""
    found: dict[int, list[tuple[str, float, float]]] = {}
    seen = Tag.objects.filter(video__in=set(clips.videos.tolist()), source=Tag.Source.PICTURE)
    sure = seen.filter(confidence__gte=MIN_TAG_CONFIDENCE)
    for video, name, start, end in sure.values_list("video", "name", "start", "end"):
        found.setdefault(video, []).append((name, start, end))
    segments = Segment.objects.filter(pk__in=clips.ids.tolist())
    spans = {pk: (start, end) for pk, start, end in segments.values_list("pk", "start", "end")}
    return [
        {name for name, start, end in found.get(video, []) if start < spans[pk][1] and spans[pk][0] < end}
        for pk, video in zip(clips.ids.tolist(), clips.videos.tolist(), strict=True)
    ]
