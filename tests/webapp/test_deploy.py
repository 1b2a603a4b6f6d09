"""`manage.py deploy`: what it prints is held against the programs that read it, where they are installed."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from kubernetes_validate import validate

from webapp.management.commands.deploy import TEMPLATES
from webapp.pipeline import plan

KUBERNETES = "1.31"
pytestmark = pytest.mark.unit


@pytest.fixture
def configured(settings, monkeypatch) -> None:
    settings.ALLOWED_HOSTS = ["video.example.org", "localhost"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://video.example.org"]
    settings.BEHIND_TLS = True
    settings.KINOSCOPE_ACCEL = "/protected"
    settings.REDIS_URL = "redis://localhost:6379/0"
    monkeypatch.setenv("KINOSCOPE_LOG_LEVEL", "INFO")
    monkeypatch.setenv("KINOSCOPE_SECRET_KEY", "a secret that is long enough for anybody to be content with it")


def deploy(what: str, folder: Path, *arguments: str) -> Path:
    call_command("deploy", what, "--to", str(folder), *arguments, stdout=io.StringIO())
    return folder


def run(program: str, *arguments: str, **more) -> str:
    if not shutil.which(program):
        pytest.skip(f"SKIPPED LOUDLY: {program} is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("what", sorted(path.name for path in TEMPLATES.iterdir()))
def test_nothing_is_left_open(configured, tmp_path, what) -> None:
    for path in deploy(what, tmp_path).iterdir():
        text = path.read_text()
        assert "{{" not in text.replace("{{.", "")
        assert "{%" not in text
        assert path.stat().st_mode & 0o077 == 0  # it may hold passwords
        shared = what in ("compose", "kubernetes", "container", "nginx", "caddy")
        assert not (shared and "a secret that is long" in text)


def test_without_a_folder_it_prints(configured) -> None:
    out = io.StringIO()
    call_command("deploy", "nginx", "--port", "8123", stdout=out)
    assert "proxy_pass http://127.0.0.1:8123;" in out.getvalue()


def test_systemd_takes_the_units(configured, tmp_path, settings) -> None:
    folder = deploy("systemd", tmp_path)
    units = [str(path) for path in folder.glob("*.service")]
    assert run("systemd-analyze", "verify", *units).strip() == ""
    assert "KINOSCOPE_LOG_LEVEL=INFO" in (folder / "kinoscope.env").read_text().splitlines()
    assert "celery -A webapp worker -Q %i" in (folder / "kinoscope-worker@.service").read_text()
    settings.REDIS_URL = ""
    assert "manage.py worker" in (deploy("systemd", tmp_path) / "kinoscope-worker@.service").read_text()


def test_caddy_takes_its_file(configured, tmp_path) -> None:
    path = deploy("caddy", tmp_path) / "Caddyfile"
    assert "Valid configuration" in run("caddy", "validate", "--config", str(path), "--adapter", "caddyfile")
    adapted = json.loads(run("caddy", "adapt", "--config", str(path), "--adapter", "caddyfile").splitlines()[0])
    assert "127.0.0.1:8000" in json.dumps(adapted)


def test_compose_takes_its_file(configured, tmp_path) -> None:
    path = deploy("compose", tmp_path) / "compose.yaml"
    secrets = {"POSTGRES_PASSWORD": "p", "KINOSCOPE_SECRET_KEY": "k", "PATH": "/usr/bin:/bin"}
    config = yaml.safe_load(run("docker-compose", "-f", str(path), "config", env=secrets))
    workers = {name for name in config["services"] if name.startswith("worker-")}
    assert workers == {f"worker-{queue}" for queue in plan.QUEUES}
    assert config["services"]["web"]["environment"]["KINOSCOPE_LOG_LEVEL"] == "INFO"


@pytest.mark.parametrize(("prefix", "media"), [(None, ""), ("/films", "s3://library/kinoscope")])
def test_kubernetes_takes_every_resource(configured, tmp_path, settings, prefix, media) -> None:
    settings.FORCE_SCRIPT_NAME, settings.KINOSCOPE_MEDIA = prefix, media
    resources = list(yaml.safe_load_all((deploy("kubernetes", tmp_path) / "kinoscope.yaml").read_text()))
    for resource in resources:
        validate(resource, KUBERNETES, strict=True)
    ingress = next(r for r in resources if r["kind"] == "Ingress")
    assert ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] == (prefix or "/")
    assert any(r["kind"] == "PersistentVolumeClaim" for r in resources) == (not media)  # a bucket needs no folder
    assert sum(r["kind"] == "Deployment" for r in resources) == 1 + len(plan.QUEUES)


def test_the_container_is_made_as_readme_installs(configured, tmp_path) -> None:
    text = (deploy("container", tmp_path) / "Containerfile").read_text()
    assert "uv==0.13.8" in text
    assert "uv sync -q --frozen --inexact" in text
    assert "uv==0.13.8" in Path("README.md").read_text()
