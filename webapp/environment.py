"""Reading the environment: where the installation lives, and yes/no switches."""

import os
from pathlib import Path


def home_folder() -> Path:
    """KINOSCOPE_HOME, by default ~/.kinoscope: the one folder that holds everything the installation keeps."""
    return Path(os.environ.get("KINOSCOPE_HOME") or Path.home() / ".kinoscope").expanduser().resolve()


def flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")
