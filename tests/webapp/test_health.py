"""What other machines ask this one: is it alive, may requests be sent to it, what does it count, what does it log."""

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from webapp.environment import JsonFormatter
from webapp.models import Worker
from webapp.operations import health
from webapp.pipeline import outputs
from webapp.views import health as pages

pytestmark = pytest.mark.usefixtures("fake_models")
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture
def worker(people) -> Worker:
    return Worker.objects.create(name="w", carrier="table", started_at=timezone.now(), seen_at=timezone.now())


def test_alive_even_without_a_database(people, monkeypatch) -> None:
    monkeypatch.setattr(pages, "check_all", lambda: pytest.fail("alive is not ready"))
    assert Client().get("/health").json() == {"status": "ok"}
    assert Client().post("/health").status_code == 405


def test_ready_when_everything_answers(demo, worker) -> None:
    response = Client().get("/health/ready")
    assert response.status_code == 200
    checks = {"database": "ready", "storage": "ready", "index": "ready", "workers": "ready"}
    assert response.json() == {"status": "ready", "checks": checks}


def test_strangers_learn_no_more_than_the_state(clients, worker) -> None:
    for name in ("anonymous", "other"):
        assert clients[name].get("/health/ready", **ELSEWHERE).json() == {"status": "ready"}
    assert "checks" in clients["admin"].get("/health/ready", **ELSEWHERE).json()


def test_without_a_worker_searches_go_on(people) -> None:
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert "start one" in response.json()["checks"]["workers"]


@pytest.mark.parametrize("lack", ["room", "database", "migration"])
def test_not_ready_when_nothing_could_be_answered(people, worker, monkeypatch, lack) -> None:
    def away():
        raise OperationalError("the server closed the connection")

    name, fault = {
        "room": ("storage", "make room"),
        "database": ("database", "closed the connection"),
        "migration": ("database", "manage.py migrate"),
    }[lack]
    if lack == "room":
        monkeypatch.setattr(outputs, "has_room", lambda: False)
    else:
        monkeypatch.setattr(
            health, "_find_unmigrated", away if lack == "database" else lambda: "Run `manage.py migrate`."
        )
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "unready")
    assert fault in response.json()["checks"][name]


def test_metrics_are_for_this_machine_or_a_token(people, settings) -> None:
    assert Client().get("/metrics").status_code == 200
    assert Client().get("/metrics", **ELSEWHERE).status_code == 403
    assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="203.0.113.7").status_code == 403  # through a proxy
    settings.KINOSCOPE_METRICS_TOKEN = "long-and-secret"
    assert Client().get("/metrics").status_code == 403
    right, wrong = ({"HTTP_AUTHORIZATION": f"Bearer {text}"} for text in ("long-and-secret", "long-and-secreT"))
    assert Client().get("/metrics", **ELSEWHERE, **right).status_code == 200
    assert Client().get("/metrics", **ELSEWHERE, **wrong).status_code == 403


def read_metrics() -> dict[str, dict[tuple[str, ...], float]]:
    """Name -> the values of the labels, in the order of their names -> number."""
    families = text_string_to_metric_families(Client().get("/metrics").content.decode())
    return {
        sample.name: {
            tuple(v for _, v in sorted(s.labels.items())): s.value for s in family.samples if s.name == sample.name
        }
        for family in families
        for sample in family.samples
    }


def test_metrics_tell_the_state_of_the_library(demo, accept, worker, clients) -> None:
    accept(shots=1)
    before = read_metrics()
    clients["owner"].get("/search", {"q": "a clock"})
    found = read_metrics()
    assert found["kinoscope_steps"]["ready", "probe"] == 1
    assert found["kinoscope_steps"]["done", "probe"] == 1
    assert found["kinoscope_videos"]["ready",] == 1
    assert found["kinoscope_oldest_due_step_seconds"]["probe",] >= 0
    assert found["kinoscope_searchable_seconds"]["0.5",] > 0
    assert found["kinoscope_index_segments"]["active",] + found["kinoscope_index_lag_segments"]["active",] > 0
    assert found["kinoscope_workers"][()] == 1
    assert found["kinoscope_storage_bytes"]["originals",] > 0
    counted = ("kinoscope_requests_total", ("search", "200"))
    assert found[counted[0]][counted[1]] == before[counted[0]].get(counted[1], 0) + 1
    assert found["kinoscope_search_seconds_count"][()] >= 1


def test_a_log_line_as_json_keeps_its_discretion(tmp_path) -> None:
    formatter = JsonFormatter(tmp_path)
    try:
        raise ValueError(f"{tmp_path}/media is gone")
    except ValueError:
        record = logging.LogRecord("webapp", logging.ERROR, "x.py", 1, "“%s” failed", ("a",), None)
        record.exc_info = sys.exc_info()
    record.correlation_id = "abc123"
    told = json.loads(formatter.format(record))
    assert (told["level"], told["request"], told["message"]) == ("ERROR", "abc123", "“a” failed")
    assert "ValueError: $KINOSCOPE_HOME/media is gone" in told["exception"]
    assert str(tmp_path) not in json.dumps(told)


def test_traces_go_where_they_are_wanted(people, tmp_path) -> None:
    """A collector of our own hears of a request and of a step, in a process that was told so."""
    heard: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    code = (
        "import django; django.setup();"
        "from webapp.instruments import start_tracing, trace_step; start_tracing('kinoscope-test');"
        "from django.test import Client; Client(HTTP_HOST='localhost').get('/health');\n"
        "with trace_step('speech', 7): pass\n"
        "from opentelemetry import trace; trace.get_tracer_provider().shutdown()"
    )
    told = {
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "KINOSCOPE_TRACES": f"http://127.0.0.1:{collector.server_port}",
        "KINOSCOPE_HOME": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **told}, check=True, timeout=120)
    collector.shutdown()
    for name in (b"GET health", b"step speech", b"kinoscope-test"):
        assert any(name in body for body in heard), name
