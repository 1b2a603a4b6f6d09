"""All Celery tasks: one line each over plain code."""

from webapp.celery import app
from webapp.pipeline import worker


@app.task(ignore_result=True)  # type: ignore[untyped-decorator]
def run_step(step: int) -> None:
    worker.work_for(step)
