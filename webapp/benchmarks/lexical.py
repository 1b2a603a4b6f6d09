"""The lexical index beside libraries that do the same: SQLite's FTS5, tantivy and bm25s (extra `bench`).

Each is asked the same words of the same made-up moments, of which all or few may be seen: what may not be seen has to
be left out inside the search, or the best hits of who may see little are lost. Tantivy gets the videos that may be seen
as a set of terms, FTS5 a table of rows, bm25s a mask.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection

from indexer.documents import Document
from indexer.expansion import Lexicon, Word
from indexer.lexical import LexicalIndex
from indexer.measures import Record
from indexer.ports import VectorIndex
from indexer.types import Ids, Mask

TOP = 40
ASKED = 100  # queries a row
ALL, PHRASE = "all visible", "phrase"
Asked = Sequence[list[str]]
Search = Callable[[list[str], str], object]
Masks = dict[str, Mask]


def compare(lines: Sequence[str], videos: Ids, asked: Asked) -> Iterator[Record]:
    """Per engine: CPU seconds to build, size, p50 and p95 of queries where all is visible, half or a hundredth of the
    videos; of phrases, where it has any.
    """
    engines: dict[str, Callable[[Sequence[str], Ids, Masks], tuple[Search, float]]] = {
        "ours": _ours,
        "tantivy": _tantivy,
        "bm25s": _bm25s,
        "FTS5": _fts5,
    }
    masks = {f"{name} visible": videos % every == 0 for name, every in (("all", 1), ("half", 2), ("1 %", 100))}
    for name, build in engines.items():
        bench = f"words of {len(lines):,}, {name}"
        missing = name in ("tantivy", "bm25s") and find_spec(name) is None
        if missing or (name == "FTS5" and connection.vendor != "sqlite"):
            yield {"bench": bench, "skipped": "not installed: uv sync --extra bench" if missing else "no SQLite"}
            continue
        begun = time.process_time()
        search, size = build(lines, videos, masks)
        record: Record = {"bench": bench, "build CPU s": round(time.process_time() - begun, 1)}
        record |= {"MB": round(size / 1e6)} if size else {}
        for kind in (*masks, PHRASE):
            if (name, kind) != ("bm25s", PHRASE):  # it knows no order
                record |= _clock(kind, search, asked[:ASKED])
        yield record


def _clock(kind: str, search: Search, asked: Asked) -> Record:
    taken = []
    for words in asked:
        begun = time.perf_counter()
        search(words, kind)
        taken.append(1000 * (time.perf_counter() - begun))
    return {f"{kind} p{p} ms": round(float(np.percentile(taken, p)), 1) for p in (50, 95)}


def _ours(lines: Sequence[str], videos: Ids, masks: Masks) -> tuple[Search, float]:
    index = LexicalIndex((Document(speech=line), "en") for line in lines)

    def search(words: list[str], kind: str) -> object:
        mask = masks.get(kind, masks[ALL])
        lexicon = Lexicon([(index, mask)])
        if kind == PHRASE:
            return index.search([lexicon.quote(" ".join(words[:2]))], TOP, mask)
        return index.search(lexicon.expand([Word((word,)) for word in words]), TOP, mask)

    return search, measure_dump(index)


def _tantivy(lines: Sequence[str], videos: Ids, masks: Masks) -> tuple[Search, float]:
    import tantivy

    schema = tantivy.SchemaBuilder().add_text_field("words", tokenizer_name="whitespace")
    schema = schema.add_unsigned_field("video", indexed=True).add_unsigned_field("row", stored=True).build()
    folder = Path(tempfile.mkdtemp())
    index = tantivy.Index(schema, str(folder))
    writer = index.writer(heap_size=500_000_000, num_threads=2)
    for row, line in enumerate(lines):
        document = tantivy.Document(words=line)
        document.add_unsigned("video", int(videos[row]))
        document.add_unsigned("row", row)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    size = sum(file.stat().st_size for file in folder.iterdir())
    searcher, may, must = index.searcher(), tantivy.Occur.Should, tantivy.Occur.Must
    visible = {kind: [int(video) for video in np.unique(videos[mask])] for kind, mask in masks.items()}

    def search(words: list[str], kind: str) -> object:
        if kind == PHRASE:
            query = tantivy.Query.phrase_query(schema, "words", words[:2])
        else:
            query = tantivy.Query.boolean_query(
                [(may, tantivy.Query.term_query(schema, "words", word)) for word in words]
            )
        if kind not in (ALL, PHRASE):
            seen = tantivy.Query.const_score_query(tantivy.Query.term_set_query(schema, "video", visible[kind]), 0.0)
            query = tantivy.Query.boolean_query([(must, query), (must, seen)])
        hits = searcher.search(query, TOP, count=False).hits
        return [searcher.doc(address)["row"] for _, address in hits]

    shutil.rmtree(folder, ignore_errors=True)  # its files stay mapped
    return search, float(size)


def _bm25s(lines: Sequence[str], videos: Ids, masks: Masks) -> tuple[Search, float]:
    import bm25s

    index = bm25s.BM25()
    index.index([line.split() for line in lines], show_progress=False)
    weights = {kind: mask.astype(np.float32) for kind, mask in masks.items()}
    scores: dict[str, Any] = index.scores

    def search(words: list[str], kind: str) -> object:
        mask = {} if kind == ALL else {"weight_mask": weights[kind]}
        return index.retrieve([words], k=TOP, show_progress=False, n_threads=0, **mask)

    return search, float(sum(part.nbytes for part in scores.values() if isinstance(part, np.ndarray)))


def _fts5(lines: Sequence[str], videos: Ids, masks: Masks) -> tuple[Search, float]:
    import sqlite3

    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE d USING fts5(words)")
    base.executemany("INSERT INTO d(rowid, words) VALUES (?, ?)", enumerate(lines))
    base.execute("CREATE TABLE seen (kind TEXT, row INTEGER, PRIMARY KEY (kind, row)) WITHOUT ROWID")
    for kind, mask in masks.items():
        base.executemany("INSERT INTO seen VALUES (?, ?)", ((kind, int(row)) for row in np.flatnonzero(mask)))
    size = base.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").fetchone()[0]
    all_rows = "SELECT rowid FROM d WHERE d MATCH :words ORDER BY bm25(d) LIMIT :top"
    seen_rows = (
        "SELECT rowid FROM d WHERE d MATCH :words AND EXISTS (SELECT 1 FROM seen WHERE kind = :kind AND row = d.rowid) "
        "ORDER BY bm25(d) LIMIT :top"
    )

    def search(words: list[str], kind: str) -> object:
        wanted = f'"{" ".join(words[:2])}"' if kind == PHRASE else " OR ".join(words)
        asking = all_rows if kind in (ALL, PHRASE) else seen_rows
        return base.execute(asking, {"words": wanted, "kind": kind, "top": TOP}).fetchall()

    return search, float(size)


def measure_dump(index: VectorIndex | LexicalIndex) -> int:
    """Bytes on the disk."""
    with tempfile.TemporaryFile() as file:
        index.dump(file)
        return file.tell()
