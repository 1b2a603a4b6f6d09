"""Labels that admins teach: a worker learns them from examples; tags, facets and answers show them."""

import numpy as np
import pytest
from django.core.management import call_command

from indexer.classifier import MIN_EXAMPLES, learn
from indexer.types import Span
from indexer.vectors import pack
from webapp.answers import replies
from webapp.index import recipes
from webapp.index.changes import mark_changed
from webapp.models import Classifier, Example, Judgement, Label, Segment, Tag, Video
from webapp.pipeline import classifiers, doubts

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

VIDEOS = 30
DIM = 64


def look(kind: int, dice: np.random.Generator) -> np.ndarray:
    """One of two looks, never twice the same."""
    vector = np.eye(DIM, dtype=np.float32)[kind] + dice.normal(size=DIM).astype(np.float32) * 0.08
    return vector / np.linalg.norm(vector)


@pytest.fixture
def library(demo, people) -> list[Video]:
    """Videos of three segments each: every third video looks like a forklift in its second one."""
    recipe, dice = recipes.active(), np.random.default_rng(1)
    videos = Video.objects.bulk_create(
        Video(
            owner=people["owner"], title=f"hall {n}", file_name=f"{n}.mp4", sha256=f"{n:064}", size_bytes=1,
            status="ready", duration=15, visibility="public",
        )
        for n in range(VIDEOS)
    )  # fmt: skip
    sequence = mark_changed()
    Segment.objects.bulk_create(
        Segment(
            video=video, recipe=recipe, start=5.0 * part, end=5.0 * part + 5, tokens="", sequence=sequence,
            visual=pack(look(40 if n % 3 == 0 and part == 1 else 50, dice)),
        )
        for n, video in enumerate(videos)
        for part in range(3)
    )  # fmt: skip
    return videos


@pytest.fixture
def forklift(library, people) -> Label:
    """Six examples and four others, judged."""
    label = Label.objects.create(name="forklift")
    for video in library[:18:3]:
        Example.objects.create(label=label, video=video, start=5.2, end=9.8, good=True, judge=people["admin"])
    for video in library[1:13:3]:
        Example.objects.create(label=label, video=video, start=5, end=10, good=False, judge=people["admin"])
    return label


def test_a_label_is_learned_and_the_whole_library_tagged(forklift, library, clients) -> None:
    classifiers.sweep()
    row = Classifier.objects.get()
    assert row.finished
    assert row.report == {"examples": 6, "found": 6, "others": 4, "mistaken": 0}
    shown = {(t.video_id, t.start, t.end) for t in Tag.objects.filter(name="forklift", source="picture")}
    assert shown == {(video.pk, 5.0, 10.0) for video in library[::3]}, "those nobody judged, too"
    assert Video.objects.get(pk=library[27].pk).tags == ["forklift"]
    facets = clients["owner"].get("/search", {"q": "hall"}).context["facets"]["tag"]
    assert ("forklift", 10) in [(facet.name, facet.count) for facet in facets]
    made = row.made_at
    classifiers.sweep()
    assert Classifier.objects.get().made_at == made, "nothing changed, nothing is learned anew"


def test_what_is_taught_answers_which_videos_show_it_within_what_one_may_see(forklift, library, people) -> None:
    classifiers.sweep()
    hidden = library[3]
    Video.objects.filter(pk=hidden.pk).update(visibility="private")
    for name, expected in (("friend", 9), ("owner", 10)):
        answer = replies.ask(people[name], "Which videos show a forklift?")
        cited = {citation.video for sentence in answer.answer.sentences for citation in sentence.citations}
        assert len(cited) == expected, name
        assert (hidden.pk in cited) == (name == "owner")


def test_a_new_video_is_tagged_when_it_is_described(forklift, library) -> None:
    classifiers.sweep()
    Tag.objects.all().delete()
    classifiers.tag_video(library[27])
    assert [(t.name, t.start) for t in library[27].timeline.all()] == [("forklift", 5.0)]
    classifiers.tag_video(library[28])
    assert not library[28].timeline.exists()


def test_a_tag_that_was_wrong_goes_when_somebody_says_so(forklift, library, people) -> None:
    Tag.objects.create(
        video=library[1], name="forklift", kind="object", source="picture", confidence=0.9, start=0, end=5
    )
    Tag.objects.create(video=library[1], name="forklift", kind="object", source="speech", confidence=1, start=0, end=5)
    classifiers.sweep()
    assert [t.source for t in library[1].timeline.filter(name="forklift")] == ["speech"]
    Example.objects.filter(good=True).first().delete()
    Example.objects.filter(good=True).first().delete()
    assert Example.objects.filter(good=True).count() < MIN_EXAMPLES
    classifiers.sweep()
    assert not Classifier.objects.exists()
    assert not Tag.objects.filter(source="picture", name="forklift").exists()
    assert Video.objects.get(pk=library[27].pk).tags == []


def test_what_is_doubtful_is_asked_first_and_nothing_twice(forklift, library, people) -> None:
    before = doubts.find_doubts(forklift, people["admin"], 12)
    assert all(asked.confidence is None for asked in before)
    classifiers.sweep()
    asked = doubts.find_doubts(forklift, people["admin"], 12)
    assert len({a.video.pk for a in asked}) == len(asked) == 12
    order = [doubts.by_doubt(a.confidence) for a in asked]
    assert order == sorted(order)
    assert sorted([0.01, 0.99, 0.2, 0.55], key=doubts.by_doubt) == [0.55, 0.2, 0.99, 0.01]
    judged = {(e.video_id, e.start) for e in forklift.examples.all()}
    assert not {(a.video.pk, round(a.start)) for a in asked} & {(pk, round(start)) for pk, start in judged}


