"""Who goes first: turns between people, and what a long step lets past."""

from django.db.models import Max, Min, Q

from webapp.models import Step, Video

QUICK = 1  # priority of the steps after which a video can be found by its pictures
MUCH_SHORTER = 10  # times: a step of so much longer a video gives way


def shorter_than(step: Step, quick_only: bool) -> Q:
    """What may run while `step` pauses: the quick first steps of anything, and all steps, as urgent or more, of videos
    that are much shorter.
    """
    quick = Q(priority__lte=min(QUICK, step.priority - 1))
    if quick_only:
        return quick
    return quick | Q(priority__lte=step.priority, video__duration__lt=step.video.duration / MUCH_SHORTER)


def find_turn(video: Video) -> int:
    """People take turns: a person's next video comes after one of everybody else's who waits, however many the person
    brings at once (start-time fair queueing, Goyal et al. 1996, with every video of the same weight).
    """
    known = video.steps.values_list("turn", flat=True).first()
    if known is not None:
        return known
    waiting = Step.objects.filter(status__in=[Step.Status.READY, Step.Status.WAITING, Step.Status.RUNNING])
    now = waiting.aggregate(turn=Min("turn"))["turn"] or 0
    last = waiting.filter(video__owner=video.owner_id).aggregate(turn=Max("turn"))["turn"]
    return now if last is None else max(now, last + 1)
