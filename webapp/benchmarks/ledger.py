"""How many steps a second the ledger itself can hand out: `manage.py bench ledger`, on a database made for it."""

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from webapp.models import Step, User, Video
from webapp.pipeline import ledger

STEPS = 1600
WORKERS = (1, 4, 16)


def run() -> Iterator[dict[str, Any]]:
    """Steps a second that are claimed, and claimed and committed, by 1, 4 and 16 processes; nothing is computed."""
    usual = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        for workers in WORKERS:
            for what in ("claim", "claim + commit"):
                fill()
                seconds, counts = drain(workers, what)
                yield {
                    "bench": f"ledger, {connection.vendor}",
                    "workers": workers,
                    "what": what,
                    "steps/s": round(STEPS / seconds),
                    "taken twice or lost": STEPS - sum(counts),
                }
    finally:
        connection.creation.destroy_test_db(usual, verbosity=0)


def fill() -> None:
    """`STEPS` due steps, each of a video of its own."""
    Video.objects.all().delete()
    owner, _ = User.objects.get_or_create(username="bench")
    videos = Video.objects.bulk_create(
        Video(owner=owner, title=str(n), file_name=str(n), sha256=str(n), size_bytes=0) for n in range(STEPS)
    )
    Step.objects.bulk_create(Step(video=v, name="reembed", ready_at=Now()) for v in videos)


def drain(workers: int, what: str) -> tuple[float, list[int]]:
    """Seconds from the common start until the last process found nothing more, and how many steps each had."""
    connection.close()  # processes must not share it
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(workers), context.SimpleQueue()
    processes = [context.Process(target=take, args=(barrier, results, what)) for _ in range(workers)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return max(end for _, end, _ in found) - min(begun for begun, _, _ in found), [count for _, _, count in found]


def take(barrier: Barrier, results: Any, what: str) -> None:
    count = 0
    Step.objects.exists()  # connected before the clock starts
    barrier.wait()
    begun = last = time.monotonic()
    while True:
        step = ledger.claim(multiprocessing.current_process().name)
        if step is None:
            if not Step.objects.filter(ledger.due(Now())).exists():
                break
            continue  # others hold what is left
        if what != "claim":
            ledger.commit(step, lambda: None, 0.0, 0)
        count, last = count + 1, time.monotonic()
    results.put((begun, last, count))
