"""The three fusions on one library: how well the fused vectors alone rank videos, before anything is ranked again."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from indexer.errors import IndexerError
from indexer.fusion import Addition, Attention, Concatenation
from indexer.measures import Outcomes, recalls
from indexer.query_language import take_literally
from webapp.benchmarks import judged
from webapp.benchmarks.library import Result, Shelf
from webapp.index import recipes
from webapp.index.snapshot import current_snapshot, read_rows
from webapp.models import Segment
from webapp.search.queries import Wanted, encode


def fusion(shelf: Shelf) -> Iterator[Result]:
    """Text → video by each video's best segment, per fusion and language."""
    recipe = recipes.active()
    scope = shelf.scope(shelf.truth.gallery)
    snapshot = current_snapshot(recipe)
    lexicon = snapshot.lexicon(snapshot.masks(snapshot.videos))
    rows = read_rows(Segment.objects.filter(recipe=recipe, video__in=scope), recipe)
    for kind in (Concatenation, Addition, Attention):
        try:
            fused = kind(recipe.spaces)
        except IndexerError as error:
            yield {"bench": f"fusion, {kind.__name__}", "skipped": str(error)}
            continue
        segments = fused.fuse_segments(rows.blocks)
        for language in sorted({judged.language(d.text) for d in shelf.truth.described}):
            outcomes = Outcomes(f"fusion, {kind.__name__}, {language}")
            for row in (d for d in shelf.truth.described if judged.language(d.text) == language):
                query = encode(Wanted(row.text), take_literally(row.text), lexicon, recipe)
                scores = segments @ replace(snapshot, fusion=fused).fuse(query)
                best = {v: float(scores[rows.videos == v].max()) for v in np.unique(rows.videos).tolist()}
                right = max(best.get(shelf.videos[name].pk, -np.inf) for name in row.relevant)
                outcomes.add(row.query, row.relevant[0], recalls(sum(s > right for s in best.values()) + 1))
            yield outcomes
