"""The plan of a video: which steps there are, what each needs, how urgent it is and which queue takes it.

    probe ─┬─► glance ─► look ─┬─► screen_text ─┐
           │                   └─► pictures ────┼─► embed ─► describe ─┬─► index
           ├─► speech ─────────────────────────┘                       └─► reembed
           └─► proxy

Steps of one video that do not need each other run side by side, where there is more than one worker. `index` is one
for many videos; `reembed` follows where a second recipe is kept (see `index.recipes`). What a step computes is in
`stages`; the ledger needs to know no more than this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.index import recipes
from webapp.models import Step, Video

QUEUES = ("io", "cpu", "models")


@dataclass(frozen=True)
class Planned:
    """`priority`: lower runs first, over all videos; `queue`: which kind of Celery worker takes it; `after`: what must
    be done before.
    """

    priority: int
    queue: str
    after: tuple[str, ...] = ()


PLAN = {
    "probe": Planned(0, "io"),
    "glance": Planned(1, "models", ("probe",)),
    "look": Planned(4, "cpu", ("glance",)),
    "speech": Planned(4, "models", ("probe",)),
    "screen_text": Planned(4, "models", ("look",)),
    "pictures": Planned(4, "models", ("look",)),
    "embed": Planned(3, "models", ("speech", "screen_text", "pictures")),
    "describe": Planned(3, "models", ("embed",)),
    "proxy": Planned(5, "cpu", ("probe",)),
    "streams": Planned(7, "cpu", ("probe",)),  # only where a person asks for it
    "index": Planned(6, "models", ("describe",)),  # once for all that came meanwhile: the delta answers until then
    "reembed": Planned(9, "models", ("describe",)),  # a change of models waits for what people just uploaded
}
OPTIONAL = ("proxy", "index", "streams", "reembed")  # steps whose failure leaves the video useful
BESIDE = ("index", "streams", "reembed")  # steps that a video need not wait for to be ready


def following(video: Video, name: str) -> list[str]:
    """What may start once `name` is done: what needs it and has all else that it needs; and what an older plan, in
    another order, has not begun.
    """
    left_out, states = leave_out(video), dict(video.steps.values_list("name", "status"))
    done = {name} | {step for step, status in states.items() if status == Step.Status.DONE}
    needs = {step: find_needs(step, left_out) for step in PLAN if step not in left_out}
    used = {before for step in done & needs.keys() - {*BESIDE} for before in needs[step]}
    missed = needs.keys() - states.keys() - used - {"probe", "index"}
    ready = [step for step, needed in needs.items() if needed <= done and (name in needed or step in missed)]
    return [step for step in ready if not needs[step] & set(ready)]


def find_needs(step: str, left_out: set[str]) -> set[str]:
    """The steps before it; those before one that is left out, in its place."""
    found: set[str] = set()
    for before in PLAN[step].after:
        found |= find_needs(before, left_out) if before in left_out else {before}
    return found


def leave_out(video: Video) -> set[str]:
    """Steps that this video does not need."""
    info, left_out = video.info, {"streams"}
    if not info.has_video:
        left_out |= {"glance", "look", "screen_text", "pictures"}
    if not info.has_audio and not info.subtitles:
        left_out.add("speech")
    if video.content_type:
        left_out.add("proxy")
    if not recipes.others().exists():
        left_out.add("reembed")
    if Step.objects.filter(name="index", status__in=[Step.Status.READY, Step.Status.WAITING]).exists():
        left_out.add("index")  # one is enough: it will see this video, too
    return left_out


def names_of(queues: Sequence[str]) -> list[str]:
    """Steps that the workers of these queues take."""
    return [name for name, planned in PLAN.items() if planned.queue in queues]
