"""People of every role, and videos made by the real stages."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import Client

from tests.bucket import S3Server
from tests.conftest import MakeMovie
from tests.fake_settings import PROFILE
from tests.files import put
from webapp.index import snapshot
from webapp.models import User, Video
from webapp.operations import demo as demo_video
from webapp.pipeline.worker import StepWorker
from webapp.search import candidates
from webapp.storage.store import store
from webapp.uploads import intake


@pytest.fixture
def people(transactional_db) -> dict[str, User]:
    """owner and other may upload, friend may watch, admin may everything. No index is left of the test before."""
    snapshot._current.clear()
    candidates.cache._of = (-1, -1)  # an emptied database counts from the beginning again
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


@pytest.fixture
def fake_models(settings) -> None:
    """Profile `fake` for this test: what is tested is not what models see and hear."""
    settings.KINOSCOPE_PROFILES = {**settings.KINOSCOPE_PROFILES, "fake": PROFILE}
    settings.KINOSCOPE_PROFILE = "fake"


class Stash:
    """What the stages made of the demo: rows as the database gave them, and files. All processes of a run share it."""

    def __init__(self, profile: str) -> None:
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        self.path = Path(os.environ["KINOSCOPE_TESTS_TMP"]) / f"kinoscope-demo-{run}-{profile}.pickle"
        self.files: dict[str, bytes] = {}
        self.rows: dict[str, tuple[list[str], list[tuple]]] = {}

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether somebody has made it: one does, the others wait."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.rows and self.path.exists():
                self.rows, self.files = pickle.loads(self.path.read_bytes())
            yield bool(self.rows)

    def keep(self, video: Video) -> None:
        with connection.cursor() as cursor:
            for table in tables():
                cursor.execute(f'SELECT * FROM "{table}"')
                rows = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
                self.rows[table] = ([column[0] for column in cursor.description], rows)
        names = [video.media.name, *(stored.name for stored in store().list(video.folder))]
        self.files = {name: store().read(name) for name in names}
        self.path.write_bytes(pickle.dumps((self.rows, self.files)))

    def restore(self) -> Video:
        """Much faster than `loaddata`, which every test would wait for."""
        with transaction.atomic(), connection.cursor() as cursor:
            for table, (columns, rows) in self.rows.items():
                cursor.execute(f'DELETE FROM "{table}"')
                if rows:
                    named, marks = ", ".join(f'"{c}"' for c in columns), ", ".join(["%s"] * len(columns))
                    cursor.executemany(f'INSERT INTO "{table}" ({named}) VALUES ({marks})', rows)
            for statement in connection.ops.sequence_reset_sql(no_style(), apps.get_app_config("webapp").get_models()):
                cursor.execute(statement)
        for name, data in self.files.items():
            put(name, data)
        return Video.objects.get(title=demo_video.TITLE)


def tables() -> list[str]:
    """Of the site, people left out: these are made anew for each test."""
    models = apps.get_app_config("webapp").get_models(include_auto_created=True)
    return [m._meta.db_table for m in models if not m._meta.db_table.startswith("webapp_user")]


@pytest.fixture(scope="session")
def stashes() -> Callable[[str], Stash]:
    """By profile: what the stages made of the demo, kept for the tests that only need its result."""
    return cache(Stash)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def kept_in(request, people, settings, monkeypatch) -> str:
    """Both places for media, an empty one each: whoever uses this is tested twice."""
    if request.param == "bucket":
        for name, value in request.getfixturevalue("s3_server").env.items():
            monkeypatch.setenv(name, value)
        settings.KINOSCOPE_MEDIA = os.environ["KINOSCOPE_MEDIA"]
        for folder in ("media", "derived", "incoming", "index"):
            store().remove_all(folder)
    return str(request.param)


@pytest.fixture
def demo(people, work, stashes) -> Video:
    """The project's own demo video, spoken and drawn, taken all the way to ready by the real stages (once a run)."""
    stash = stashes(settings.KINOSCOPE_PROFILE)
    with stash.held() as is_made:
        if is_made:
            return stash.restore()
        video = demo_video.add(people["owner"])
        assert video is not None
        work()
        video.refresh_from_db()
        assert video.status == Video.Status.READY, [(s.name, s.error) for s in video.steps.all()]
        stash.keep(video)
        return video
