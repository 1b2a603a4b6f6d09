"""What a running process counts of itself, for Prometheus, and the traces that it sends where an admin wants them."""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

View = Callable[[HttpRequest], HttpResponseBase]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30)  # bounds of every histogram

REQUESTS = Counter("kinoscope_requests", "Answered requests", ["page", "status"])
PAGES = Histogram("kinoscope_request_seconds", "Until an answer began", ["page"], buckets=SECONDS)
SEARCHES = Histogram("kinoscope_search_seconds", "A whole search, without its page", buckets=SECONDS)
FIRST_WORDS = Histogram("kinoscope_answer_first_seconds", "Until the first sentence of an answer", buckets=SECONDS)
ANSWERS = Histogram("kinoscope_answer_seconds", "Until an answer was whole", buckets=SECONDS)


def count_requests(get_response: View) -> View:
    """Middleware: how many requests there were, how they ended, how long each page took."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        page = (match.view_name or match.route) if match else "none"
        REQUESTS.labels(page, response.status_code).inc()
        PAGES.labels(page).observe(time.perf_counter() - begun)
        return response

    return answer


def start_tracing(service: str) -> None:
    """Send spans of requests and steps to where KINOSCOPE_TRACES says (OTLP over HTTP); needs the extra `traces`."""
    if not settings.KINOSCOPE_TRACES:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SystemExit("KINOSCOPE_TRACES is set; install what sends them: uv sync --inexact --extra traces") from None
    provider = TracerProvider(resource=Resource.create({"service.name": service, "process.pid": os.getpid()}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.KINOSCOPE_TRACES}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument()


def trace_step(name: str, video: int) -> AbstractContextManager[object]:
    """A span around the work on a step."""
    if not settings.KINOSCOPE_TRACES:
        return nullcontext()
    from opentelemetry import trace

    return trace.get_tracer("kinoscope").start_as_current_span(f"step {name}", attributes={"video": video})
