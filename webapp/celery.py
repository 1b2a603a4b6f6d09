"""Celery's app and its bootstep, for `celery -A webapp worker -Q io,cpu,models` where REDIS_URL is set."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

import django
from celery import Celery, bootsteps
from django.apps import apps
from django.conf import settings

if not apps.ready:  # started by `celery -A webapp`, not by Django
    django.setup()

from webapp.operations.housekeeping import Housekeeper
from webapp.pipeline.worker import StepWorker

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

step_worker = StepWorker()  # of this process


class Attendance(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts what every worker has beside its loop: housekeeping and the watch for SIGTERM."""

    requires = {"celery.worker.components:Pool"}

    def start(self, worker: object) -> None:
        step_worker.attend("celery", tuple(app.amqp.queues.consume_from), Housekeeper().keep)


app.steps["worker"].add(Attendance)
