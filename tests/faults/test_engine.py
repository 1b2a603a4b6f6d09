"""Two machines whose vectors lie in a real Milvus: cut off from it, killed, and started again with nothing in it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import milvus
from tests.bucket import S3Server
from tests.faults.conftest import Installation, write_silent
from tests.faults.machine import REASON, Machine, Relay, able

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not able, reason=REASON),
    pytest.mark.skipif(not milvus.able, reason=milvus.REASON),
]

NOTICE = "The vector engine at"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[milvus.MilvusServer]:
    server = milvus.MilvusServer(tmp_path / "milvus")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def machines(site: Installation, tmp_path: Path, engine: milvus.MilvusServer) -> Iterator[list[tuple[Machine, Relay]]]:
    bucket = S3Server(tmp_path / "s3")
    bucket.start()
    pairs = []
    for number in (1, 2):
        machine = Machine(number, tmp_path, site, bucket)
        relay = Relay(machine.there, 19530, milvus.HERE)
        machine.env["KINOSCOPE_MOMENTS"] = f"milvus://{machine.there}:{relay.port}"
        pairs.append((machine, relay))
    yield pairs
    for machine, _relay in pairs:
        machine.stop()
    bucket.stop()


def examine(machine: Machine) -> list[str]:
    """What doctor says about the index on one machine."""
    inside = ["ip", "netns", "exec", machine.name, sys.executable, "manage.py", "doctor", "--json"]
    said = subprocess.run(inside, env=machine.env, capture_output=True, text=True, timeout=120, check=False).stdout
    rows = [json.loads(line) for line in said.splitlines()]
    return [row["what"] for row in rows if "as in the database" in row["what"] or "not in the index" in row["what"]]


def is_whole(machine: Machine) -> bool:
    found = examine(machine)
    return len(found) == 1 and "as in the database" in found[0]


def test_machines_search_on_while_their_engine_is_cut_off_killed_and_emptied(
    site: Installation, machines: list[tuple[Machine, Relay]], engine: milvus.MilvusServer, tmp_path: Path
) -> None:
    for machine, _relay in machines:
        machine.serve()
        machine.browser.sign_in()
        machine.run("worker")
    (one, _), (two, wire) = machines
    assert one.browser.upload(write_silent(tmp_path / "film0.mp4", 0))[0] == 200
    one.wait(lambda: site.sql("SELECT COUNT(*) FROM webapp_video WHERE status = 'ready'") == [(1,)], 120)
    for machine, _relay in machines:
        machine.wait(lambda machine=machine: machine.search("film0")[2].split("/")[1:2] not in ([], ["0"]))
        assert is_whole(machine), "the engine holds what the database does"
        manifest = json.loads(max((machine.home / "index").glob("*.json")).read_text())
        assert "vectors" not in json.dumps(manifest), "and no file does"

    def notices() -> list[bool]:
        pages = [machine.search("film0")[1] for machine, _relay in machines]
        assert all("film0" in page for page in pages)
        return [NOTICE in page for page in pages]

    assert notices() == [False, False]
    wire.cut()
    two.wait(lambda: notices() == [False, True])
    wire.mend()
    two.wait(lambda: notices() == [False, False])

    engine.kill()
    one.wait(lambda: notices() == [True, True])
    engine.start()
    one.wait(lambda: notices() == [False, False], 120)
    assert is_whole(one)

    engine.kill()
    shutil.rmtree(engine.folder / "data")
    engine.start()
    one.wait(lambda: is_whole(two), 240)
    two.wait(lambda: notices() == [False, False])
