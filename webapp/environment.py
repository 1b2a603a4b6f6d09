"""Reading the environment: where the installation lives, its secret, yes/no switches, spans; and how its log looks."""

import json
import logging
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from indexer.files import write_private


def home_folder() -> Path:
    """KINOSCOPE_HOME, by default ~/.kinoscope: the one folder that holds everything the installation keeps."""
    return Path(os.environ.get("KINOSCOPE_HOME") or Path.home() / ".kinoscope").expanduser().resolve()


def flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


def choice(name: str, *values: str) -> str:
    """One of `values`, the first unless another is set."""
    value = os.environ.get(name) or values[0]
    if value not in values:
        raise SystemExit(f"{name}={value} is unknown; choose one of {', '.join(values)}.")
    return value


def span(name: str, default: str) -> tuple[float, float]:
    """ "5-30" -> (5.0, 30.0): the shortest, and a longest that is at least twice that."""
    value = os.environ.get(name) or default
    try:
        shortest, longest = (float(part) for part in value.split("-"))
    except ValueError:
        shortest = longest = 0.0
    if not 0 < 2 * shortest <= longest:
        raise SystemExit(
            f"{name}={value} is no span of seconds such as {default}, the longest at least twice the shortest."
        )
    return shortest, longest


def secret_key(path: Path) -> str:
    """KINOSCOPE_SECRET_KEY, or a random key kept at `path` for its owner only. Refuses one that may be known."""
    value = os.environ.get("KINOSCOPE_SECRET_KEY")
    if value is None:
        fresh = path.with_name(f".secret_key.{os.getpid()}")
        write_private(fresh, secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # whole or not at all; of two processes one wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = value if value is not None else path.read_text()
    if len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-"):
        name = "KINOSCOPE_SECRET_KEY" if value is not None else str(path)
        remedy = "unset it" if value is not None else "remove the file"
        raise SystemExit(f"{name} is empty, known or shorter than 50 characters; {remedy} to have one made.")
    return key


class DiscreetFormatter(logging.Formatter):
    """A line names the request it belongs to and never where on the disk the installation lives."""

    def __init__(self, home: Path) -> None:
        super().__init__("{asctime} {levelname} {name} [{correlation_id}]: {message}", style="{")
        self.home = str(home)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace(self.home, "$KINOSCOPE_HOME")


class JsonFormatter(DiscreetFormatter):
    """The same as an object a line, for who collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "correlation_id", None),
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False).replace(self.home, "$KINOSCOPE_HOME")
