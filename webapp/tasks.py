"""All Celery tasks: one line each over plain code."""

from webapp.celery import app, step_worker


@app.task(ignore_result=True)  # type: ignore[untyped-decorator]
def run_step(step: int) -> None:
    step_worker.work_for(step)
