"""The decoder's box, child side: `python -m indexer.boxed OPERATION`, request on stdin, one JSON answer on stdout."""

import contextlib
import ctypes
import errno
import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from indexer.confinement import forbid_calls, hide_files, needed_files

MEMORY_BYTES = 3 << 30  # address space; 8k frames with FFmpeg's threads stay under it


def limit_resources(most_bytes: int, seconds: int) -> None:
    """Bound memory, processor time, the size of any file written, open files and core dumps of this process."""
    for what, bound in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, most_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def confine(path: Path, out: Path) -> list[str]:
    """Give up all other files and calls that a decoder never needs; what of the two this machine could take."""
    taken = []
    with contextlib.suppress(OSError):
        hide_files([*needed_files(), path], out)
        taken.append("files")
    with contextlib.suppress(OSError):
        forbid_calls()
        taken.append("calls")
    return taken


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent goes: a killed worker leaves no decoder behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # prctl.h: PR_SET_PDEATHSIG = 1


def say_progress(share: float) -> None:
    print(f"%{min(max(share, 0.0), 1.0):.4f}", flush=True)


def answer(operation: str, path: Path, out: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """What `indexer.box` asks for; `wanted` are the operation's own arguments."""
    from indexer.adapters.pyav import excerpt, look, probe, rendition, sound, streams, words

    match operation:
        case "probe":
            return probe.probe(path, **wanted)
        case "picture":
            return look.read_picture(path, out)
        case "glance":
            return look.glance(path, out)
        case "look":
            return look.look(path, out, progress=say_progress, **wanted)
        case "audio":
            return sound.extract_audio(path, out, **wanted)
        case "subtitles":
            return words.read_subtitles(path, **wanted)
        case "cover":
            return look.read_cover(path, out)
        case "excerpt":
            return excerpt.read_excerpt(path, out, **wanted)
        case "proxy":
            return rendition.render_proxy(path, out, progress=say_progress, **wanted)
        case "streams":
            return streams.render_streams(path, out, progress=say_progress, **wanted)
    raise SystemExit(f"unknown operation {operation}")


def main() -> None:
    die_with_parent()
    request = json.loads(sys.stdin.read())
    path, out = Path(request["path"]), Path(request["out"])
    limit_resources(request["most_bytes"], request["seconds"])
    taken = confine(path, out)
    from indexer.adapters.pyav.container import FFmpegError
    from indexer.errors import IndexerError, UnreadableMedia

    try:
        reply: dict[str, Any] = {
            "ok": {"taken": taken} if sys.argv[1] == "confine" else answer(sys.argv[1], path, out, request["wanted"])
        }
    except IndexerError as error:
        reply = {"error": error.text, "values": error.values}
    except (OSError, FFmpegError) as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reply = {"full": True}
        elif isinstance(error, FFmpegError):  # that no operation expects: an encoder takes no picture of that size
            stopped = UnreadableMedia(
                "FFmpeg gave up on this file (%(why)s). Convert it to MP4 (H.264) and upload it again.",
                why=error.strerror or str(error),
            )
            reply = {"error": stopped.text, "values": stopped.values}
        else:
            raise
    print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
