"""Celery carries wake-ups when REDIS_URL is set: `celery -A webapp.celery worker -Q io,cpu,models -P solo`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

import django
from celery import Celery
from django.apps import apps
from django.conf import settings

if not apps.ready:  # started by `celery -A webapp.celery`, not by Django
    django.setup()

app = Celery("kinoscope", include=["webapp.tasks"])
app.conf.update(
    broker_url=settings.REDIS_URL or "memory://",
    result_backend=None,
    task_ignore_result=True,
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=False,  # the lease in the database owns the work, not the broker
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={  # a page that wakes a worker must not wait for a Redis that is away
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "visibility_timeout": 7200,
    },
    task_publish_retry=False,
)
