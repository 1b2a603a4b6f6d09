"""Which steps a video needs, and when each may start."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.db.models.functions import Now

from webapp.models import Step, Video
from webapp.pipeline import ledger, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(people) -> Video:
    info = {"container": "mp4", "duration": 9.0, "video_codec": "h264", "audio_codec": "aac"}
    fields = {"title": "a", "file_name": "a.mp4", "sha256": "0" * 64, "size_bytes": 1}
    return Video.objects.create(owner=people["owner"], media_info=info, content_type="video/mp4", **fields)


def finish(video: Video, name: str) -> list[str]:
    """The step ends; which steps are queued by that."""
    Step.objects.get_or_create(video=video, name=name, defaults={"ready_at": Now()})
    Step.objects.filter(video=video, name=name).update(status=Step.Status.RUNNING)
    before = set(video.steps.filter(status=Step.Status.READY).values_list("name", flat=True))
    ledger.commit(video.steps.get(name=name), lambda: None, 0.0, 0)
    return sorted(set(video.steps.filter(status=Step.Status.READY).values_list("name", flat=True)) - before)


@pytest.mark.parametrize(
    "order", [("speech", "look", "pictures", "screen_text"), ("look", "screen_text", "pictures", "speech")]
)
def test_steps_wait_for_all_that_they_need_and_for_no_more(video, order) -> None:
    assert finish(video, "probe") == ["glance", "speech"]
    assert finish(video, "glance") == ["look"]
    queued = [finish(video, name) for name in order]
    assert queued[-1] == ["embed"]
    assert ["embed"] not in queued[:-1]
    assert finish(video, "embed") == ["describe"]
    assert finish(video, "describe") == ["index"]
    video.refresh_from_db()
    assert video.status == Video.Status.READY  # `index` is the library's


def test_what_a_file_lacks_is_left_out(video) -> None:
    video.media_info = {**video.media_info, "video_codec": ""}
    video.save()
    assert finish(video, "probe") == ["speech"]
    assert finish(video, "speech") == ["embed"]
    video.steps.all().delete()
    video.media_info = {**video.media_info, "video_codec": "h264", "audio_codec": ""}
    video.save()
    assert [finish(video, name) for name in ("probe", "glance", "look")] == [
        ["glance"],
        ["look"],
        ["pictures", "screen_text"],
    ]
    assert [finish(video, name) for name in ("pictures", "screen_text")] == [[], ["embed"]]


def test_a_look_at_the_file_again_makes_the_rest_again(video) -> None:
    for name in ("probe", "glance", "look", "speech", "screen_text", "pictures", "embed", "describe"):
        finish(video, name)
    assert finish(video, "look") == ["pictures", "screen_text"]
    assert finish(video, "pictures") == []
    assert finish(video, "screen_text") == ["embed"]


def test_what_an_older_plan_left_half_done_goes_on(video) -> None:
    """There `speech` came after `look`, and `describe` after `index`."""
    for name in ("probe", "glance", "look"):
        Step.objects.create(video=video, name=name, status=Step.Status.DONE, ready_at=Now())
    assert finish(video, "look") == ["pictures", "screen_text", "speech"]
    Step.objects.exclude(name__in=["probe", "glance"]).delete()
    for name in ("look", "speech", "screen_text", "embed"):
        Step.objects.create(video=video, name=name, status=Step.Status.DONE, ready_at=Now())
    assert "describe" in finish(video, "index")


def test_one_index_step_serves_many_videos(video, people) -> None:
    fields = {"file_name": "b.mp4", "size_bytes": 1, "media_info": video.media_info, "content_type": "video/mp4"}
    others = [Video.objects.create(owner=people["owner"], title=s, sha256=s * 64, **fields) for s in "12"]
    assert [finish(v, "describe") for v in (video, *others)] == [["index"], [], []]
    Step.objects.filter(name="index").update(ready_at=Now() - ledger.LONGEST_DELTA)
    ledger.sweep()
    assert Step.objects.get(name="index").priority == ledger.HURRIED  # searches do not go without it for ever


@pytest.mark.django_db(transaction=True)
def test_of_two_steps_that_end_at_once_one_begins_what_needs_both(video) -> None:
    for name in ("probe", "glance", "look", "screen_text"):
        Step.objects.create(video=video, name=name, status=Step.Status.DONE, ready_at=Now())
    for name in ("speech", "pictures"):
        Step.objects.create(video=video, name=name, status=Step.Status.RUNNING, ready_at=Now())
    together = Barrier(2)

    def end(name: str) -> None:
        try:
            step = Step.objects.select_related("video").get(name=name)
            together.wait()
            ledger.commit(step, lambda: None, 0.0, 0)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(end, ["speech", "pictures"]))
    assert video.steps.get(name="embed").status == Step.Status.READY


def test_every_step_of_the_plan_has_a_name_and_a_stage() -> None:
    from webapp.pipeline.stages import STAGES

    assert set(plan.PLAN) == set(STAGES) == set(Step.Name.values)
