"""An installation of its own per test: home folder, database, Redis database, and processes that are really killed."""

import contextlib
import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psycopg
import pytest

from tests.conftest import paint
from tests.webapp.conftest import accept, clients, demo, people, stashes, work  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parent.parent.parent
TABLES = ("shot", "utterance", "screenline", "keyframe", "framevector", "segment", "chapter", "evidence")
OPEN = "('ready', 'waiting', 'running')"


@functools.cache
def speak() -> np.ndarray:
    """A sentence as 22,050 Hz samples, spoken in a process of its own."""
    code = (
        "import sys, django; django.setup(); from webapp.operations.voice import speak;"
        "sys.stdout.buffer.write(speak('Every answer shows the moment that supports it.').tobytes())"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "webapp.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int16)


def write_silent(path: Path, number: int) -> Path:
    """Some seconds of pictures that a browser plays: the quickest video, without speech and proxy."""
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("libx264", rate=10)
        draw(sink, video, number, 3)
        sink.mux(video.encode(None))
    return path


def draw(sink: av.container.OutputContainer, video: av.VideoStream, number: int, shots: int) -> None:
    video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
    for shot in range(shots):
        frame = av.VideoFrame.from_image(paint(1000 * number + shot, f"Slide {number}"))
        for tick in range(25):
            frame.pts, frame.time_base = shot * 25 + tick, Fraction(1, 10)
            sink.mux(video.encode(frame))


def write_movie(path: Path, number: int, shots: int = 3) -> Path:
    """Some seconds with pictures, screen text, speech and a codec that browsers don't play: every step has work."""
    said = speak()
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("mpeg4", rate=10)
        audio = sink.add_stream("aac", rate=22_050, layout="mono")
        draw(sink, video, number, shots)
        samples = np.zeros(round(shots * 2.5 * 22_050), np.int16)
        samples[: len(said)] = said[: len(samples)]
        sound = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = 22_050, 0, Fraction(1, 22_050)
        for stream, last in ((video, None), (audio, sound), (audio, None)):
            sink.mux(stream.encode(last))
    return path


class Installation:
    """One KINOSCOPE_HOME with its database, driven from outside like an admin would."""

    def __init__(self, home: Path, database: str, redis: str) -> None:
        self.home, self.database, self.redis = home, database, redis
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("KINOSCOPE", "DATABASE", "REDIS", "HF_"))}
        self.env |= {"KINOSCOPE_HOME": str(home), "OMP_NUM_THREADS": "1", "KINOSCOPE_LOG_LEVEL": "WARNING"}
        for kind in ("SEARCH", "ASK", "UPLOAD", "SIGN_IN"):  # one account plays a crowd here
            self.env[f"KINOSCOPE_{kind}_LIMIT"] = "1000000/minute"
        if database:
            self.env["DATABASE_URL"] = database
        self.processes: list[subprocess.Popen[bytes]] = []
        (home / "marks").mkdir(parents=True)
        self.log = (home / "workers.log").open("ab")

    def manage(self, *arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env | env, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, **env: str) -> list[dict[str, Any]]:
        done = self.manage(*arguments, "--json", check=False, **env)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def prepare(self) -> None:
        self.manage("migrate", "-v0")
        code = "from webapp.models import User; User.objects.create_user('admin', password='a long one', role='admin')"
        self.manage("shell", "-v0", "-c", code)

    def ingest(self, *paths: Path, **env: str) -> None:
        self.manage("ingest", *map(str, paths), **env)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        if self.database:
            with psycopg.connect(self.database, autocommit=True) as link:
                found = link.execute(query)  # type: ignore[arg-type]
                return found.fetchall() if found.description else []
        with contextlib.closing(sqlite3.connect(self.home / "kinoscope.sqlite3", timeout=20)) as link:
            found = link.execute(query).fetchall()
            link.commit()
            return found

    def start(self, carrier: str = "table", **env: str) -> "subprocess.Popen[bytes]":
        """A worker; with FAULT_… in `env` the patched one."""
        patched = any(name.startswith("FAULT") for name in env)
        given = self.env | env | {"FAULT_MARKS": str(self.home / "marks")}
        if carrier == "celery":
            given["REDIS_URL"] = self.redis
            target = "tests.faults.patched" if patched else "webapp"
            command = ["-m", "celery", "-A", target, "worker", "-Q", "io,cpu,models", "-l", "WARNING"]
        else:
            command = ["-m", "tests.faults.patched", "worker"] if patched else ["manage.py", "worker"]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=given, stdout=self.log, stderr=self.log, start_new_session=True
        )
        self.processes.append(process)
        return process

    def serve(self, port: int, worker: bool = False) -> "subprocess.Popen[bytes]":
        arguments = ["--port", str(port), "--processes", "1", *([] if worker else ["--no-worker"])]
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *arguments],
            cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def open_steps(self) -> int:
        return int(self.sql(f"SELECT COUNT(*) FROM webapp_step WHERE status IN {OPEN}")[0][0])

    def statuses(self) -> dict[str, str]:
        return dict(self.sql("SELECT file_name, status FROM webapp_video"))

    def wait(self, condition: Callable[[], bool], seconds: float = 120.0) -> float:
        """Seconds until the condition held."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < seconds, self.explain()
            time.sleep(0.1)
        return time.monotonic() - begun

    def explain(self) -> str:
        steps = self.sql(
            "SELECT video_id, name, status, attempt, lease_owner, error_text FROM webapp_step WHERE status <> 'done'"
        )
        self.log.flush()
        return f"{steps}\n{(self.home / 'workers.log').read_text()[-3000:]}"

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows per table, per video."""
        found: dict[str, dict[str, int]] = {}
        for table in TABLES:
            join = "JOIN webapp_video v ON v.id = t.video_id"
            if table == "framevector":
                join = "JOIN webapp_keyframe k ON k.id = t.keyframe_id JOIN webapp_video v ON v.id = k.video_id"
            for name, number in self.sql(f"SELECT v.file_name, COUNT(*) FROM webapp_{table} t {join} GROUP BY 1"):
                found.setdefault(name, {})[table] = number
        return found

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.log.close()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database for these tests; they skip where none answers."""
    url = os.environ.get("REDIS_URL", "")
    if not url:
        pytest.skip("SKIPPED LOUDLY: REDIS_URL is not set")
    return url.rsplit("/", 1)[0] + "/13"


@pytest.fixture
def clean_redis(redis_url: str) -> Iterator[str]:
    import redis

    link = redis.Redis.from_url(redis_url)
    link.flushdb()
    yield redis_url
    link.flushdb()


def create_database(template: str = "template1") -> str:
    """A new PostgreSQL database beside that of DATABASE_URL; its address."""
    server, name = os.environ["DATABASE_URL"].rsplit("/", 1)[0], f"faults_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
    return f"{server}/{name}"


def drop_database(address: str) -> None:
    server, name = address.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as link:
        link.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Iterator[Installation]:
    """Migrated once, with an admin; each test gets a copy of its database."""
    given = bool(os.environ.get("DATABASE_URL"))
    found = Installation(tmp_path_factory.mktemp("template") / "home", create_database() if given else "", "")
    found.prepare()
    yield found
    if given:
        drop_database(found.database)


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, template: Installation) -> Iterator[Installation]:
    """An empty installation: SQLite, or a PostgreSQL database of its own where DATABASE_URL is set."""
    database = create_database(template.database.rsplit("/", 1)[1]) if template.database else ""
    found = Installation(tmp_path / "home", database, "")
    if request.node.get_closest_marker("slow") is None and request.node.get_closest_marker("real_models") is None:
        found.env["DJANGO_SETTINGS_MODULE"] = "tests.fake_settings"  # the whole matrix runs with the real models
    if not database:
        shutil.copy(template.home / "kinoscope.sqlite3", found.home)
    models = Path(os.environ["KINOSCOPE_HOME"]) / "models"
    models.mkdir(exist_ok=True)
    (found.home / "models").symlink_to(models)  # joined once for all tests
    yield found
    found.stop()
    if database:
        drop_database(database)
    shutil.rmtree(found.home, ignore_errors=True)


@pytest.fixture
def carrier(request: pytest.FixtureRequest, site: Installation) -> str:
    """ "table" or "celery"; the latter sets the site's Redis."""
    if request.param == "celery":
        site.redis = request.getfixturevalue("clean_redis")
        site.env["REDIS_URL"] = site.redis
    return str(request.param)


CARRIERS = ["table", "celery"]
BOTH = pytest.mark.parametrize("carrier", CARRIERS, indirect=True)
