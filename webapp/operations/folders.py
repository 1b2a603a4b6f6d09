"""Files that lie on this machine: taken in as copies, or used where they lie."""

from dataclasses import dataclass
from pathlib import Path

from indexer import cues
from indexer.media import MAX_DURATION
from webapp.media import subtitles
from webapp.models import User, Video
from webapp.uploads import intake


@dataclass(frozen=True)
class Outcome:
    """What became of a file: `processing`, `duplicate`, `moved` or `failed`, with the reason; `warning` where something
    beside it could not be used.
    """

    video: Video | None
    status: str
    reason: str = ""
    warning: str = ""


def take(owner: User, file: Path, visibility: str, in_place: bool) -> Outcome:
    """Bring a file into the library, with the subtitles that lie beside it."""
    copy = None
    try:
        if in_place:
            video = intake.accept_in_place(owner, file, visibility)
        else:
            copy = intake.copy_in(file)
            video = intake.accept(owner, copy, file.name, visibility=visibility)
        return Outcome(video, "processing", warning=take_subtitles(video, file))
    except intake.Duplicate as twin:
        return Outcome(twin.video, "moved" if isinstance(twin, intake.Moved) else "duplicate")
    except (intake.Refused, OSError) as error:
        return Outcome(None, "failed", str(error))
    finally:
        if copy is not None:
            copy.unlink(missing_ok=True)


def take_subtitles(video: Video, file: Path) -> str:
    """Those that lie beside the file become its transcript; why not, where they can't."""
    beside = subtitles.find_beside(file)
    if beside is None:
        return ""
    try:
        with beside.open("rb") as opened:
            data = opened.read(cues.MAX_BYTES + 1)
        subtitles.replace(video, cues.read_file(beside.name, data, MAX_DURATION))
    except (cues.BadSubtitles, OSError) as error:
        return f"{beside.name}: {error}"
    return ""
