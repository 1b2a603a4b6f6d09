"""Learning from videos: cards, when each is asked again (FSRS), how far people are, and where many of them fail.

The scheduler is the free spaced repetition scheduler, https://github.com/open-spaced-repetition/py-fsrs.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from fsrs import Card as Memory
from fsrs import Rating, Scheduler

from indexer.errors import IndexerError
from indexer.terms import cached_terms
from qa import study
from qa.evidence import score_evidence
from qa.reader import answer_by_quoting
from qa.types import Evidence as Piece
from webapp import engine
from webapp.answers.curves import choose_reader
from webapp.answers.scope import VisibleScope
from webapp.index import recipes
from webapp.models import Pause, Review, StudyCard, User, Video

log = logging.getLogger(__name__)

MAX_AT_ONCE = 5  # videos whose cards are made in one sweep
RATINGS = {"again": Rating.Again, "hard": Rating.Hard, "good": Rating.Good, "easy": Rating.Easy}
KNOWN_DAYS = 21  # stability of a memory, from which on a card counts as known (Anki calls it mature)
MIN_LEARNERS = 5  # people who failed a card before anybody is told: nobody can be told from the others
MIN_FAILED_SHARE = 0.4  # of those who were asked it

MAX_PAUSES = 20  # of one report of the player
MAX_PLACES = 8  # that a teacher is told of

_scheduler = Scheduler()


def sweep() -> None:
    """The cards of the next videos that were understood: what they explain is known before somebody asks."""
    for video in Video.objects.filter(status=Video.Status.READY, has_cards=False).select_related("owner")[:MAX_AT_ONCE]:
        try:
            list_cards(video.owner, video)
        except IndexerError:  # a model that is missing: they are made when somebody asks, and told then
            log.warning("no cards could be made of %s", video.key, exc_info=True)
            return
        except Exception:  # whatever one video holds, the others get theirs
            log.exception("no cards can be made of %s", video.key)
            Video.objects.filter(pk=video.pk).update(has_cards=True)


def list_cards(user: User, video: Video) -> list[StudyCard]:
    """Made when somebody asks for them, if they are not made yet."""
    is_understood = video.status == Video.Status.READY or video.evidence.exists()
    if video.has_cards or not is_understood:
        return list(video.study_cards.all())
    made = make_cards(user, video)  # by models: nothing is locked meanwhile
    with transaction.atomic():
        row = Video.objects.select_for_update().get(pk=video.pk)
        if not row.has_cards and not row.study_cards.exists():
            StudyCard.objects.bulk_create(
                StudyCard(
                    video=video,
                    kind=card.kind.value,
                    term=card.term[:100],
                    front=card.front,
                    back=card.back,
                    sentence=card.evidence.text,
                    start=card.evidence.start,
                    end=card.evidence.end,
                )
                for card in made
            )
        Video.objects.filter(pk=video.pk).update(has_cards=True)
    return list(video.study_cards.all())


def make_cards(user: User, video: Video) -> list[study.Card]:
    """What the reader answers with the very sentence that a card was made of."""
    recipe = recipes.active()
    encoder = engine.sentences(recipe)
    scope = VisibleScope(user, Video.objects.filter(pk=video.pk), video, recipe, encoder)
    pieces, vectors = scope.read("")
    reranker, curve = choose_reader(encoder)
    spoken = [piece for piece in pieces if piece.kind == "speech"]

    def is_answered(card: study.Card) -> bool:
        vector = encoder.encode_queries([card.front])[0]
        scored = score_evidence(card.front, vector, pieces, vectors, cached_terms, reranker, curve)
        answer = answer_by_quoting(card.front, scored, trusted=("screen",))
        return not answer.abstained and any(
            says(citation.start, card.evidence) for s in answer.sentences for citation in s.citations
        )

    return study.make_cards(spoken, is_answered)


def says(start: float, sentence: Piece) -> bool:
    return sentence.start - 0.1 <= start < sentence.end


# -- learning ------------------------------------------------------------------------------------------------------


def begin(user: User, cards: Collection[StudyCard]) -> None:
    """All of them are due now; what was begun before stays as it is."""
    now = timezone.now()
    Review.objects.bulk_create((Review(learner=user, card=card, due_at=now) for card in cards), ignore_conflicts=True)


def due(user: User, video: Video | None = None) -> QuerySet[Review]:
    """What is to be asked now, of videos that may still be seen."""
    visible = Video.objects.visible_to(user)
    rows = Review.objects.filter(learner=user, due_at__lte=Now(), card__video__in=visible)
    return (rows.filter(card__video=video) if video else rows).select_related("card__video")


def rate(review: Review, rating: str) -> None:
    """When it is asked again depends on how well it was known. Raises `KeyError` for no rating."""
    memory = Memory.from_dict(review.state) if review.state else Memory()
    memory, _log = _scheduler.review_card(memory, RATINGS[rating])
    review.state, review.due_at = dict(memory.to_dict()), memory.due
    review.times += 1
    review.lapses += rating == "again"
    review.save()


@dataclass(frozen=True)
class Progress:
    """Of one video, in cards."""

    video: Video
    cards: int
    due: int
    known: int

    @property
    def begun(self) -> int:
        return self.cards - self.known


def list_progress(user: User) -> list[Progress]:
    """Every video that somebody learns from and may still see, the one begun last first."""
    rows = Review.objects.filter(learner=user, card__video__in=Video.objects.visible_to(user))
    known = Count("pk", filter=Q(state__stability__gte=KNOWN_DAYS))
    counted = (
        rows.order_by()
        .values("card__video")
        .annotate(n=Count("pk"), due=Count("pk", filter=Q(due_at__lte=Now())), known=known, begun=Max("pk"))
        .order_by("-begun")
    )
    videos = Video.objects.in_bulk([row["card__video"] for row in counted])
    return [Progress(videos[row["card__video"]], row["n"], row["due"], row["known"]) for row in counted]


def note_pauses(user: User, video: Video, seconds: Collection[int]) -> None:
    """Where somebody stopped, or went back to."""
    places = {second // Pause.SECONDS for second in seconds if second <= video.duration}
    Pause.objects.bulk_create(
        (Pause(viewer=user, video=video, place=place) for place in sorted(places)[:MAX_PAUSES]), ignore_conflicts=True
    )


def find_hard_places(video: Video) -> list[tuple[int, int]]:
    """Seconds at which most people stop or go back to, and how many they are; as `find_hard_cards`."""
    counted = video.pauses.order_by().values("place").annotate(people=Count("viewer"))
    many = counted.filter(people__gte=MIN_LEARNERS).order_by("-people", "place")[:MAX_PLACES]
    return [(row["place"] * Pause.SECONDS, row["people"]) for row in many]


def find_hard_cards(video: Video) -> list[StudyCard]:
    """What many fail, worst first: only where at least `MIN_LEARNERS` people did, so that nobody is pointed at."""
    failed = Count("reviews", filter=Q(reviews__lapses__gt=0))
    asked = Count("reviews", filter=Q(reviews__times__gt=0))
    cards = video.study_cards.annotate(failed=failed, asked=asked).filter(failed__gte=MIN_LEARNERS)
    return list(cards.filter(failed__gte=MIN_FAILED_SHARE * F("asked")).order_by("-failed", "start"))


# -- taking along ----------------------------------------------------------------------------------------------------


def write_anki(cards: Collection[StudyCard], video: Video, address: str) -> str:
    """As Anki imports text (https://docs.ankiweb.net/importing/text-files.html): front, back, source, tags."""
    lines = [
        "#separator:tab",
        "#html:false",
        f"#deck:{flat(video.title)}",
        "#columns:front\tback\tsource\ttags",
        "#tags column:4",
    ]
    for card in cards:
        source = f"{address}?t={card.start:.2f}"
        lines.append("\t".join([flat(card.front), flat(card.back), source, f"kinoscope {card.kind}"]))
    return "\n".join(lines) + "\n"


def flat(text: str) -> str:
    return " ".join(text.split())