def test_a_kind_of_video_is_learned_of_whole_videos(library, people) -> None:
    genre = Label.objects.create(name="hall with machines", kind="genre")
    for video in library[:18:3]:
        Example.objects.create(label=genre, video=video, start=0, end=15, good=True)
    classifiers.sweep()
    tagged = Tag.objects.filter(name=genre.name)
    found = {t.video_id for t in tagged}
    assert found <= {video.pk for video in library[::3]}
    assert len(found) >= 9
    assert {(t.start, t.end, t.kind) for t in tagged} == {(0.0, 15.0, "genre")}
    asked = doubts.find_doubts(genre, people["admin"], 5)
    assert len(asked) == 5
    assert all(a.start == 0 for a in asked)


def test_the_pages_teach_from_thumbs_and_are_for_admins(library, clients, people) -> None:
    for n, video in enumerate(library[:18]):
        Judgement.objects.create(judge=people["admin"], query="Forklift", video=video, start=5, end=10, good=n % 3 == 0)
    admin = clients["admin"]
    assert "Teach a label" in admin.get("/search", {"q": "forklift"}).content.decode()
    assert "Teach a label" not in clients["owner"].get("/search", {"q": "forklift"}).content.decode()
    answer = admin.post("/operations/labels/teach", {"name": " forklift ", "kind": "object"})
    label = Label.objects.get(name="forklift")
    assert answer.url == f"/operations/labels/{label.pk}"
    assert (label.examples.filter(good=True).count(), label.examples.filter(good=False).count()) == (6, 12)
    classifiers.sweep()
    page = admin.get(answer.url).content.decode()
    assert "found 6 of 6, mistook 0 of 12" in page
    assert "whole library looked through" in page
    assert "10 moments" in admin.get("/operations/labels").content.decode()
    send = {"video": library[21].key, "start": "5.00", "end": "10.00", "good": "1"}
    assert admin.post(f"{answer.url}/judge", send, headers={"Accept": "application/json"}).status_code == 204
    assert "within half a minute" in admin.get(answer.url, {"part": 1}).content.decode()
    admin.post(f"{answer.url}/judge", {**send, "good": ""})
    assert not label.examples.filter(video=library[21]).exists()
    for wrong in ({"start": "x"}, {"end": "1e9"}, {"end": "0"}):
        assert admin.post(f"{answer.url}/judge", {**send, **wrong}).status_code == 400
    assert admin.post("/operations/labels/teach", {"name": " ", "kind": "object"}).url == "/operations/labels"
    assert admin.post(f"{answer.url}/forget").url == "/operations/labels"
    assert not Tag.objects.filter(name="forklift", source="picture").exists()
    assert Label.objects.filter(name="forklift").exists()


def test_a_few_examples_beat_the_name_where_the_name_says_nothing() -> None:
    dice = np.random.default_rng(3)
    ones, others, rest = (np.stack([look(kind, dice) for _ in range(n)]) for kind, n in ((4, 8), (5, 8), (5, 200)))
    vectors, is_one = np.concatenate([ones, others]), np.arange(16) < 8
    classifier, report = learn(vectors, is_one, np.arange(16), rest, np.zeros(DIM, np.float32))
    assert classifier.judge(np.stack([look(4, dice)]))[0] > 0.9
    assert classifier.judge(np.stack([look(5, dice)]))[0] < 0.1
    assert (report.found, report.mistaken) == (8, 0)
    alike, _report = learn(rest[:16], is_one, np.arange(16), rest[16:], np.zeros(DIM, np.float32))
    assert alike.judge(rest[16:]).max() < 0.5, "nothing can be learned from examples that look like everything else"
    with pytest.raises(ValueError, match="too few"):
        learn(vectors[6:], is_one[6:], np.arange(10), rest, np.zeros(DIM, np.float32))


def test_examples_of_one_recording_are_held_out_together() -> None:
    from indexer.classifier import divide

    videos = np.repeat(np.arange(6), 4)
    folds = divide(np.arange(24) % 2 == 0, videos)
    assert all(len(set(folds[videos == v])) == 1 for v in range(6))
    assert len(set(folds)) > 2


def test_the_benchmark_reads_folders_of_classes(tmp_path) -> None:
    from webapp.benchmarks import judged

    for name in ("train/riding_bike/a.mp4", "val/riding_bike/b.mp4", "train/PlayingGuitar/v_PlayingGuitar_g01_c02.avi"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    rows = {row.video: row for row in judged.read(tmp_path).classed}
    assert rows["a"].classes == {"riding bike"}
    assert (rows["a"].held_out, rows["b"].held_out) == (False, True)
    assert rows["v_PlayingGuitar_g01_c02"].classes == {"playing guitar"}
    assert rows["v_PlayingGuitar_g01_c02"].group == "v_PlayingGuitar_g01"


def test_the_benchmark_compares_examples_with_names(forklift, library, people, tmp_path, capsys) -> None:
    for n in range(len(library)):
        kind = "forklift" if n % 3 == 0 else "person"
        path = tmp_path / ("train" if n % 2 else "val") / kind / f"{n}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    call_command("bench", "classify", "--here", "--user", "admin", "--data", str(tmp_path))
    printed = capsys.readouterr().out
    assert "classes by their names" in printed
    assert "classes by up to 10 examples" in printed
    assert "first of all classes" in printed


def test_an_example_is_the_segment_that_shares_most_of_its_time() -> None:
    stretches = classifiers.Stretches(
        [(1, Span(0, 5)), (1, Span(5, 10)), (2, Span(5, 10))], np.eye(3, dtype=np.float32)
    )
    assert stretches.pick(Example(video_id=1, start=4, end=9)) == 1
    assert stretches.pick(Example(video_id=3, start=4, end=9)) is None
