"""Waiting, retrying one step, checkpoints, outputs, what admins see; and messages that do not pile up."""

import os
import time

import numpy as np
import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from indexer.errors import DiskFull, ModelMissing, OutOfMemory, UnreadableMedia
from tests.files import derived_path, media_path
from webapp import engine
from webapp.index import recipes
from webapp.models import FrameVector, Step, Video, Worker
from webapp.pipeline import embed, estimates, ledger, outputs, stages
from webapp.pipeline.worker import StepWorker


def patch_stage(monkeypatch, name: str, compute) -> None:
    monkeypatch.setitem(stages.STAGES, name, compute)


def raising(error: Exception):
    def compute(video, progress):
        raise error

    return compute


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DiskFull("Full. Make room."), "disk-full"), (OSError(28, "No space left on device"), "disk-full"),
        (OperationalError("database or disk is full"), "disk-full"),
        (ModelMissing("Gone. Fetch it."), "model-missing"),
        (OutOfMemory("Too much. Wait."), "memory"), (MemoryError(), "memory"),
        (OperationalError("server closed the connection"), "database"),
    ],
)  # fmt: skip
def test_what_is_nobodys_fault_waits_and_costs_no_attempt(accept, monkeypatch, error, code) -> None:
    step = accept().steps.get()
    patch_stage(monkeypatch, "probe", raising(error))
    for _ in range(5):
        Step.objects.update(ready_at=ledger.Now())
        assert StepWorker("me").work_one() == step
    step.refresh_from_db()
    assert (step.status, step.attempt, step.error_code) == (Step.Status.WAITING, 0, code)
    assert step.error_text
    assert StepWorker("me").work_one() is None  # not before its time


def test_waiting_steps_go_on_by_themselves(accept, monkeypatch, work) -> None:
    video = accept(shots=1)
    monkeypatch.setattr(outputs, "has_room", lambda: False)
    work()
    assert video.steps.get().status == Step.Status.WAITING
    monkeypatch.undo()
    Step.objects.update(ready_at=ledger.Now())
    work()
    video.refresh_from_db()
    assert video.status == Video.Status.READY


def test_one_step_is_tried_again_and_the_rest_is_kept(demo, clients) -> None:
    demo.steps.filter(name__in=["speech", "describe"]).update(status=Step.Status.FAILED, attempt=3)
    address = reverse("retry", args=[demo.key])
    assert clients["other"].post(address, {"step": "speech"}).status_code == 404
    clients["owner"].post(address, {"step": "speech"})
    assert demo.steps.get(name="speech").status == Step.Status.READY
    assert demo.steps.get(name="speech").attempt == 0
    assert demo.steps.get(name="describe").status == Step.Status.FAILED
    assert demo.steps.get(name="look").status == Step.Status.DONE


def test_a_failed_rendition_leaves_the_video_ready(accept, monkeypatch, work) -> None:
    patch_stage(monkeypatch, "proxy", raising(UnreadableMedia("No encoder. ")))
    video = accept(name="old.avi", codec="mpeg4", audio_codec="mp3", shots=1)
    work()
    video.refresh_from_db()
    assert video.steps.get(name="proxy").status == Step.Status.FAILED
    assert video.status == Video.Status.READY


def test_embedding_goes_on_behind_the_last_checkpoint(demo, monkeypatch) -> None:
    recipe = recipes.active()
    encoder = engine.pictures(recipe)
    FrameVector.objects.all().delete()
    monkeypatch.setattr(embed, "BATCH", 2)
    seen = []

    class Counting:
        name, dim = encoder.name, encoder.dim

        def encode_images(self, images, thorough=True):
            seen.append(len(images))
            return encoder.encode_images(images, thorough)

    monkeypatch.setattr(engine, "pictures", lambda _: Counting())

    def dies_after_four(share: float) -> None:
        if len(seen) == 2:
            raise ledger.Stopped

    with pytest.raises(ledger.Stopped):
        embed.embed_video(demo, recipe, dies_after_four)
    assert FrameVector.objects.count() == 4
    seen.clear()
    embed.embed_video(demo, recipe, lambda share: None)
    assert sum(seen) == demo.keyframes.count() - 4


def test_less_memory_means_smaller_batches() -> None:
    asked = []

    class Small:
        def encode_images(self, images, thorough=True):
            asked.append(len(images))
            if len(images) > 3:
                raise OutOfMemory("Too many. ")
            return np.ones((len(images), 2), np.float32)

    pictures = [np.zeros((2, 2, 3), np.uint8)] * 10
    assert embed.encode_pictures(Small(), pictures).shape == (10, 2)
    assert max(a for a in asked if a <= 3) == 3

    class None_:
        def encode_images(self, images, thorough=True):
            raise MemoryError

    with pytest.raises(OutOfMemory):
        embed.encode_pictures(None_(), pictures)


def test_outputs_carry_their_content_and_orphans_are_swept(demo) -> None:
    with outputs.workspace(demo) as folder:
        (folder / "a.jpg").write_bytes(b"one")
        first = outputs.adopt(folder, demo)["a.jpg"]
        (folder / "a.jpg").write_bytes(b"two")
        second = outputs.adopt(folder, demo)["a.jpg"]
    assert first != second
    assert (derived_path(demo) / first).read_bytes() == b"one"
    assert not list(derived_path(demo).glob(".work-*"))
    assert outputs.sweep() == 0  # somebody may still be writing
    old = time.time() - outputs.ORPHAN_TTL_SECONDS - 60
    for path in [*derived_path(demo).iterdir(), media_path(demo)]:
        os.utime(path, (old, old))
    assert outputs.sweep() >= 2
    assert not any((derived_path(demo) / name).exists() for name in (first, second))
    assert media_path(demo).exists()
    assert all((derived_path(demo) / f).exists() for f in demo.keyframes.values_list("file", flat=True))
    assert (derived_path(demo) / demo.files["storyboard"]).exists()


