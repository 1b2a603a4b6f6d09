"""What a larger library would need: machines, memory, disk and how long videos wait, from what was measured here.

The queue is a discrete-event simulation (SimPy): videos like those of this library arrive at random, their steps take
what the same steps took here, and as many workers take them by the ledger's own plan and priorities. Its answer for
this very library (all at once, as many workers as there were) is printed beside what happened.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from django.conf import settings
from django.db import connection
from django.db.models import Max, Min, Sum

from indexer.measures import Record
from webapp.index import recipes, snapshot
from webapp.models import Segment, Step, Video
from webapp.pipeline.plan import BESIDE, PLAN
from webapp.storage.store import store

DAYS = 0.5  # that are simulated, the first tenth of which does not count
WAIT_GOAL = 600.0  # seconds in which 95 of 100 videos should be ready beyond what they take by themselves
BUSY_GOAL = 0.8  # of the workers' time: more leaves no room for a busy hour
PROCESS_BYTES = 600e6  # of a web process with its encoders and an empty index
IN_PROCESS = 5_000_000  # moments, beyond which every process would hold too much: an engine is needed
REPLICAS, ENGINE_OVERHEAD = 2, 1.3  # of an engine: so that one may fail; what it holds beside the vectors
CORES_A_MACHINE, BYTES_A_MACHINE = 16, 64e9

Process = Generator[simpy.Event, Any, None]

Job = dict[str, float]  # a video's steps and the seconds that each took here


@dataclass(frozen=True)
class Measured:
    """Of this installation: the steps of its videos, their lengths (seconds), and bytes of each kind."""

    jobs: list[Job]
    lengths: list[float]
    moments_an_hour: float
    bytes_a_moment: dict[str, float]
    bytes_an_hour: dict[str, float]


def simulate(moments: int, hours_a_day: float) -> Iterator[Record]:
    """Raises `LookupError` when there is nothing that was measured."""
    found = measure()
    yield {"bench": "measured here", "videos": len(found.jobs), "moments an hour": round(found.moments_an_hour),
           **{f"{kind} bytes a moment": round(n) for kind, n in found.bytes_a_moment.items()},
           **{f"{kind} MB an hour": round(n / 1e6) for kind, n in found.bytes_an_hour.items()}}  # fmt: skip
    yield hold_against(found)
    yield {"bench": f"{moments:,} moments", **size(found, moments)}
    yield {"bench": f"{hours_a_day:g} hours of video a day", **staff(found, hours_a_day)}


def measure() -> Measured:
    steps = Step.objects.filter(status=Step.Status.DONE, seconds__gt=0, video__duration__gt=0)
    jobs: dict[int, Job] = {}
    for video, name, seconds in steps.values_list("video", "name", "seconds"):
        if name not in BESIDE:
            jobs.setdefault(video, {})[name] = float(seconds or 0)
    lengths = dict(Video.objects.filter(pk__in=jobs).values_list("pk", "duration"))
    recipe = recipes.active()
    count = Segment.objects.filter(recipe=recipe).count()
    manifest = snapshot.newest_manifest(recipe)
    if not jobs or not count or manifest is None:
        raise LookupError("There is no library to measure: let some videos be understood first.")
    hours = sum(lengths.values()) / 3600
    parts = {name: size / manifest.segments for name, (size, _sum) in manifest.files.items()}
    kept = Video.objects.filter(pk__in=jobs).aggregate(n=Sum("size_bytes"))["n"] or 0
    made = sum(stored.size for stored in store().list("derived"))
    return Measured(
        list(jobs.values()),
        [lengths[pk] for pk in jobs],
        count / hours,
        {**parts, "database": measure_database() / count},
        {"originals": kept / hours, "derived": made / hours},
    )


def measure_database() -> float:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0])
    return float((settings.KINOSCOPE_HOME / "kinoscope.sqlite3").stat().st_size)


def size(found: Measured, moments: int) -> dict[str, Any]:
    """Bytes and machines for search and for keeping."""
    index = moments * sum(n for kind, n in found.bytes_a_moment.items() if kind != "database")
    hours = moments / found.moments_an_hour
    told = {
        "hours": round(hours),
        "memory of a process GB": round((PROCESS_BYTES + index) / 1e9, 1),
        "database GB": round(moments * found.bytes_a_moment["database"] / 1e9),
        "media GB": round(hours * sum(found.bytes_an_hour.values()) / 1e9),
    }
    if moments <= IN_PROCESS:
        machines = math.ceil((PROCESS_BYTES + index) / BYTES_A_MACHINE)
        return {**told, "search": "in process", "machines for search": machines}
    machines = math.ceil(REPLICAS * ENGINE_OVERHEAD * index / BYTES_A_MACHINE)
    return {**told, "search": "an engine is needed", "machines for search": machines}


def staff(found: Measured, hours_a_day: float) -> dict[str, Any]:
    """The fewest workers (a process each) with which videos wait no longer than they should."""
    work = sum(sum(job.values()) for job in found.jobs) / sum(found.lengths)  # seconds of a worker, a second of video
    arrivals = hours_a_day * 3600 / float(np.mean(found.lengths)) / 86400  # videos a second
    workers = max(1, math.ceil(hours_a_day / 24 * work / BUSY_GOAL))
    while True:
        waits, busy = run(found, workers, arrivals, DAYS * 86400)
        p95 = float(np.quantile(waits, 0.95)) if len(waits) else 0.0
        if p95 <= WAIT_GOAL or workers > 10_000:
            break
        workers = math.ceil(1.1 * workers) + (workers < 10)
    return {
        "workers": workers,
        "machines for work": math.ceil(workers / CORES_A_MACHINE),
        "busy": f"{busy:.0%}",
        "wait p50 s": round(float(np.median(waits)), 1) if len(waits) else 0,
        "wait p95 s": round(p95, 1),
        "x real time of a worker": round(1 / work, 1),
    }


def run(found: Measured, workers: int, arrivals: float, seconds: float) -> tuple[list[float], float]:
    """How long each video waited beyond its longest way through the plan, and the share of the workers' time in use."""
    dice, world = np.random.default_rng(1), simpy.Environment()
    crew, waits, used = simpy.PriorityResource(world, workers), list[float](), [0.0]

    def arrive() -> Process:
        while True:
            yield world.timeout(float(dice.exponential(1 / arrivals)))
            world.process(watch(found.jobs[dice.integers(len(found.jobs))]))

    def watch(job: Job) -> Process:
        begun = world.now
        yield world.process(go_through(world, crew, job, used))
        if begun > seconds / 10:
            waits.append(world.now - begun - longest_way(job))

    world.process(arrive())
    world.run(until=seconds)
    return waits, min(1.0, used[0] / (workers * seconds))


