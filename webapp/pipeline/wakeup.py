"""Waking Celery's workers where REDIS_URL is set: messages say "there is work on this queue" and nothing else.

Tasks are sent by name, so that who queues a step need not know who runs it. Losing a message does no harm: workers
look into the ledger by themselves, too.
"""

import logging
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)

TASK = "webapp.tasks.run_step"
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


@cache
def _sender() -> Any:
    from celery import Celery

    return Celery("kinoscope", broker=settings.REDIS_URL, set_as_current=False)


def _publish(queue: str, steps: Sequence[int], count_first: bool) -> int:
    global _rest_until
    if not settings.REDIS_URL or time.monotonic() < _rest_until:
        return 0
    from kombu import Connection
    from kombu.exceptions import OperationalError

    sent = 0
    try:
        with Connection(settings.REDIS_URL, transport_options=_IMPATIENT, connect_timeout=0.25) as link:
            waiting = link.default_channel.queue_declare(queue, durable=True).message_count if count_first else 0
            for step in steps[: max(0, len(steps) - waiting)]:
                _sender().send_task(TASK, (step,), queue=queue, connection=link, retry=False, ignore_result=True)
                sent += 1
    except (OperationalError, OSError) as error:
        log.warning("Redis took no message (%s); workers find the steps by themselves", error)
        _rest_until = time.monotonic() + _REST_SECONDS
    return sent
