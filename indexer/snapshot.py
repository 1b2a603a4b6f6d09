"""All searchable segments at one moment, immutable: what is in a generation, and what is newer.

Both are shelves: vectors and words of the same rows in one order, so that one mask of what a person may see serves
both. A snapshot proposes candidates for a query; `retriever` ranks them.
"""

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from indexer.calibration import Calibration
from indexer.documents import Document
from indexer.expansion import Lexicon
from indexer.fusion import SPACES
from indexer.lexical import LexicalIndex, Term
from indexer.moment_store import EngineVectors
from indexer.ports import Fusion, VectorIndex
from indexer.queries import Query
from indexer.types import Audience, Halves, Hit, Ids, Mask, Vectors

# What chance words reach is taken off by the ranking only (`retriever.TEXT_DEBIAS_SIGMA`). In the raw inner product it
# would swamp the visual block, so the text block weighs this much beside it and is queried once more on its own.
TEXT_BLOCK_WEIGHT = 0.2

Forms = Collection[str]  # words that mean the same, or several that follow each other
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Masks:
    """What may be found of the generation's rows and of the newer ones; who asks, for an engine that is told."""

    base: Mask
    delta: Mask
    audience: Audience | None = None

    def __iter__(self) -> Iterator[Mask]:
        return iter((self.base, self.delta))


@dataclass(frozen=True)
class Rows:
    """Segments in one order: ids (n,), their videos (n,), blocks {"visual": (n, dv), "text": (n, dt)}, and their words,
    each with the language of its speech.
    """

    ids: Ids
    videos: Ids
    blocks: dict[str, Vectors]
    documents: list[tuple[Document, str]]

    def video_means(self, space: str) -> dict[int, Vectors]:
        """The mean block (d,) of each video."""
        order = np.argsort(self.videos, kind="stable")
        videos, starts = np.unique(self.videos[order], return_index=True)
        parts = np.split(self.blocks[space][order], starts[1:])
        return {int(v): part.mean(0) for v, part in zip(videos, parts, strict=True)} if len(videos) else {}


class Means(Mapping[int, Vectors]):
    """The mean block of each video: `videos` (n,) ascending, `rows` (n, d) in half precision, which may be mapped from
    a file that other processes map, too.
    """

    def __init__(self, videos: Ids, rows: Halves) -> None:
        self.videos, self.rows = videos, rows

    def __getitem__(self, video: int) -> Vectors:
        place = int(np.searchsorted(self.videos, video))
        if place == len(self.videos) or self.videos[place] != video:
            raise KeyError(video)
        return np.asarray(self.rows[place], np.float32)

    def __iter__(self) -> Iterator[int]:
        return iter(self.videos.tolist())

    def __len__(self) -> int:
        return len(self.videos)


@dataclass(frozen=True)
class Shelf:
    """Segments in one order and what finds them. Segment i belongs to video `videos[video_rows[i]]`; those outside
    `alive_mask` were deleted since.
    """

    segments: Ids
    videos: Ids
    video_rows: Ids
    alive_mask: Mask
    vectors: VectorIndex | EngineVectors
    lexical: LexicalIndex

    def mask_of(self, held: Sequence[Forms], titled: Sequence[Forms]) -> Mask:
        """(n,): the segments that hold a form of each of `held`, and have one of each of `titled` in their title."""
        mask = np.ones(len(self.segments), np.bool_)
        for is_title, group in ((False, held), (True, titled)):
            for forms in group:
                rows = [self.lexical.find_rows(form, is_title) for form in forms]
                mask &= np.isin(np.arange(len(mask)), np.concatenate(rows or [_NONE]))
        return mask

    def videos_of(self, forms: Forms) -> Ids:
        """The videos that hold one of these words."""
        rows = np.concatenate([self.lexical.find_rows(form) for form in forms] or [_NONE])
        return np.asarray(self.videos[np.unique(self.video_rows[rows])], np.int64)

    @classmethod
    def of(cls, segments: Ids, videos: Ids, vectors: VectorIndex | EngineVectors, lexical: LexicalIndex) -> "Shelf":
        """All alive; `segments` and `videos` are (n,)."""
        unique, rows = np.unique(videos, return_inverse=True)
        return cls(segments, unique, rows.astype(np.int64), np.ones(len(segments), np.bool_), vectors, lexical)

    def mask(self, may_see: Ids) -> Mask:
        """(n,): the segments of these videos."""
        seen = np.zeros(len(self.videos), np.bool_)
        places = np.searchsorted(self.videos, may_see)
        known = places < len(seen)
        places, wanted = places[known], may_see[known]
        seen[places[self.videos[places] == wanted]] = True
        return np.asarray(seen[self.video_rows] & self.alive_mask, np.bool_)


@dataclass(frozen=True)
class Base:
    """A generation, and the mean visual (dv,) and text (dt,) block of each video."""

    number: int
    sequence: int
    shelf: Shelf
    video_visual_means: Mapping[int, Vectors]
    video_text_means: Mapping[int, Vectors]


