"""People of every role, and videos made by the real stages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.test import Client

from tests.conftest import MakeMovie
from webapp.index import snapshot
from webapp.models import User, Video
from webapp.pipeline.worker import StepWorker
from webapp.uploads import intake


@pytest.fixture
def people(transactional_db) -> dict[str, User]:
    """owner and other may upload, friend may watch, admin may everything. No index is left of the test before."""
    snapshot._current.clear()
    shutil.rmtree(snapshot.store().folder)
    snapshot.store().folder.mkdir()
    roles = {"owner": "uploader", "other": "uploader", "friend": "viewer", "admin": "admin"}
    return {  # without passwords: hashing four of them takes longer than most tests
        name: User.objects.create_user(name, role=role, pk=number)
        for number, (name, role) in enumerate(roles.items(), 1)
    }


@pytest.fixture
def clients(people) -> dict[str, Client]:
    found = {"anonymous": Client()}
    for name, person in people.items():
        found[name] = Client()
        found[name].force_login(person)
    return found


@pytest.fixture
def accept(people, make_movie: MakeMovie) -> Callable[..., Video]:
    """Hand in a movie as `owner`; nothing works on it yet."""

    def hand_in(owner: str = "owner", path: Path | None = None, **movie) -> Video:
        path = path or make_movie(**movie)
        return intake.accept(people[owner], path, path.name)

    return hand_in


@pytest.fixture
def work() -> Callable[[], None]:
    """Run due steps until none is left."""

    worker = StepWorker("test")

    def run() -> None:
        while worker.work_one() is not None:
            pass

    return run


@pytest.fixture(scope="session")
def stash(tmp_path_factory) -> Path:
    """What the stages made of the demo, kept for the tests that only need its result."""
    return tmp_path_factory.mktemp("stash")


@pytest.fixture
def demo(people, work, stash) -> Video:
    """The project's own demo video, spoken and drawn, taken all the way to ready by the real stages (once a run)."""
    from webapp.operations import demo

    home = Path(settings.KINOSCOPE_HOME)
    if not (stash / "rows.json").exists():
        video = demo.add(people["owner"])
        assert video is not None
        work()
        video.refresh_from_db()
        assert video.status == Video.Status.READY, [(s.name, s.error_text) for s in video.steps.all()]
        call_command("dumpdata", "webapp", exclude=["webapp.user"], output=str(stash / "rows.json"))
        shutil.copy(video.path, stash / video.path.name)
        shutil.copytree(video.derived, stash / "derived" / str(video.key))
        return video
    call_command("loaddata", str(stash / "rows.json"), verbosity=0)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [*apps.get_app_config("webapp").get_models()]):
            cursor.execute(statement)
    video = Video.objects.get(title=demo.TITLE)
    shutil.copy(stash / video.path.name, home / "media")
    shutil.copytree(stash / "derived" / str(video.key), video.derived, dirs_exist_ok=True)
    return video
