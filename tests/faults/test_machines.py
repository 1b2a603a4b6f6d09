"""Two machines that share a database, Redis and a bucket and nothing else: each in a network of its own, killed and cut
off in turn.
"""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bucket import S3Server
from tests.faults.conftest import Installation, write_silent
from tests.faults.machine import REASON, Machine, able, ip

pytestmark = pytest.mark.skipif(not able, reason=REASON)


@pytest.fixture
def machines(site: Installation, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    server = S3Server(tmp_path / "s3")
    server.start()
    one, two = (Machine(number, tmp_path, site, server) for number in (1, 2))
    yield one, two
    for machine in (one, two):
        machine.stop()
    server.stop()


def test_two_machines_share_no_folder(site: Installation, machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    one, two = machines
    begun, log = time.monotonic(), []

    def note(what: str) -> None:
        log.append(f"{time.monotonic() - begun:6.1f} s  {what}")

    sites = {machine: machine.serve() for machine in machines}
    for machine in machines:
        machine.browser.sign_in()
        machine.run("worker")
    movies = [write_silent(tmp_path / f"film{n}.mp4", n) for n in range(6)]

    def ready(count: int) -> bool:
        return site.sql("SELECT COUNT(*) FROM webapp_video WHERE status = 'ready'") == [(count,)]

    assert one.browser.upload(movies[0])[0] == 200
    one.wait(lambda: ready(1))
    ((key,),) = site.sql("SELECT key FROM webapp_video")
    address = f"/media/{uuid.UUID(str(key))}/video"
    with two.browser.open(two.browser.base + address) as answer:
        assert answer.read() == movies[0].read_bytes()
    note("uploaded on one, watched on the other")
    for machine in machines:
        machine.wait(lambda machine=machine: machine.search("film0")[2].split("/")[1:2] not in ([], ["0"]))
        assert "film0" in machine.search("film0")[1]
        assert list((machine.home / "index").glob("*.json"))
    note("one built the index, both search it")

    for machine, other in ((one, two), (two, one)):
        os.killpg(sites[machine].pid, 9)
        assert "film0" in other.search("film0")[1]
        sites[machine] = machine.serve()
        note(f"the site of {machine.name} was killed; the other answered")

    for path in movies[1:3]:
        assert two.browser.upload(path)[0] == 200
    os.killpg(one.processes[1].pid, 9)
    two.wait(lambda: ready(3))
    note("a worker was killed with work in hand; the other did it")
    one.run("worker")

    ip("link", "set", one.wire, "down")
    assert two.browser.upload(movies[3])[0] == 200
    two.wait(lambda: ready(4), 120)
    assert "film3" in two.search("film3")[1]
    ip("link", "set", one.wire, "up")
    one.wait(lambda: one.state() in ("ready", "degraded"))
    assert "film3" in one.search("film3")[1]
    note("the wire of one was cut and mended; the other took an upload through")

    two.redis.cut()
    assert "film3" in two.search("film3")[1]
    assert two.browser.upload(movies[4])[0] == 200
    two.wait(lambda: ready(5), 120)
    two.redis.mend()
    note("Redis was away from one")

    two.bucket.cut()
    two.wait(lambda: two.state() == "unready")
    assert "film3" in two.search("film3")[1]
    assert one.state() != "unready"
    assert two.browser.get(address)[0] in (503, 404, 500) and two.browser.get("/")[0] == 200  # noqa: PT018
    two.bucket.mend()
    two.wait(lambda: two.state() != "unready")
    note("the bucket was away from one: it said so, searched on, and came back")

    two.database.cut()
    two.wait(lambda: two.state() == "unready")
    assert two.browser.get("/search?q=film3")[0] == 503
    two.database.mend()
    two.wait(lambda: two.state() != "unready")
    note("the database was away from one: it said so and came back")

    os.killpg(sites[two].pid, 9)
    shutil.rmtree(two.home / "index")
    sites[two] = two.serve()
    assert "film3" in two.search("film3")[1]
    assert list((two.home / "index").glob("*.json"))
    note("one lost its index and fetched it")

    assert one.browser.upload(movies[5])[0] == 200
    one.wait(lambda: ready(6), 120)
    assert {name for (name,) in site.sql("SELECT file_name FROM webapp_video")} == {path.name for path in movies}
    note("nothing is lost")
    print("\n" + "\n".join(log))
