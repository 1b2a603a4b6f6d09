"""Requirements 8, 9, 28: an index generation is never lost, never wrong, and drift does not stay unseen."""

import io
import json
import os
import random
import shutil
import signal
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from indexer import generations as generation_files
from indexer.adapters.faiss import FaissIndex
from indexer.generations import GenerationStore, Manifest
from indexer.vectors import pack
from tests.files import media_path
from webapp.index import generations, recipes, snapshot
from webapp.index.changes import mark_changed
from webapp.index.snapshot import current_snapshot
from webapp.models import IndexState, Segment, Tombstone, Video
from webapp.search.moments import find_moments

PRINT, SIZE = "model|model|5-30 s|concatenation", 40_000  # vectors: some megabytes, so that a kill can land inside


class UnsafeStore(GenerationStore):
    """The null control: what software does that overwrites its one index file. The same test must catch it."""

    def publish(self, number, fingerprint, sequence, segments, parts) -> None:
        for name, data in parts.items():
            self._path(1, name).write_bytes(data)
        sizes = {name: [len(data), __import__("hashlib").sha256(data).hexdigest()] for name, data in parts.items()}
        sealed = Manifest(1, fingerprint, sequence, segments, sizes).seal()
        self._path(1, "json").write_text(json.dumps(sealed))


def content(number: int) -> dict[str, bytes]:
    """What generation `number` must hold."""
    return {"vectors": (number % 7).to_bytes(1, "little") * SIZE * 64, "rows": str(number).encode() * 100}


def write_for_ever(store: GenerationStore, first: int, acknowledge: int) -> None:
    number = first
    while True:
        store.publish(number, PRINT, number, SIZE, content(number))
        os.write(acknowledge, number.to_bytes(8, "little"))
        number += 1


