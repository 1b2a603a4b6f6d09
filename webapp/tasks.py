"""All Celery tasks: one line each over plain code."""

from webapp import working
from webapp.celery import app


@app.task(ignore_result=True)  # type: ignore[untyped-decorator]
def run_step(step: int) -> None:
    working.work_for(step)
