"""How much memory a step took at most."""

import logging
from pathlib import Path

import psutil

log = logging.getLogger(__name__)


def reset_peak() -> None:
    """Start measuring anew (Linux: writing 5 to clear_refs resets VmHWM, `man 5 proc`)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        log.debug("peak memory is counted since the start of the process on this system")


def peak_bytes() -> int:
    """Largest resident size since the last reset, in bytes; the present one where the system tells no peak."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(psutil.Process().memory_info().rss)
