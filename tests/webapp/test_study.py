"""Study mode: cards of what is said, asked again before they are forgotten; nobody learns who failed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.answers import study
from webapp.models import Collection, Pause, Review, StudyCard, User, Video

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def cards(demo, people) -> list[StudyCard]:
    Video.objects.filter(pk=demo.pk).update(visibility="public")
    StudyCard.objects.bulk_create(
        StudyCard(
            video=demo, kind="gap", front=f"The tower was finished in ____, said {n}.", back="1887", sentence="x",
            start=n, end=n + 1,
        )
        for n in range(3)
    )  # fmt: skip
    return list(StudyCard.objects.all())


def test_cards_are_made_of_what_is_said_once(demo, people, clients) -> None:
    first = study.list_cards(people["owner"], demo)
    assert first
    assert study.list_cards(people["owner"], demo) == first
    said = " ".join(demo.utterances.values_list("text", flat=True))
    assert all(card.back in said or card.sentence in said for card in first)
    page = clients["owner"].get(f"/videos/{demo.key}/study").content.decode()
    assert f"Learn {len(first)} card" in page
    assert study.list_cards(people["owner"], Video(pk=999)) == []


def test_what_is_known_comes_later_and_what_is_not_soon(cards, demo, people, clients) -> None:
    friend = clients["friend"]
    assert friend.post(f"/videos/{demo.key}/study").url == "/study/next"
    assert study.due(people["friend"]).count() == 3
    page = friend.get("/study/next").content.decode()
    assert "said 0" in page
    assert "1887" not in page, "the answer is not in the page yet"
    assert "1887" in friend.get("/study/next?reveal").content.decode()
    first, second, third = Review.objects.order_by("card")
    for review, rating in ((first, "easy"), (second, "good"), (third, "again")):
        assert friend.post(f"/study/{review.pk}/rate", {"rating": rating}).url == "/study/next"
    waits = [row.due_at - timezone.now() for row in Review.objects.order_by("card")]
    assert waits[0] > timedelta(days=1) > waits[1] > waits[2] > timedelta(0)
    assert [r.lapses for r in Review.objects.order_by("card")] == [0, 0, 1]
    assert friend.post(f"/study/{first.pk}/rate", {"rating": "perfect"}).status_code == 400
    Review.objects.filter(pk=first.pk).update(due_at=timezone.now())
    friend.post(f"/study/{first.pk}/rate", {"rating": "good"})
    (row,) = study.list_progress(people["friend"])
    assert (row.cards, row.due) == (3, 0)
    friend.post(f"/videos/{demo.key}/study")
    assert Review.objects.count() == 3, "what was begun stays as it is"


def test_nobody_rates_for_others_and_what_may_not_be_seen_is_not_asked(cards, demo, people, clients) -> None:
    clients["friend"].post(f"/videos/{demo.key}/study")
    review = Review.objects.first()
    for person in ("owner", "other", "admin"):
        assert clients[person].post(f"/study/{review.pk}/rate", {"rating": "good"}).status_code == 404
    assert clients["anonymous"].post(f"/study/{review.pk}/rate", {"rating": "good"}).status_code == 302
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    assert "said 0" not in clients["friend"].get("/study/next").content.decode()
    assert clients["friend"].post(f"/study/{review.pk}/rate", {"rating": "good"}).status_code == 404
    assert study.list_progress(people["friend"]) == []


def test_hard_points_are_told_to_teachers_and_only_of_many(cards, demo, people, clients) -> None:
    hard, easy = cards[0], cards[1]
    for n in range(study.MIN_LEARNERS):
        learner = User.objects.create_user(f"learner{n}")
        now = timezone.now()
        Review.objects.create(learner=learner, card=hard, due_at=now, times=2, lapses=1)
        Review.objects.create(learner=learner, card=easy, due_at=now, times=2, lapses=int(n == 0))
    assert study.find_hard_cards(demo) == [hard]
    page = clients["owner"].get(f"/videos/{demo.key}/study").content.decode()
    assert "Hard points" in page
    assert "learner" not in page
    assert "Hard points" not in clients["friend"].get(f"/videos/{demo.key}/study").content.decode()
    Review.objects.filter(learner__username="learner0").delete()
    assert study.find_hard_cards(demo) == [], "four people are too few"


def test_where_many_stop_is_told_to_teachers(demo, people, clients) -> None:
    Video.objects.filter(pk=demo.pk).update(visibility="public")
    told = {"position": "12", "seconds": "5", "paused": ["11", "12", "33", "99999", "x"]}
    assert clients["friend"].post(f"/videos/{demo.key}/watched", told).status_code == 204
    clients["friend"].post(f"/videos/{demo.key}/watched", told)
    assert list(Pause.objects.values_list("viewer__username", "place")) == [("friend", 1), ("friend", 3)]
    assert study.find_hard_places(demo) == []
    for n in range(study.MIN_LEARNERS - 1):
        study.note_pauses(User.objects.create_user(f"learner{n}"), demo, [15])
    assert study.find_hard_places(demo) == [(10, study.MIN_LEARNERS)]
    page = clients["owner"].get(f"/videos/{demo.key}/study").content.decode()
    assert "5 people stopped or went back" in page
    assert "learner" not in page
    assert "went back" not in clients["friend"].get(f"/videos/{demo.key}/study").content.decode()


def test_cards_go_to_anki(cards, demo, clients) -> None:
    answer = clients["friend"].get(f"/videos/{demo.key}/study.txt")
    head, rows = answer.content.decode().split("#tags column:4\n")
    assert "#separator:tab" in head
    assert f"#deck:{demo.title}" in head
    fields = [line.split("\t") for line in rows.splitlines()]
    assert [len(f) for f in fields] == [4, 4, 4]
    assert fields[0][0].startswith("The tower was finished in ____")
    assert fields[1][2].endswith(f"/videos/{demo.key}?t=1.00")


def test_a_path_goes_only_over_what_one_may_see(demo, people, clients) -> None:
    other = Video.objects.create(
        owner=people["owner"], title="Rocks", file_name="r.mp4", sha256="0" * 64, size_bytes=1, visibility="public"
    )
    StudyCard.objects.create(
        video=other, kind="definition", term="slide", front="What is “slide”?", back="x", sentence="x", start=0, end=1
    )
    demo.utterances.create(start=0, end=1, text="Each slide tells a step.")
    shelf = Collection.objects.create(owner=people["owner"], name="Course", is_public=True)
    shelf.videos.set([demo, other])
    page = clients["owner"].get(f"/collections/{shelf.key}/path").content.decode()
    assert page.index("Rocks") < page.index(demo.title)
    assert "is explained in “Rocks”" in page
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    hidden = clients["friend"].get(f"/collections/{shelf.key}/path").content.decode()
    assert demo.title not in hidden
    Collection.objects.update(is_public=False)
    assert clients["friend"].get(f"/collections/{shelf.key}/path").status_code == 404
    assert clients["anonymous"].get(f"/collections/{shelf.key}/path").status_code == 302