def go_through(world: simpy.Environment, crew: simpy.PriorityResource, job: Job, used: list[float]) -> Process:
    """All steps of a video, each after those that it needs."""
    done: dict[str, simpy.Event] = {}

    def work(name: str) -> Process:
        yield simpy.AllOf(world, [done[before] for before in PLAN[name].after if before in done])
        with crew.request(PLAN[name].priority) as turn:
            yield turn
            yield world.timeout(job[name])
            used[0] += job[name]

    for name in PLAN:
        if name in job:
            done[name] = world.process(work(name))
    yield simpy.AllOf(world, list(done.values()))


def longest_way(job: Job) -> float:
    ends: dict[str, float] = {}
    for name in PLAN:
        if name in job:
            ends[name] = job[name] + max((ends.get(before, 0.0) for before in PLAN[name].after), default=0.0)
    return max(ends.values())


def hold_against(found: Measured) -> Record:
    """What the simulation says of this library, all of it brought at once, and what happened."""
    finished = Step.objects.filter(status=Step.Status.DONE, seconds__gt=0).exclude(name__in=BESIDE)
    times = finished.aggregate(first=Min("video__created_at"), last=Max("started_at"))
    took = (times["last"] - times["first"]).total_seconds()
    owners = finished.exclude(lease_owner="").values_list("lease_owner", flat=True).distinct().count() or 1
    world = simpy.Environment()
    crew, used = simpy.PriorityResource(world, owners), [0.0]
    for job in found.jobs:
        world.process(go_through(world, crew, job, used))
    world.run()
    return {
        "bench": f"this library with {owners} workers",
        "predicted s": round(world.now),
        "measured s": round(took),
        "predicted / measured": round(world.now / took, 2) if took else None,
    }
