"""What this machine is, and which of the models for a role fits it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
from django.utils.translation import gettext as _

from webapp.catalogue.entry import Entry
from webapp.catalogue.table import for_role

MAX_MEMORY_SHARE = 0.4  # of the memory that one model may take: a site and several workers hold it, each its own
FAST_CORES = 8  # from which on a processor takes the larger ones in its stride
MAX_PARAMETERS = {"few": 500, "many": 850}  # millions that some cores, and `FAST_CORES`, compute in bearable time


@dataclass(frozen=True)
class Machine:
    cores: int
    memory_bytes: int
    gpu: str = ""  # its name
    gpu_bytes: int = 0


def describe_machine() -> Machine:
    gpu, gpu_bytes = find_gpu()
    return Machine(len(os.sched_getaffinity(0)), psutil.virtual_memory().total, gpu, gpu_bytes)


@cache
def find_gpu() -> tuple[str, int]:
    """Name and memory of the first NVIDIA GPU, by its driver's own tool; ("", 0) without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "", 0
    asked = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
        name, _comma, mebibytes = told.rpartition(",")
        return name.strip(), int(mebibytes) << 20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return "", 0


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def say_unfit(entry: Entry, machine: Machine) -> str:
    """Why this machine had better not run it; "" where it can."""
    if entry.needs_gpu and not machine.gpu:
        return _("needs a GPU")
    room = machine.gpu_bytes if machine.gpu else machine.memory_bytes
    if entry.memory_bytes > MAX_MEMORY_SHARE * room:
        return _("needs about %(gb).1f GB of memory") % {"gb": entry.memory_bytes / 1e9}
    most = MAX_PARAMETERS["many" if machine.cores >= FAST_CORES else "few"]
    if not machine.gpu and entry.parameters > most:
        return _("slow on %(cores)d cores") % {"cores": machine.cores}
    return ""


def recommend(role: str, machine: Machine) -> tuple[Entry, str] | None:
    """The largest model for a role that fits, and why; None where those from PyPI are what fits best.

    On a processor the first of the table that fits: for its few operations the table's order is that of usefulness.
    """
    fitting = [entry for entry in for_role(role) if not say_unfit(entry, machine)]
    if not fitting:
        return None
    if machine.gpu:
        best = max(fitting, key=lambda entry: entry.parameters)
        return best, _("the largest that fits the memory of %(gpu)s") % {"gpu": machine.gpu}
    values = {"cores": machine.cores, "gb": machine.memory_bytes / 1e9}
    return fitting[0], _("fits %(cores)d cores and %(gb).0f GB of memory") % values
