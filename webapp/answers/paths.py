"""In which order videos are best watched: what explains a term comes before what uses it, over all that a person may
see, and each step says why.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa import study
from webapp.answers.study import list_cards
from webapp.models import Collection, StudyCard, User, Video
from webapp.search.moments import find_moments
from webapp.search.queries import Wanted

MAX_TERMS = 20_000  # of the library that are looked for in one video
MAX_BEFORE = 8  # videos on the way to one
MAX_ASKED = 4  # terms of a video that others are searched by
MAX_AFTER = 6  # videos that are offered after one
MIN_LETTERS = 4  # of a term in Latin letters: "set" is used everywhere


@dataclass(frozen=True)
class Step:
    """A video, and why it stands where it does: terms, and the videos that explain them."""

    video: Video
    because: tuple[tuple[str, Video], ...] = ()


def find_path(user: User, shelf: Collection) -> list[Step]:
    """The videos of a collection in an order in which terms are explained before they are used."""
    videos = {v.pk: v for v in shelf.videos.filter(pk__in=Video.objects.visible_to(user)).order_by("created_at")}
    explained = {pk: [card.term for card in list_cards(user, v) if card.term] for pk, v in videos.items()}
    return arrange(videos, explained, {pk: tell_words(pk) for pk in videos})


def find_before(user: User, video: Video) -> list[Step]:
    """What this video takes for known, in the order of learning, up to the video itself; [] where it needs nothing.
    Of several that explain a term the first in the library counts.
    """
    visible = Video.objects.visible_to(user)
    first: dict[str, tuple[str, int]] = {}
    definitions = StudyCard.objects.filter(kind=StudyCard.Kind.DEFINITION, video__in=visible)
    for term, teacher in definitions.order_by("video", "pk").values_list("term", "video")[:MAX_TERMS]:
        if is_telling(term):
            first.setdefault(term.lower(), (term, teacher))
    chosen, explained, spoken = [video.pk], defaultdict[int, list[str]](list), dict[int, str]()
    for pupil in chosen:  # grows while it is read: what a teacher needs comes before it
        text, own = tell_words(pupil), {card.term.lower() for card in list_terms(pupil)}
        spoken[pupil], folded = text, text.lower()
        for key, (term, teacher) in first.items():
            if teacher == pupil or key in own or key not in folded or not study.uses(text, term):
                continue
            if teacher not in chosen and len(chosen) <= MAX_BEFORE:
                chosen.append(teacher)
            if teacher in chosen and term not in explained[teacher]:
                explained[teacher].append(term)
    if len(chosen) == 1:
        return []
    videos = Video.objects.in_bulk(chosen)
    path = arrange({pk: videos[pk] for pk in reversed(chosen)}, explained, spoken)
    at = next(place for place, step in enumerate(path) if step.video.pk == video.pk)
    return path[: at + 1]


def find_after(user: User, video: Video) -> list[Step]:
    """What can be watched with what this video explains: those that speak of most of its terms first."""
    found: dict[int, tuple[Video, list[str]]] = {}
    own = [card.term for card in list_terms(video.pk) if is_telling(card.term)]
    for term in own[:MAX_ASKED]:
        for moment in find_moments(user, Wanted(f'"{term}"'), MAX_AFTER, "video").moments:
            if moment.video.pk != video.pk and study.uses(moment.segment.speech, term):
                found.setdefault(moment.video.pk, (moment.video, []))[1].append(term)
    ranked = sorted(found.values(), key=lambda row: -len(row[1]))[:MAX_AFTER]
    return [Step(other, tuple((term, video) for term in terms)) for other, terms in ranked]


def recommend(user: User, learned: Sequence[Video]) -> list[Step]:
    """What comes after the first of these videos, and is none of them."""
    known = {video.pk for video in learned}
    return [step for video in learned[:1] for step in find_after(user, video) if step.video.pk not in known]


def arrange(videos: dict[int, Video], explained: dict[int, list[str]], spoken: dict[int, str]) -> list[Step]:
    stops = study.order(list(videos), explained, spoken)
    return [Step(videos[s.video], tuple((term, videos[teacher]) for term, teacher in s.because)) for s in stops]


def list_terms(video: int) -> Iterable[StudyCard]:
    return StudyCard.objects.filter(kind=StudyCard.Kind.DEFINITION, video=video)


def tell_words(video: int) -> str:
    lines = Video.objects.filter(pk=video, utterances__isnull=False).order_by("utterances__start")
    return " ".join(lines.values_list("utterances__text", flat=True))


def is_telling(term: str) -> bool:
    return not term.isascii() or len(term) >= MIN_LETTERS