@dataclass(frozen=True)
class Snapshot:
    """A generation and what is newer than it, with the fusion that made the vectors of both."""

    sequence: int
    base: Base
    shelves: tuple[Shelf, Shelf]
    calibration: Calibration
    fusion: Fusion
    video_visual_means: Mapping[int, Vectors]  # (dv,) of each video
    video_text_means: Mapping[int, Vectors]  # (dt,) of each video
    is_engine_away: bool = False  # what it holds is left out

    @classmethod
    def of(
        cls,
        sequence: int,
        base: Base,
        gone: Ids,
        newer: Rows,
        index: type[VectorIndex],
        fusion: Fusion,
        calibration: Calibration,
    ) -> "Snapshot":
        """`base` without the segments `gone`, and an exact index of the `newer` ones, which may replace some of it."""
        shelf = replace(base.shelf, alive_mask=~np.isin(base.shelf.segments, np.concatenate([gone, newer.ids])))
        vectors = index(fusion.fuse_segments(newer.blocks), newer.ids)
        delta = Shelf.of(newer.ids, newer.videos, vectors, LexicalIndex(newer.documents))
        return cls(
            sequence,
            base,
            (shelf, delta),
            calibration,
            fusion,
            _prefer(newer.video_means("visual"), base.video_visual_means),
            _prefer(newer.video_means("text"), base.video_text_means),
        )

    @cached_property
    def ids(self) -> Ids:
        return np.concatenate([shelf.segments[shelf.alive_mask] for shelf in self.shelves])

    @cached_property
    def videos(self) -> Ids:
        """Of each of `ids`."""
        return np.concatenate([shelf.videos[shelf.video_rows[shelf.alive_mask]] for shelf in self.shelves])

    def masks(self, may_see: Ids, audience: Audience | None = None) -> Masks:
        """What a person who may see these videos may find, per shelf."""
        base, delta = self.shelves
        return Masks(base.mask(may_see), delta.mask(may_see), audience)

    def without_engine(self) -> "Snapshot":
        """The words of the generation, and all of what is newer."""
        return replace(self, is_engine_away=True)

    def propose(self, query: Query, masks: Masks, pool: int) -> set[int]:
        """Segments that the index (asked for what is seen, and for what is said) and the lexical channel propose, up to
        `pool` from each, permissions acting inside all of them.
        """
        both = np.stack([self.fuse(query), self.fuse(replace(query, visual=0 * query.visual))])
        found = [self.search_lexical(query.terms, pool, masks), *self.search(both[both.any(1)], pool, masks)]
        return {hit.segment for hits in found for hit in hits}

    def fuse(self, query: Query) -> Vectors:
        """What the index is asked with (d,): each space by its preference, in standard deviations of chance."""
        weights = query.preference.weights()
        weights["text"] *= TEXT_BLOCK_WEIGHT
        scaled = {space: weights[space] / self.calibration.spread[space] for space in SPACES}
        return self.fusion.fuse_query({"visual": query.visual, "text": query.text_vector}, scaled)

    def search(self, queries: Vectors, k: int, masks: Masks) -> list[list[Hit]]:
        """For each of the queries (m, d) the best `k` by vector, best first: over generation and what is newer."""
        found: list[list[Hit]] = [[] for _ in queries]
        for shelf, mask in zip(self.shelves, masks, strict=True):
            if not isinstance(shelf.vectors, EngineVectors):
                here = shelf.vectors.search(queries, k, mask)
            elif not self.is_engine_away:
                here = shelf.vectors.search(queries, k, mask, masks.audience)
            else:
                continue
            found = [hits + more for hits, more in zip(found, here, strict=True)]
        return [sorted(hits, key=lambda hit: -hit.score)[:k] for hits in found]

    def search_lexical(self, terms: Sequence[Term], k: int, masks: Masks) -> list[Hit]:
        """Best `k` by their words."""
        found = zip(self.shelves, masks, strict=True)
        hits = [
            Hit(int(s.segments[row]), score) for s, mask in found for row, score in s.lexical.search(terms, k, mask)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def only(self, masks: Masks, segments: Ids) -> Masks:
        """What of `masks` is among these segments."""
        one, two = (mask & np.isin(s.segments, segments) for s, mask in zip(self.shelves, masks, strict=True))
        return replace(masks, base=one, delta=two)

    def lexicon(self, masks: Masks) -> Lexicon:
        """The words that may be found."""
        return Lexicon([(shelf.lexical, mask) for shelf, mask in zip(self.shelves, masks, strict=True)])

    def narrow(self, masks: Masks, held: Sequence[Forms], titled: Sequence[Forms], left_out: Sequence[Forms]) -> Masks:
        """What of `masks` holds one of the forms of each of `held`, has one of each of `titled` in its title, and is of
        no video that holds a form of `left_out`.
        """
        banned = np.concatenate([shelf.videos_of(forms) for shelf in self.shelves for forms in left_out] or [_NONE])
        one, two = (
            mask & shelf.mask_of(held, titled) & ~np.isin(shelf.videos, banned)[shelf.video_rows]
            for shelf, mask in zip(self.shelves, masks, strict=True)
        )
        return replace(masks, base=one, delta=two)


def _prefer(newer: dict[int, Vectors], older: Mapping[int, Vectors]) -> Mapping[int, Vectors]:
    """Both, without copying the older ones."""
    return ChainMap(newer, older)  # type: ignore[arg-type]  # only read
