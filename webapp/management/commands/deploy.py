"""`manage.py deploy`: files for systemd, nginx, Caddy, containers and Kubernetes, made from what is set here."""

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.template import Context, Engine

from indexer.files import write_private
from webapp.pipeline import plan
from webapp.storage.store import is_bucket

TEMPLATES = settings.BASE_DIR / "templates" / "deploy"
SHARED = ("DATABASE_URL", "REDIS_URL")  # beside everything that begins with KINOSCOPE_
SECRETS = (
    *("KINOSCOPE_SECRET_KEY", "KINOSCOPE_METRICS_TOKEN", "KINOSCOPE_DECODER_KEY", "KINOSCOPE_MAIL"),
    "KINOSCOPE_MOMENTS",  # it may hold a password
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)
OF_THE_PLACE = ("KINOSCOPE_HOME", "KINOSCOPE_HOSTS", "KINOSCOPE_ORIGINS", "KINOSCOPE_TLS", "KINOSCOPE_PREFIX",
                "KINOSCOPE_PROXIES", "KINOSCOPE_ACCEL")  # fmt: skip


class Command(BaseCommand):
    help = "Print what starts Kinoscope elsewhere, made from the settings of this environment."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=sorted(path.name for path in TEMPLATES.iterdir()))
        parser.add_argument("--port", type=int, default=8000, help="of the site, behind its proxy")
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="write the files there instead of printing them")

    def handle(self, *args: Any, **options: Any) -> None:
        engine = Engine(dirs=[str(TEMPLATES)], autoescape=False)
        described = Context(describe(options["port"]))
        for path in sorted((TEMPLATES / options["what"]).iterdir()):
            text = engine.get_template(f"{options['what']}/{path.name}").render(described)
            if options["to"] is None:
                self.stdout.write(text)
                continue
            options["to"].mkdir(parents=True, exist_ok=True)
            target = options["to"] / path.name
            write_private(target, text)
            self.stdout.write(f"{target}")


def describe(port: int) -> dict[str, Any]:
    """What the templates need to know of this installation."""
    names = [name for name in os.environ if name.startswith(("KINOSCOPE_", "AWS_")) or name in SHARED]
    environment = {name: os.environ[name] for name in sorted(names)} | {"KINOSCOPE_HOME": str(settings.KINOSCOPE_HOME)}
    hidden = (*SHARED, *SECRETS, *OF_THE_PLACE)
    return {
        "program": settings.BASE_DIR,
        "python": sys.executable,
        "user": getpass.getuser(),
        "home": settings.KINOSCOPE_HOME,
        "environment": environment,
        "plain": {name: value for name, value in environment.items() if name not in hidden},
        "port": port,
        "name": settings.ALLOWED_HOSTS[0],
        "hosts": ",".join(settings.ALLOWED_HOSTS),
        "origins": ",".join(settings.CSRF_TRUSTED_ORIGINS),
        "tls": settings.BEHIND_TLS,
        "prefix": settings.FORCE_SCRIPT_NAME or "",
        "accel": settings.KINOSCOPE_ACCEL,
        "redis": settings.REDIS_URL,
        "bucket": is_bucket(settings.KINOSCOPE_MEDIA),
        "moments": settings.KINOSCOPE_MOMENTS,
        "max_upload_mb": settings.KINOSCOPE_MAX_UPLOAD_BYTES >> 20,
        "queues": plan.QUEUES,
        "extras": [
            *(["traces"] if settings.KINOSCOPE_TRACES else []),
            *(["s3"] if settings.KINOSCOPE_MEDIA else []),
            *(["milvus"] if settings.KINOSCOPE_MOMENTS else []),
        ],
    }
