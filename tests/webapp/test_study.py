"""Study mode: cards of what is said, asked again before they are forgotten; nobody learns who failed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.answers import paths, study
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


@pytest.fixture
def teach(people):
    """A public video that explains these terms and says this."""

    def make(title: str, said: str, *terms: str, visibility: str = "public") -> Video:
        video = Video.objects.create(
            owner=people["owner"], title=title, file_name="v.mp4", sha256=f"{hash(title):064x}"[-64:], size_bytes=1,
            status="ready", visibility=visibility, has_cards=True,
        )  # fmt: skip
        video.utterances.create(start=0, end=5, text=said)
        for term in terms:
            back = f"A {term} is a kind of thing."
            StudyCard.objects.create(
                video=video, kind="definition", term=term, front=f"What is “{term}”?", back=back, sentence=back,
                start=0, end=1,
            )  # fmt: skip
        return video

    return make


def test_a_path_leads_over_the_whole_library_and_says_why(teach, people, clients) -> None:
    rocks = teach("Rocks", "A crystal is a kind of thing.", "crystal")
    teach("Later rocks", "A crystal is a kind of thing.", "crystal")
    magma = teach("Magma", "Magma is a kind of thing. Each crystal melts in it.", "magma")
    volcano = teach("Volcanoes", "Magma rises.")
    teach("Hidden", "Rises.", "rises", visibility="private")
    path = paths.find_before(people["friend"], volcano)
    assert [(s.video, s.because) for s in path] == [
        (rocks, ()),
        (magma, (("crystal", rocks),)),
        (volcano, (("magma", magma),)),
    ]
    assert paths.find_before(people["friend"], rocks) == []
    own = [s.video.title for s in paths.find_before(people["owner"], volcano)]
    assert sorted(own) == ["Hidden", "Magma", "Rocks", "Volcanoes"]
    page = clients["friend"].get(f"/videos/{volcano.key}/study").content.decode()
    assert "A path to it" in page
    assert "“magma” is explained in “Magma”" in page
    assert "Hidden" not in page


def test_two_that_need_each_other_stand_once(teach, people) -> None:
    one = teach("One", "A crystal needs magma.", "crystal")
    two = teach("Two", "Magma makes a crystal.", "magma")
    assert {s.video for s in paths.find_before(people["friend"], one)} <= {one, two}
    assert paths.find_before(people["friend"], one)[-1].video == one


def test_what_uses_a_term_comes_next_until_it_is_learned_from(demo, teach, people, clients) -> None:
    Video.objects.filter(pk=demo.pk).update(visibility="public")
    term = next(w for w in demo.segments.exclude(speech="").first().speech.split() if len(w) > 5).strip(".,").lower()
    base = teach("Words", f"A {term} is a kind of thing.", term)
    (step,) = paths.find_after(people["friend"], base)
    assert (step.video, step.because) == (demo, ((term, base),))
    assert "What comes next" in clients["friend"].get(f"/videos/{base.key}/study").content.decode()
    study.begin(people["friend"], list(base.study_cards.all()))
    assert demo.title in clients["friend"].get("/study").content.decode()
    study.begin(people["friend"], study.list_cards(people["friend"], demo))
    assert [s.video for s in paths.recommend(people["friend"], [base, demo])] == []
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    assert paths.find_after(people["friend"], base) == []


def test_cards_are_made_before_anybody_asks(demo) -> None:
    Video.objects.filter(pk=demo.pk).update(status="ready")
    assert not demo.study_cards.exists()
    study.sweep()
    demo.refresh_from_db()
    assert demo.has_cards
    made = set(demo.study_cards.values_list("pk", flat=True))
    assert made
    study.sweep()
    assert set(demo.study_cards.values_list("pk", flat=True)) == made


def test_silent_videos_and_one_that_breaks_keep_no_other_waiting(demo, teach, monkeypatch) -> None:
    silent = [teach(f"Silent {n}", "") for n in range(study.MAX_AT_ONCE)]
    Video.objects.filter(pk__in=[v.pk for v in silent]).update(has_cards=False)
    Video.objects.filter(pk=demo.pk).update(status="ready", created_at=timezone.now() - timedelta(days=9))
    study.sweep()
    assert Video.objects.filter(pk__in=[v.pk for v in silent], has_cards=True).count() == len(silent)
    study.sweep()
    assert demo.study_cards.exists()
    broken = teach("Broken", "x")
    Video.objects.filter(pk=broken.pk).update(has_cards=False)
    monkeypatch.setattr(study, "make_cards", lambda *_given: 1 / 0)
    study.sweep()
    assert Video.objects.get(pk=broken.pk).has_cards
