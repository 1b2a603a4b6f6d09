"""The decoder's box, child side: `python -m indexer.boxed OPERATION`, request on stdin, one JSON answer on stdout."""

import ctypes
import errno
import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = 3 << 30  # address space; 8k frames with FFmpeg's threads stay under it
FILE_BYTES = 8 << 30  # largest file the child may write
CPU_SECONDS = 4 * 3600


def limit_resources() -> None:
    """Bound memory, CPU, file size, open files and core dumps of this process before it opens anything."""
    for what, bound in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent goes: a killed worker leaves no decoder behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # prctl.h: PR_SET_PDEATHSIG = 1


def say_progress(share: float) -> None:
    print(f"%{min(max(share, 0.0), 1.0):.4f}", flush=True)


def answer(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    from indexer.adapters.pyav import looking, probing, rendering

    path, out = Path(request["path"]), Path(request["out"])
    match operation:
        case "probe":
            return probing.probe(path)
        case "glance":
            return looking.glance(path, out)
        case "look":
            return looking.look(path, out, say_progress)
        case "audio":
            return rendering.extract_audio(path, out)
        case "proxy":
            return rendering.render_proxy(path, out, say_progress)
    raise SystemExit(f"unknown operation {operation}")


def main() -> None:
    die_with_parent()
    limit_resources()
    request = json.loads(sys.stdin.read())
    from indexer.errors import IndexerError

    try:
        reply: dict[str, Any] = {"ok": answer(sys.argv[1], request)}
    except IndexerError as error:
        reply = {"error": error.reason, "remedy": error.remedy}
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        reply = {"full": True}
    print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