def kill_writers(store: GenerationStore, trials: int) -> dict[str, int]:
    """Fork a writer, SIGKILL it at a random moment, look at what a reader finds; then the next one goes on."""
    found = {"kills": 0, "acknowledged": 0, "lost": 0, "wrong": 0, "mid-write": 0}
    dice, last = random.Random(7), 0
    for _ in range(trials):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            write_for_ever(store, last + 1, writer)
        os.close(writer)
        said = os.read(reader, 8)  # the clock starts once it writes, however slow its start was
        time.sleep(dice.uniform(0.002, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while piece := os.read(reader, 1 << 16):
            said += piece
        os.close(reader)
        acknowledged = int.from_bytes(said[-8:], "little") if said else last
        found["kills"] += 1
        found["acknowledged"] += acknowledged - last
        found["mid-write"] += any(
            p.name.endswith(".tmp") or int(p.name.split(".")[0]) not in store.numbers() for p in store.folder.iterdir()
        )
        manifest, parts, _ = store.load(PRINT)
        newest = manifest.sequence if manifest else 0
        found["lost"] += newest < acknowledged
        found["wrong"] += manifest is not None and parts != content(manifest.sequence)
        last = max(acknowledged, newest)
    return found


@pytest.mark.slow
def test_two_hundred_kills_lose_no_acknowledged_generation(tmp_path) -> None:
    found = kill_writers(GenerationStore(tmp_path / "safe"), 200)
    print(f"safe writer: {found}")
    assert found["kills"] == 200
    assert found["mid-write"] > 50
    assert found["acknowledged"] > 50
    assert found["lost"] == found["wrong"] == 0


def test_the_same_kills_catch_an_unsafe_writer(tmp_path) -> None:
    found = kill_writers(UnsafeStore(tmp_path / "unsafe"), 60)
    print(f"null control, unsafe writer: {found}")
    assert found["lost"] + found["wrong"] > 0


@pytest.mark.parametrize("fault", ["ENOSPC", "kill before the manifest"])
def test_a_write_that_fails_leaves_the_one_before(tmp_path, monkeypatch, fault) -> None:
    store = GenerationStore(tmp_path)
    store.publish(1, PRINT, 1, SIZE, content(1))
    write, count = generation_files._write, 0

    def failing(part: bytes, target: Path) -> None:
        nonlocal count
        count += 1
        if fault == "ENOSPC" or count == 3:
            write(part[: len(part) // 2], target)
            raise OSError(28, "No space left on device")
        write(part, target)

    monkeypatch.setattr(generation_files, "_write", failing)
    with pytest.raises(OSError, match="No space"):
        store.publish(2, PRINT, 2, SIZE, content(2))
    monkeypatch.undo()
    manifest, parts, damaged = store.load(PRINT)
    assert (manifest.number, parts, damaged) == (1, content(1), [])
    store.publish(3, PRINT, 3, SIZE, content(3))
    assert sorted(p.name.split(".")[0] for p in tmp_path.iterdir()) == ["1"] * 3 + ["3"] * 3


def test_two_generations_of_each_recipe_are_kept(tmp_path) -> None:
    store = GenerationStore(tmp_path)
    for number in range(1, 6):
        store.publish(number, PRINT, number, 1, content(number))
        store.publish(number + 10, "other", number, 1, content(number))
    assert store.numbers() == [15, 14, 5, 4]


# -- through the library -------------------------------------------------------------------------------------------


@pytest.fixture
def filled(people) -> list[Segment]:
    """400 segments of one video with real dimensions; two generations on disk."""
    shutil.rmtree(snapshot.store().folder)
    snapshot.store().folder.mkdir()
    snapshot._current.clear()
    recipe = recipes.active()
    video = Video.objects.create(owner=people["owner"], title="Many", file_name="many.mp4", sha256="0", size_bytes=1)
    media_path(video).write_bytes(b"0")
    Video.objects.update(duration=4000.0, media_info={"container": "mp4", "duration": 4000.0})
    add_segments(video, 390)
    assert generations.publish(recipe)
    add_segments(video, 10)
    assert generations.publish(recipe)
    return list(Segment.objects.order_by("pk"))


def add_segments(video: Video, count: int) -> list[Segment]:
    recipe, dice = recipes.active(), np.random.default_rng(count)
    sequence, rows = mark_changed(), []
    for number in range(count):
        unit = {s: (v := dice.normal(size=d)) / np.linalg.norm(v) for s, d in recipe.dims.items()}
        blocks = {space: pack(vector.astype(np.float32)) for space, vector in unit.items()}
        rows.append(Segment(video=video, recipe=recipe, sequence=sequence, start=number, end=number + 1, **blocks))
    return Segment.objects.bulk_create(rows)


def top_ten(people) -> list[tuple[int, float]]:
    found = find_moments(people["owner"], "a dog runs over a meadow", 10)
    return [(m.segment.pk, m.score) for m in found.moments]


def reopen() -> None:
    """As another process would: nothing in memory."""
    snapshot._current.clear()


def test_sixty_corruptions_give_no_wrong_answer(filled, people, tmp_path) -> None:
    folder, dice = snapshot.store().folder, random.Random(3)
    expected = top_ten(people)
    assert len(expected) == 10
    shutil.copytree(folder, tmp_path / "good")
    outcomes = {"previous generation": 0, "scan of the database": 0, "same generation": 0}
    newest = snapshot.store().numbers()[0]
    for trial in range(60):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "good", folder)
        harmed = [dice.choice(sorted(folder.glob(f"{newest}.*")))]
        if trial % 3 == 0:  # both generations
            harmed.append(dice.choice([p for p in sorted(folder.iterdir()) if not p.name.startswith(str(newest))]))
        for path in harmed:
            data = bytearray(path.read_bytes())
            place = dice.randrange(len(data))
            if trial % 2:
                data[place] ^= 1 << dice.randrange(8)
            else:
                del data[place:]
            path.write_bytes(data)
        reopen()
        assert top_ten(people) == expected, harmed
        number = current_snapshot().base.number
        outcomes[{0: "scan of the database", newest: "same generation"}.get(number, "previous generation")] += 1
        assert IndexState.objects.get().damaged
        if trial == 0:
            out = io.StringIO()
            with pytest.raises(SystemExit):
                call_command("doctor", stdout=out)
            assert "do not verify" in out.getvalue()
            assert generations.repair()
            assert not IndexState.objects.get().damaged
            reopen()
            assert top_ten(people) == expected
            assert current_snapshot().base.number > newest
        IndexState.objects.update(damaged="")
    print(f"60 corruptions, 0 wrong answers: {outcomes}")
    assert outcomes["previous generation"]
    assert outcomes["scan of the database"]
    assert not outcomes["same generation"]


def test_new_and_deleted_segments_count_at_once(filled, people) -> None:
    snapshot = current_snapshot()
    assert (len(snapshot.ids), *(len(s.segments) for s in snapshot.shelves)) == (400, 400, 0)
    video = Video.objects.create(owner=people["owner"], title="New", file_name="n.mp4", sha256="1", size_bytes=1)
    fresh = add_segments(video, 5)
    now = current_snapshot()
    assert (len(now.ids), len(now.shelves[1].segments), now.base) == (405, 5, snapshot.base)
    assert len(snapshot.ids) == 400  # a reader keeps what it has
    query = np.concatenate([np.zeros(recipes.active().dims["visual"]), np.zeros(recipes.active().dims["text"])]).astype(
        np.float32
    )
    query[: recipes.active().dims["visual"]] = np.frombuffer(fresh[0].visual[:-4], "<f2")
    assert now.search(query[None], 1, now.masks(now.videos))[0][0].segment == fresh[0].pk
    Video.objects.get(title="Many").delete()
    left = current_snapshot()
    assert sorted(left.ids) == [s.pk for s in fresh]
    assert Tombstone.objects.count() == 400
    assert generations.publish(recipes.active())
    assert generations.publish(recipes.active())
    assert Tombstone.objects.count() == 0  # no generation on disk holds them any more


def test_one_writer_at_a_time_and_no_zombie_replaces_a_newer_generation(filled) -> None:
    from django.db.models.functions import Now

    recipe, before = recipes.active(), snapshot.store().numbers()[0]
    IndexState.objects.update(writer_until=Now() + generations.WRITER_LEASE)
    assert generations.publish(recipe) is None
    IndexState.objects.update(writer_until=None)
    manifest, parts, _ = snapshot.load_newest(recipe)
    newer = generations.publish(recipe)
    assert newer == before + 1
    # The zombie: it began before, and writes now under the number that it was given.
    snapshot.store().publish(before - 1, manifest.fingerprint, manifest.sequence - 1, manifest.segments, parts)
    assert snapshot.store().numbers()[0] == newer
    assert snapshot.open_newest(recipe).number == newer


def test_doctor_finds_and_repairs_drift(filled, people, work) -> None:
    """Fifteen rows changed behind the application's back."""
    deleted, changed, forged = filled[:5], filled[5:8], filled[8:10]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM webapp_segment WHERE id IN ({','.join(str(s.pk) for s in deleted)})")
        for row in changed:  # bytes that nobody packed
            cursor.execute("UPDATE webapp_segment SET visual = %s WHERE id = %s", [b"\1" * len(row.visual), row.pk])
    for row in forged:  # a sound vector, but another one than the index holds
        Segment.objects.filter(pk=row.pk).update(visual=filled[20].visual)
    other = Video.objects.create(owner=people["owner"], title="Other", file_name="o.mp4", sha256="2", size_bytes=1)
    media_path(other).write_bytes(b"0")
    added = add_segments(other, 5)
    Segment.objects.filter(pk__in=[s.pk for s in added]).update(sequence=0)
    reopen()
    known = set(Segment.objects.values_list("pk", flat=True))
    assert {pk for pk, _ in top_ten(people)} <= known
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("error")]
    for rows, said in ((deleted, "not in the database"), (added, "are not in the index"),
                       (changed, "hold other vectors"), (forged, "other vectors in the index")):  # fmt: skip
        (line,) = [line for line in lines if said in line]
        assert all(str(row.pk) in line for row in rows), (line, rows)
    print("\n".join(lines))
    call_command("doctor", fix=True, stdout=io.StringIO())
    work()
    out = io.StringIO()
    call_command("doctor", stdout=out)
    assert "error" not in out.getvalue()
    assert {pk for pk, _ in top_ten(people)} <= set(Segment.objects.values_list("pk", flat=True))


def test_an_index_of_later_days_or_of_another_database_is_not_used(filled, people) -> None:
    """A backup of the database was restored beside a newer index; or the folder came from elsewhere."""
    expected = top_ten(people)
    IndexState.objects.update(sequence=1)
    Segment.objects.filter(sequence__gt=1).update(sequence=1)
    reopen()
    assert top_ten(people) == expected
    assert current_snapshot().base.number == 0
    assert IndexState.objects.get().damaged
    assert generations.repair()
    reopen()
    assert current_snapshot().base.number
    assert top_ten(people) == expected
    IndexState.objects.update(key=uuid.uuid4())
    reopen()
    assert current_snapshot().base.number == 0
    assert top_ten(people) == expected


@pytest.mark.parametrize("bad", ["nan", "long", "zero bytes"])
def test_no_bad_vector_reaches_the_database_or_the_index(filled, bad) -> None:
    from indexer.errors import BadVectors

    dims = recipes.active().dims
    vector = np.ones(sum(dims.values()), np.float32) * {"nan": np.nan, "long": 1.0, "zero bytes": 1e-9}[bad]
    with pytest.raises(BadVectors):
        pack(vector)
    with pytest.raises(BadVectors):
        FaissIndex(np.stack([vector, vector]), np.array([1, 1]))


def test_a_query_of_another_model_is_refused(filled) -> None:
    from indexer.errors import BadVectors, ModelMissing
    from webapp import engine

    snapshot = current_snapshot()
    with pytest.raises(BadVectors):
        snapshot.search(np.ones((1, 7), np.float32), 3, snapshot.masks(snapshot.ids))
    recipe = recipes.active()
    recipe.fingerprint = "another encoder|" + recipe.fingerprint.split("|", 1)[1]
    with pytest.raises(ModelMissing, match="another encoder"):
        engine.pictures(recipe)
