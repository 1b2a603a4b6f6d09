"""Reading the environment: where the installation lives, yes/no switches, spans."""

import os
from pathlib import Path


def home_folder() -> Path:
    """KINOSCOPE_HOME, by default ~/.kinoscope: the one folder that holds everything the installation keeps."""
    return Path(os.environ.get("KINOSCOPE_HOME") or Path.home() / ".kinoscope").expanduser().resolve()


def flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


def span(name: str, default: str) -> tuple[float, float]:
    """ "5-30" -> (5.0, 30.0): the shortest, and a longest that is at least twice that."""
    given = os.environ.get(name) or default
    try:
        shortest, longest = (float(part) for part in given.split("-"))
    except ValueError:
        shortest = longest = 0.0
    if not 0 < 2 * shortest <= longest:
        raise SystemExit(
            f"{name}={given} is no span of seconds such as {default}, the longest at least twice the shortest."
        )
    return shortest, longest
