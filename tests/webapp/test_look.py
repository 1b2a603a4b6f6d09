"""The step `look`: what was seen of a long film is kept when it is interrupted, as long as its pictures are."""

import pytest

from indexer import box
from indexer import look as windows
from tests.files import derived_path
from webapp.models import Step
from webapp.pipeline import checkpoints, look, stages

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def video(accept, monkeypatch):
    monkeypatch.setattr(windows, "WINDOW", 2.0)
    video = accept()
    stages.probe(video, lambda share: None)()
    Step.objects.update_or_create(
        video=video, name="look", defaults={"status": "running", "ready_at": video.created_at}
    )
    return video


def test_a_look_goes_on_behind_the_last_window(video, monkeypatch) -> None:
    seen: list[float] = []
    look_at = box.look_at

    def counted(path, out, info, window, fulls, progress):
        seen.append(window.start)
        return look_at(path, out, info, window, fulls, progress)

    monkeypatch.setattr(box, "look_at", counted)

    def dies(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look.look(video, dies)
    assert len(checkpoints.load(video, "look")) == 1
    seen.clear()
    look.look(video, lambda share: None)()
    assert seen == [2.0, 4.0]
    assert [round(s.start) for s in video.shots.all()] == [0, 2, 4]
    assert all((derived_path(video) / frame.file).is_file() for frame in video.keyframes.all())
    assert (derived_path(video) / video.files["storyboard"]).is_file()
    assert not list(derived_path(video).glob("t*.jpg"))  # of which the storyboard was made


def test_a_look_begins_anew_when_its_pictures_are_gone(video) -> None:
    look.look(video, lambda share: None)
    assert len(look.load_parts(video)) == 3
    next(derived_path(video).glob("k*.jpg")).unlink()
    assert look.load_parts(video) == []
