"""Celery carries wake-ups when REDIS_URL is set: `celery -A webapp worker -Q io,cpu,models`."""

import logging
import os
import time
from collections.abc import Sequence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

import django
from celery import Celery, bootsteps
from django.apps import apps
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

if not apps.ready:  # started by `celery -A webapp`, not by Django
    django.setup()

log = logging.getLogger(__name__)

app = Celery("kinoscope", include=["webapp.tasks"])
app.conf.update(
    broker_url=settings.REDIS_URL or "memory://",
    result_backend=None,
    task_ignore_result=True,
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=False,  # the lease in the database owns the work, not the broker
    task_reject_on_worker_lost=False,
    worker_pool="solo",  # one process, one step, one copy of each model; CUDA can't be forked
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "visibility_timeout": 7200,
    },
)

# A page that wakes a worker must not wait for a Redis that is away or stalled.
_IMPATIENT = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
_REST_SECONDS = 15.0  # after a failure, before Redis is tried again
_rest_until = 0.0


def send(step: int, queue: str) -> bool:
    """Put the id of a step on a queue; False when Redis does not take it, which is only logged."""
    return _publish(queue, [step], count_first=False) == 1


def top_up(queue: str, steps: Sequence[int]) -> int:
    """Send as many of these due steps as the queue holds too few messages, so that messages never pile up."""
    return _publish(queue, steps, count_first=True)


def _publish(queue: str, steps: Sequence[int], count_first: bool) -> int:
    global _rest_until
    if time.monotonic() < _rest_until:
        return 0
    from webapp.tasks import run_step

    sent = 0
    try:
        with Connection(settings.REDIS_URL, transport_options=_IMPATIENT, connect_timeout=0.25) as link:
            there = link.default_channel.queue_declare(queue, durable=True).message_count if count_first else 0
            for step in steps[: max(0, len(steps) - there)]:
                run_step.apply_async((step,), queue=queue, connection=link, retry=False)
                sent += 1
    except (OperationalError, OSError) as error:
        log.warning("Redis took no message (%s); workers find the steps by themselves", error)
        _rest_until = time.monotonic() + _REST_SECONDS
    return sent


class Keeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts what every worker has beside its loop: the sweeper and the watch for SIGTERM."""

    requires = {"celery.worker.components:Pool"}

    def start(self, worker: object) -> None:
        from webapp.pipeline import worker

        queues = tuple(app.amqp.queues.consume_from)
        worker.keep(worker.name_worker(), "celery", queues)


app.steps["worker"].add(Keeper)
