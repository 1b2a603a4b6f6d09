"""The library's vectors in memory: an immutable snapshot per process, rebuilt from the database when it changed.

The database is the truth. A snapshot holds only segments made by the encoders in use, so a query never meets vectors
of another model.
"""

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.utils.module_loading import import_string

from indexer import fusion
from indexer.calibration import NEUTRAL, Calibration
from indexer.ports import VectorIndex
from indexer.types import Vectors
from webapp import engine
from webapp.models import IndexState, Segment

_swap = threading.Lock()
_current: "Snapshot | None" = None


@dataclass(frozen=True)
class Snapshot:
    """All searchable segments at one moment: `ids[i]` belongs to video `videos[i]`."""

    sequence: int
    fingerprint: str
    ids: npt.NDArray[np.int64]
    videos: npt.NDArray[np.int64]
    index: VectorIndex
    calibration: Calibration
    looks: dict[int, Vectors]  # mean visual vector (dv,) of each video

    def allowed(self, videos: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Segment ids of these videos."""
        return self.ids[np.isin(self.videos, videos)]


def snapshot() -> Snapshot:
    """The current snapshot; readers keep theirs while a newer one is swapped in by one assignment."""
    global _current
    state = IndexState.objects.filter(pk=1).values("sequence", "calibration").first() or {}
    wanted = (state.get("sequence", 0), engine.fingerprint())
    seen = _current
    if seen is not None and (seen.sequence, seen.fingerprint) == wanted:
        return seen
    with _swap:
        ids, videos, blocks = load_blocks()
        kept = Calibration(**state["calibration"]) if state.get("calibration") else NEUTRAL
        index = import_string(settings.KINOSCOPE_INDEX)(fusion.fuse_segments(blocks), ids)
        looks = {int(v): blocks["visual"][videos == v].mean(0) for v in np.unique(videos)}
        _current = Snapshot(*wanted, ids, videos, index, kept, looks)
        return _current


def load_blocks() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], dict[str, Vectors]]:
    """Ids, videos and blocks {"visual": (n, dv), "text": (n, dt)} of every segment of the encoders in use."""
    dims = {"visual": engine.pictures().dim, "text": engine.sentences().dim}
    rows = list(
        Segment.objects.filter(models_used=engine.fingerprint())
        .order_by("pk")
        .values_list("pk", "video_id", "visual", "text")
    )
    blocks = {}
    for column, space in ((2, "visual"), (3, "text")):
        block = np.zeros((len(rows), dims[space]), np.float32)
        for number, row in enumerate(rows):
            if row[column]:
                block[number] = np.frombuffer(row[column], np.float16)
        blocks[space] = block
    ids = np.array([r[0] for r in rows], np.int64)
    return ids, np.array([r[1] for r in rows], np.int64), blocks
