"""What a vector engine must hold, beside the index in this process: what may be found is found, and nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest

from indexer.adapters.faiss import FaissIndex
from indexer.adapters.milvus import MilvusMoments, express
from indexer.calibration import NEUTRAL
from indexer.documents import Document
from indexer.errors import EngineAway
from indexer.fusion import SPACES, Concatenation
from indexer.lexical import LexicalIndex
from indexer.moment_store import EngineVectors
from indexer.ports import MomentStore
from indexer.snapshot import Base, Masks, Rows, Shelf, Snapshot
from indexer.types import Audience, Ids, Moments, Permit, Space, Vectors
from tests import milvus

DIM, PER_VIDEO, VIDEOS = 32, 5, 1200
ROWS = PER_VIDEO * VIDEOS
FUSION = Concatenation({space: Space(space, DIM // 2) for space in SPACES})
QUERIES = 8


def unit(rows: np.ndarray) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


IDS: Ids = np.arange(ROWS, dtype=np.int64) * 3 + 11
OF: Ids = np.arange(ROWS, dtype=np.int64) // PER_VIDEO
OWNERS: Ids = OF % 40
PUBLIC = OF % 2 == 0
VECTORS = unit(np.random.default_rng(5).normal(size=(ROWS, DIM)))


def fill(store: MomentStore, some: slice = slice(None)) -> None:
    store.put(Moments(IDS[some], OF[some], OWNERS[some], PUBLIC[some], VECTORS[some]))
    while not store.is_settled():
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[milvus.MilvusServer]:
    if not milvus.able:
        pytest.skip(milvus.REASON)
    started = milvus.MilvusServer(tmp_path_factory.mktemp("milvus"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module", params=["faiss", "lite", pytest.param("server", marks=pytest.mark.slow)])
def shelf(request, tmp_path_factory) -> Shelf:
    """The rows, behind an index in memory, milvus-lite, and a real server."""
    if request.param == "faiss":
        vectors: FaissIndex | EngineVectors = FaissIndex(VECTORS, IDS)
    else:
        file = tmp_path_factory.mktemp("lite") / "moments.db"
        address = str(file) if request.param == "lite" else request.getfixturevalue("server").address
        store = MilvusMoments(address, "kinoscope_test_one", DIM)
        fill(store)
        assert store.count() == ROWS
        vectors = EngineVectors(store, IDS, OF)
    return Shelf.of(IDS, OF, vectors, LexicalIndex((Document(speech=f"word{n}"), "en") for n in range(ROWS)))


NONE: Ids = np.zeros(0, np.int64)
NOTHING = Rows(NONE, NONE, {space: np.zeros((0, DIM // 2), np.float32) for space in SPACES}, [])


def snapshot_of(shelf: Shelf, gone: Ids = NONE, newer: Rows = NOTHING) -> Snapshot:
    return Snapshot.of(2, Base(1, 1, shelf, {}, {}), gone, newer, FaissIndex, FUSION, NEUTRAL)


def best(query: Vectors, allowed: np.ndarray, k: int) -> set[int]:
    rows = np.flatnonzero(allowed)
    return set(IDS[rows[np.argsort(-(VECTORS[rows] @ query))[:k]]].tolist())


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.001])
def test_what_may_be_found_is_found_and_nothing_else(shelf, share) -> None:
    dice = np.random.default_rng(round(1000 * share))
    snapshot, found, wanted = snapshot_of(shelf), 0, 0
    for _ in range(QUERIES):
        may_see = dice.choice(VIDEOS, max(1, round(share * VIDEOS)), replace=False)
        query, allowed = unit(dice.normal(size=DIM)), np.isin(OF, may_see)
        for k in (10, 40):
            (hits,) = snapshot.search(query[None], k, snapshot.masks(may_see))
            ids = {hit.segment for hit in hits}
            assert ids <= set(IDS[allowed].tolist()), "not one that may not be seen"
            assert len(hits) == len(ids) == min(k, int(allowed.sum()))
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
            found, wanted = found + len(ids & best(query, allowed, k)), wanted + len(ids)
    assert found / wanted >= 0.99


def test_who_asks_is_told_in_few_words(shelf) -> None:
    """Public, own and shared videos, too many to be named one by one."""
    shared = (3, 14, 77)
    allowed = PUBLIC | (OWNERS == 7) | np.isin(OF, shared)
    may_see = np.unique(OF[allowed])
    snapshot, dice = snapshot_of(shelf), np.random.default_rng(9)
    found = 0
    for _ in range(QUERIES):
        query = unit(dice.normal(size=DIM))
        (hits,) = snapshot.search(query[None], 40, snapshot.masks(may_see, Audience(7, shared)))
        assert {hit.segment for hit in hits} <= set(IDS[allowed].tolist())
        found += len({hit.segment for hit in hits} & best(query, allowed, 40))
    assert found / (40 * QUERIES) >= 0.99


def test_what_is_deleted_is_gone_at_once_and_what_is_new_is_there(shelf) -> None:
    query = VECTORS[100]
    first = snapshot_of(shelf)
    everyone = np.arange(VIDEOS + 1)
    assert first.search(query[None], 1, first.masks(everyone))[0][0].segment == IDS[100]
    after = snapshot_of(shelf, gone=IDS[100:101])
    assert IDS[100] not in [hit.segment for hit in after.search(query[None], 40, after.masks(everyone))[0]]
    blocks = {space: unit(half) for space, half in zip(SPACES, np.split(query[None], 2, axis=1), strict=True)}
    newer = Rows(np.array([5], np.int64), np.array([VIDEOS], np.int64), blocks, [(Document(speech="new"), "en")])
    now = snapshot_of(shelf, gone=IDS[100:101], newer=newer)
    ((found, *_others),) = now.search(np.concatenate([blocks[s][:1] for s in SPACES], 1), 5, now.masks(everyone))
    assert found.segment == 5


@pytest.fixture(params=["lite", pytest.param("server", marks=pytest.mark.slow)])
def open_store(request, tmp_path) -> Callable[[str], MilvusMoments]:
    """Another collection of the same engine."""
    address = str(tmp_path / "moments.db") if request.param == "lite" else request.getfixturevalue("server").address
    return lambda name: MilvusMoments(address, name, DIM)


def test_an_engine_that_is_ahead_of_the_generation_tells_nothing_of_it(open_store) -> None:
    """It holds newer segments, and some that are gone: neither is in the generation that is asked."""
    store = open_store("kinoscope_test_ahead")
    fill(store, slice(0, 600))
    store.remove(IDS[:10])
    assert store.count() == 590
    ids, vectors = EngineVectors(store, IDS[:20], OF[:20]).vectors()
    assert sorted(ids.tolist()) == IDS[10:20].tolist()
    assert np.allclose(vectors[np.argsort(ids)], VECTORS[10:20], atol=1e-3)
    known = EngineVectors(store, IDS[:300], OF[:300])
    (hits,) = known.search(VECTORS[450:451], 40, np.ones(300, np.bool_))
    assert len(hits) == 40
    assert max(hit.segment for hit in hits) <= IDS[299]
    assert min(hit.segment for hit in hits) >= IDS[10]


def test_putting_again_replaces_and_recipes_never_mix(open_store) -> None:
    store, other = open_store("kinoscope_test_a"), open_store("kinoscope_test_b")
    fill(store, slice(0, 60))
    fill(store, slice(0, 60))
    assert (store.count(), other.count()) == (60, 0)
    store.put(Moments(IDS[:6], OF[:6], OWNERS[:6], ~PUBLIC[:6], -VECTORS[:6]))
    assert store.count() == 60
    _ids, vectors = store.read(IDS[:1])
    assert np.allclose(vectors[0], -VECTORS[0], atol=1e-3)
    fill(other, slice(60, 120))
    assert {hit.segment for hit in other.search(VECTORS[0], 60, Permit(1.0))} == set(IDS[60:120].tolist())
    store.drop_others("kinoscope_test_", {"kinoscope_test_b"})
    assert (store.count(), other.count()) == (0, 60)


def test_an_engine_that_is_away_is_named_and_not_waited_for_twice(monkeypatch) -> None:
    tried = []
    monkeypatch.setattr("indexer.adapters.milvus.connect", lambda *given: tried.append(given) or refuse())
    store = MilvusMoments("milvus://root:secret@engine.test:19530", "kinoscope_test", DIM)
    for _ in range(3):
        with pytest.raises(EngineAway, match=r"engine\.test does not answer") as caught:
            store.search(VECTORS[0], 5, Permit(1.0))
        assert "secret" not in str(caught.value)
    assert len(tried) == 1
    with pytest.raises(EngineAway):
        store.count()  # a worker tries
    assert len(tried) == 2


def refuse() -> None:
    raise ConnectionRefusedError("nobody listens")


def test_a_permit_in_the_words_of_milvus() -> None:
    assert express(Permit(0.1, videos=(1, 5))) == "video in [1, 5]"
    assert express(Permit(0.5, audience=Audience(7, (2, 3)))) == "public == true or owner == 7 or video in [2, 3]"
    assert express(Permit(0.5, audience=Audience(7))) == "public == true or owner == 7"
    assert express(Permit(1.0, audience=Audience(7, everything=True))) == express(Permit(1.0)) == ""


@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_kill(server) -> None:
    store = MilvusMoments(server.address, "kinoscope_test_killed", DIM)
    fill(store, slice(0, 4000))
    store.remove(IDS[:120])
    server.kill()
    with pytest.raises(EngineAway):
        store.search(VECTORS[200], 5, Permit(1.0))
    server.start()
    store = MilvusMoments(server.address, "kinoscope_test_killed", DIM)
    end = time.monotonic() + 120
    while time.monotonic() < end:  # it answers before it has loaded its collections again
        with suppress(EngineAway):
            assert store.count() == 3880
            break
        time.sleep(1)
    (hits,) = EngineVectors(store, IDS[:4000], OF[:4000]).search(VECTORS[200:201], 5, np.ones(4000, np.bool_))
    assert hits[0].segment == IDS[200]


def test_masks_are_kept_with_who_asks(shelf) -> None:
    snapshot, who = snapshot_of(shelf), Audience(7)
    masks = snapshot.only(snapshot.masks(np.arange(VIDEOS), who), IDS[:5])
    assert isinstance(masks, Masks)
    assert masks.audience == who
    assert snapshot.narrow(masks, [], [], []).audience == who
    assert int(masks.base.sum()) == 5
