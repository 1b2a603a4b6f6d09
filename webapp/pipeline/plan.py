"""The plan of a video: which steps there are, in which order, how urgent each is and which queue takes it.

    probe -> glance -> look -> speech -> screen_text -> embed -> index -> describe
    proxy runs beside; reembed follows where a second recipe is kept (see `index.recipes`)

What a step computes is in `stages`; the ledger needs to know no more than this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.index import recipes
from webapp.models import Video

QUEUES = ("io", "cpu", "models")


@dataclass(frozen=True)
class Planned:
    """`priority`: lower runs first, over all videos; `queue`: which kind of Celery worker takes it."""

    priority: int
    queue: str


PLAN = {
    "probe": Planned(0, "io"),
    "glance": Planned(1, "models"),
    "look": Planned(4, "cpu"),
    "speech": Planned(4, "models"),
    "screen_text": Planned(4, "models"),
    "embed": Planned(3, "models"),
    "index": Planned(3, "models"),
    "describe": Planned(3, "models"),
    "proxy": Planned(5, "cpu"),
    "reembed": Planned(9, "models"),  # a change of models waits for what people just uploaded
}
CHAIN = ("probe", "glance", "look", "speech", "screen_text", "embed", "index", "describe")
OPTIONAL = ("proxy", "reembed")  # steps whose failure leaves the video useful


def following(video: Video, name: str) -> list[str]:
    """What may start once `name` is done."""
    info = video.info
    skipped: tuple[str, ...] = () if info.has_video else ("glance", "look", "screen_text")
    skipped += () if info.has_audio or info.subtitles else ("speech",)
    chain = [step for step in CHAIN if step not in skipped]
    follow = chain[chain.index(name) + 1 :][:1] if name in chain else []
    if name == "probe" and not video.content_type:
        follow.append("proxy")
    if name == "describe" and recipes.others().exists():
        follow.append("reembed")
    return follow


def names_of(queues: Sequence[str]) -> list[str]:
    """Steps that the workers of these queues take."""
    return [name for name, planned in PLAN.items() if planned.queue in queues]
