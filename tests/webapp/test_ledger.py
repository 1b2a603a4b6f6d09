"""The ledger: one claim wins, zombies can't write, failures end with a reason."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from indexer.errors import BoxFailed, IndexerError, UnreadableMedia
from webapp.models import Step, Video
from webapp.pipeline import ledger, stages
from webapp.pipeline.worker import StepWorker

pytestmark = pytest.mark.unit


@pytest.fixture
def step(accept) -> Step:
    return accept().steps.get(name="probe")


def test_one_of_many_workers_gets_the_step(step) -> None:
    def claim(number: int) -> bool:
        try:
            return ledger.claim(f"worker {number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    step.refresh_from_db()
    assert (step.status, step.attempt, step.fence) == (Step.Status.RUNNING, 1, 1)


def test_a_worker_thought_dead_cannot_overwrite(step) -> None:
    zombie = ledger.claim("zombie")
    Step.objects.update(lease_until=Now() - timedelta(seconds=1))
    second = ledger.claim("second")
    assert second is not None
    stored = []
    with pytest.raises(ledger.Stopped):
        ledger.commit(zombie, lambda: stored.append("zombie"), 1, 1)
    ledger.commit(second, lambda: stored.append("second"), 1, 1)
    assert stored == ["second"]


def test_a_failing_store_leaves_nothing_half_done(step) -> None:
    mine = ledger.claim("me")

    def store() -> None:
        Video.objects.update(title="half done")
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError):
        ledger.commit(mine, store, 1, 1)
    step.refresh_from_db()
    assert step.status == Step.Status.RUNNING
    assert not Video.objects.filter(title="half done").exists()
    assert Step.objects.count() == 1


def test_a_worker_killed_three_times_ends_with_a_reason(step) -> None:
    for _ in range(3):
        assert ledger.claim("killed") is not None
        Step.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert ledger.claim("next") is None
    ledger.sweep()
    step.refresh_from_db()
    assert step.status == Step.Status.FAILED
    assert "memory" in step.error_text
    step.video.refresh_from_db()
    assert step.video.status == Video.Status.FAILED
    assert ledger.retry(step.video) == 1
    assert ledger.claim("fresh") is not None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreadableMedia("No picture. Convert it."), Step.Status.FAILED),
        (BoxFailed("Crashed. Retry."), Step.Status.READY),
        (FileNotFoundError("/srv/media/secret.bin"), Step.Status.READY),
    ],
)
def test_errors_are_kept_and_say_what_to_do(step, monkeypatch, error, status) -> None:
    def compute(video, progress):
        raise error

    monkeypatch.setitem(stages.STAGES, "probe", compute)
    StepWorker("me").work_one()
    step.refresh_from_db()
    assert step.status == status
    expected = str(error).split(".")[0] if isinstance(error, IndexerError) else "Something unexpected"
    assert expected in step.error_text
    assert "/srv" not in step.error_text  # a page tells no paths; the log does
    if status == Step.Status.READY:
        assert ledger.claim("at once") is None  # backoff


def test_cancelling_stops_a_running_step(step, monkeypatch) -> None:
    stored = []

    def compute(video, progress):
        ledger.cancel(video)
        progress(0.5)
        return lambda: stored.append(1)

    monkeypatch.setitem(stages.STAGES, "probe", compute)
    StepWorker("me").work_one()
    step.refresh_from_db()
    assert step.status == Step.Status.CANCELLED
    assert stored == []


def test_a_stopping_worker_hands_its_step_on(step, monkeypatch) -> None:
    def compute(video, progress):
        raise SystemExit(0)

    monkeypatch.setitem(stages.STAGES, "probe", compute)
    with pytest.raises(SystemExit):
        StepWorker("me").work_one()
    step.refresh_from_db()
    assert (step.status, step.attempt) == (Step.Status.READY, 0)
    assert ledger.claim("next") is not None


def test_early_steps_of_all_videos_come_first(accept, make_movie) -> None:
    first = accept(name="a.mp4")
    ledger.add(first, "look")
    second = accept(name="b.mp4", shots=2)
    assert [ledger.claim("w").video for _ in range(2)] == [first, second]
    assert ledger.claim("w").name == "look"


def test_a_late_or_doubled_message_does_no_harm(step) -> None:
    from webapp import tasks

    tasks.run_step.run(step.pk)
    step.refresh_from_db()
    fence = step.fence
    assert step.status == Step.Status.DONE
    tasks.run_step.run(step.pk)
    tasks.run_step.run(999_999)
    step.refresh_from_db()
    assert step.fence == fence


def test_a_broker_that_is_away_does_not_break_uploads(accept, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert accept().steps.get().status == Step.Status.READY


def hand_in(accept, title: str, owner: str = "owner") -> Video:
    return accept(owner, name=f"{title}.mp4", text=title, shots=1, seconds=0.5, sound=False)


def test_people_take_turns_however_much_one_brings(accept) -> None:
    for number in range(4):
        hand_in(accept, f"mine {number}")
    hand_in(accept, "theirs 0", "other")
    hand_in(accept, "theirs 1", "other")
    order = []
    while (step := ledger.claim("me", ["probe"])) is not None:
        order.append(step.video.title)
        if len(order) == 1:
            hand_in(accept, "theirs 2", "other")  # who comes later has no credit for having been away
    assert order == ["mine 0", "theirs 0", "mine 1", "theirs 1", "mine 2", "theirs 2", "mine 3"]


def test_a_long_step_gives_way_and_goes_on(accept, monkeypatch) -> None:
    """A recording of four hours is being listened to when a clip of ten seconds comes in."""
    monkeypatch.setattr("webapp.pipeline.worker.GIVE_WAY_SECONDS", 0.0)
    monkeypatch.setattr("webapp.pipeline.plan.following", lambda video, name: {"probe": ["speech"]}.get(name, []))
    done: list[tuple[str, str]] = []
    clips = []

    def compute(name):
        def stage(video, progress):
            if video.title == "long" and name == "speech":
                for share in (0.2, 0.4, 0.6):
                    if not clips:
                        clips.append(hand_in(accept, "clip"))
                        time.sleep(0.05)  # it has worked for itself
                    progress(share)
            video.duration = 14_400.0 if video.title == "long" else 10.0
            video.save(update_fields=["duration"])
            return lambda: done.append((video.title, name))

        return stage

    for name in ("probe", "speech"):
        monkeypatch.setitem(stages.STAGES, name, compute(name))
    hand_in(accept, "long")
    worker = StepWorker("one")
    while worker.work_one() is not None:
        pass
    assert done == [("long", "probe"), ("clip", "probe"), ("clip", "speech"), ("long", "speech")]
    assert set(Step.objects.values_list("status", "attempt")) == {(Step.Status.DONE, 1)}


def test_a_rendition_that_somebody_waits_for_goes_first(accept, clients) -> None:
    first, second = hand_in(accept, "first"), hand_in(accept, "second")
    Step.objects.update(name="proxy", priority=5)
    assert clients["owner"].get(f"/videos/{second.key}").status_code == 200
    assert ledger.claim("me").video == second
    assert ledger.claim("me").video == first


def test_what_is_long_comes_to_an_end(accept, monkeypatch) -> None:
    """Short work takes half of the time at most; only the quick first steps are always let past."""
    long, clip = hand_in(accept, "long"), hand_in(accept, "clip")
    Video.objects.filter(pk=long.pk).update(duration=14_400)
    Video.objects.filter(pk=clip.pk).update(duration=10)
    Step.objects.filter(video=long).update(name="speech", priority=4)
    mine = ledger.claim("me", ["speech"])
    assert ledger.claim("me", before=mine, quick_only=True).name == "probe"
    Step.objects.filter(video=clip).update(name="look", priority=4, status=Step.Status.READY)
    assert ledger.claim("me", before=mine, quick_only=True) is None
    assert ledger.claim("me", before=mine).video == clip