def test_a_video_deleted_while_it_is_processed_leaves_nothing(accept, monkeypatch) -> None:
    from webapp.uploads import removal

    video = accept(shots=2)
    StepWorker("me").work_one(["probe"])
    usual = stages.STAGES["glance"]

    def compute(given, progress):
        store = usual(given, progress)
        assert list(derived_path(video).iterdir())
        removal.remove(Video.objects.get(pk=given.pk))
        derived_path(video).mkdir()  # the worker writes on
        return store

    patch_stage(monkeypatch, "glance", compute)
    assert StepWorker("me").work_one(["glance"]) is not None
    assert not Video.objects.exists()
    assert not Step.objects.exists()
    assert not derived_path(video).exists()
    assert not media_path(video).exists()


def test_admins_see_what_the_machine_does(demo, accept, clients, people) -> None:
    Worker.objects.create(name="host:1", carrier="table", started_at=ledger.Now(), seen_at=ledger.Now())
    working_on = accept(name="now.mp4", shots=1)
    ledger.claim("host:1")
    broken = accept(name="broken.mp4", shots=2)
    broken.steps.update(status=Step.Status.FAILED, error_text="It is torn.", attempt=3)
    waiting = accept(name="waits.mp4", shots=4)
    waiting.steps.update(status=Step.Status.WAITING, error_text="The disk is full.")
    page = clients["admin"].get("/operations").content.decode()
    for said in ("host:1", "It is torn.", "1 × The disk is full.", "(answers)", working_on.title, "MB free"):
        assert said in page, said
    assert "No worker was seen" not in page
    part = clients["admin"].get("/operations?part=1").content.decode()
    assert "<html" not in part
    answer = clients["admin"].post("/operations/retry", {"step": [broken.steps.get().pk, "x"]})
    assert answer.status_code == 302
    assert broken.steps.get().status == Step.Status.READY
    Worker.objects.all().delete()
    assert "No worker was seen" in clients["admin"].get("/operations").content.decode()


def test_people_see_time_spent_and_left(demo, accept, clients) -> None:
    video = accept(shots=3)
    ledger.claim("me")
    Step.objects.filter(video=video).update(progress=0.5, started_at=ledger.Now() - 40 * ledger.LEASE / 60)
    (seen,) = estimates.watch(video.steps.all())
    assert 39 < seen.spent < 60
    assert seen.left == pytest.approx(seen.spent)
    assert estimates.rates()["speech"] > 0
    page = clients["owner"].get(f"/videos/{video.key}/progress").content.decode()
    assert "to go" in page
    assert "me" in page


def test_a_database_that_is_away_is_said_so(demo, people, monkeypatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(people["owner"])
    for error, status in ((OperationalError("database is locked"), 503), (OSError(28, "No space left"), 507)):
        monkeypatch.setattr("webapp.views.search.find_moments", lambda *_, e=error, **__: raising(e)(None, None))
        answer = client.get("/search?q=a")
        assert answer.status_code == status
        assert answer["Retry-After"] == "20"
        assert "try again" in answer.content.decode()


@pytest.mark.skipif(not os.environ.get("REDIS_URL"), reason="SKIPPED LOUDLY: REDIS_URL is not set")
def test_messages_do_not_pile_up(settings) -> None:
    import redis

    from webapp.pipeline import wakeup

    settings.REDIS_URL = os.environ["REDIS_URL"]
    link = redis.Redis.from_url(settings.REDIS_URL)
    link.delete("pile")
    wakeup._rest_until = 0.0
    try:
        assert wakeup.top_up("pile", [1, 2, 3]) == 3
        assert wakeup.top_up("pile", [1, 2, 3, 4]) == 1
        assert wakeup.top_up("pile", [1]) == 0
        assert wakeup.send(9, "pile")
        assert link.llen("pile") == 5
        assert b'"content-type": "application/json"' in link.lindex("pile", 0)
    finally:
        link.delete("pile")


def test_the_most_urgent_step_of_a_queue_comes_first(demo, accept, monkeypatch) -> None:
    """A bulk re-embedding was asked for long before; the message names it; what a person uploaded has its turn."""
    done = []
    for name in ("reembed", "glance"):
        patch_stage(monkeypatch, name, lambda video, progress, n=name: lambda: done.append(n))
    bulk = ledger.add(demo, "reembed")
    fresh = accept(shots=1, sound=False)
    StepWorker("me").work_one(["probe"])
    assert fresh.steps.filter(name="glance").exists()
    StepWorker().work_for(bulk.pk)
    assert done == ["glance"]
    StepWorker().work_for(bulk.pk)
    assert done == ["glance", "reembed"]


def test_the_lowest_box_is_warned_of(clients, people) -> None:
    from django.db.models.functions import Now

    from indexer import child

    StepWorker("w1").sign_in("table")
    assert Worker.objects.get().box == child.find_tier()
    warning = "in a box of the lowest tier"
    assert (warning in clients["admin"].get("/operations").content.decode()) == (child.find_tier() == "C")
    Worker.objects.create(name="w2", carrier="table", box="C", started_at=Now(), seen_at=Now())
    assert warning in clients["admin"].get("/operations").content.decode()
