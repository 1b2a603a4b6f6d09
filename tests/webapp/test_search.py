"""Searching as a person does: by words, pictures and moments, narrowed, paged, saved; and what others may see of it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from indexer.moments import choose
from indexer.queries import Query
from indexer.query_language import take_literally
from indexer.retriever import Candidate, Ranked
from indexer.types import Span
from tests.conftest import paint
from tests.files import derived_path
from webapp.index.snapshot import current_snapshot
from webapp.models import PictureQuery, Recipe, SavedSearch, Segment, Tag, Video
from webapp.search import queries
from webapp.search.moments import find_moments
from webapp.search.queries import Wanted


def jpeg(picture) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.asarray(picture)).save(sink, "JPEG")
    return sink.getvalue()


def test_a_picture_of_a_video_finds_that_moment(demo, clients, people) -> None:
    frame = demo.keyframes.order_by("time").last()
    given = SimpleUploadedFile("x.jpg", (derived_path(demo) / frame.file).read_bytes(), "image/jpeg")
    answer = clients["friend"].post(reverse("search-picture"), {"picture": given})  # a viewer may search, too
    kept = PictureQuery.objects.get()
    assert answer["Location"] == f"{reverse('search')}?picture={kept.key}"
    assert clients["friend"].get(reverse("picture-searched", args=[kept.key])).status_code == 200
    Video.objects.update(visibility=Video.Visibility.PUBLIC)
    page = clients["friend"].get(answer["Location"])
    best = page.context["found"].moments[0]
    assert best.start <= frame.time < best.end
    assert best.why["visual"] == best.score > 0
    # Nobody else's picture searches, nor is it shown.
    assert not clients["other"].get(answer["Location"]).context["wanted"]
    assert clients["other"].get(reverse("picture-searched", args=[kept.key])).status_code == 404


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\xff\xd8\xff\xe0" + bytes(400)],
    ids=["empty", "gif", "svg", "cut"],
)
def test_what_is_no_picture_is_refused_with_a_reason(data, people, clients) -> None:
    given = SimpleUploadedFile("x.jpg", data, "image/jpeg")
    page = clients["friend"].post(reverse("search-picture"), {"picture": given}, follow=True)
    assert page.status_code == 200
    assert "JPEG" in page.content.decode() or "picture" in page.content.decode()
    assert not PictureQuery.objects.exists()
    assert clients["anonymous"].post(reverse("search-picture"), {"picture": given}).status_code == 302


def test_a_frame_and_a_moment_are_searches_too(demo, clients) -> None:
    page = clients["owner"].get(reverse("search"), {"frame": f"{demo.key}@41"})
    assert page.context["found"].moments[0].start <= 41.5
    assert page.context["pointed"].frame.video == demo
    segment = demo.segments.active().first()
    like = clients["owner"].get(reverse("search"), {"like": segment.pk})
    assert like.context["found"].moments
    assert segment.pk not in {m.segment.pk for m in like.context["found"].moments}
    Video.objects.update(visibility=Video.Visibility.PRIVATE)
    for stranger in ("other", "friend"):
        for asked in ({"frame": f"{demo.key}@41"}, {"like": segment.pk}):
            seen = clients[stranger].get(reverse("search"), asked)
            assert not seen.context["wanted"]
    for nonsense in ("x@y", f"{demo.key}@nan", f"{demo.key}@1e99", "@", "9" * 40):
        assert (
            clients["owner"].get(reverse("search"), {"frame": nonsense, "like": nonsense, "page": nonsense}).status_code
            == 200
        )


def test_less_of_one_moment_lowers_what_is_like_it(demo, people) -> None:
    recipe = Recipe.objects.get()
    snapshot = current_snapshot(recipe)
    lexicon = snapshot.lexicon(snapshot.masks(snapshot.videos))

    def encode(**pointed: tuple[int, ...]) -> Query:
        text = "a search page"
        return queries.encode(Wanted(text, **pointed), take_literally(text), lexicon, recipe)

    segment = demo.segments.active().last()
    plain, more, less = encode(), encode(like=(segment.pk,)), encode(unlike=(segment.pk,))
    look = queries.load_examples([segment.pk], recipe)[0].visual
    assert more.visual @ look > plain.visual @ look > less.visual @ look


def test_a_part_that_is_switched_off_adds_nothing(demo, people) -> None:
    text = "every answer shows the moment that supports it"
    usual = find_moments(people["owner"], text).moments[0]
    assert usual.why["speech"] > 0
    without = find_moments(people["owner"], Wanted(text, off=frozenset({"speech", "screen"})))
    assert all(m.why["speech"] == m.why["screen"] == 0 for m in without.moments)
    assert all(sum(m.why.values()) == pytest.approx(m.score, abs=1e-2) for m in without.moments)


def test_filters_narrow_and_say_what_they_leave(demo, accept, clients, people) -> None:
    demo.timeline.all().delete()
    for name in ("faiss", "search"):
        Tag.objects.create(video=demo, name=name, kind="object", source="picture", confidence=1, start=0, end=5)
    page = clients["owner"].get(reverse("search"), {"q": "search"})
    assert {f.value for f in page.context["facets"]["tag"]} == {"faiss", "search"}
    assert [f.value for f in page.context["facets"]["language"]] == ["en"]
    for passing in ({"tag": "faiss"}, {"language": "en"}, {"speech": "yes"}, {"length": "short"}, {"person": "owner"},
                    {"video": str(demo.key)}, {"after": "2020-01-01"}):  # fmt: skip
        assert clients["owner"].get(reverse("search"), {"q": "search", **passing}).context["found"].moments, passing
    for failing in ({"tag": "cats"}, {"language": "zh"}, {"speech": "no"}, {"length": "long"}, {"person": "other"},
                    {"before": "2020-01-01"}):  # fmt: skip
        assert not clients["owner"].get(reverse("search"), {"q": "search", **failing}).context["found"].moments, failing
    assert clients["owner"].get(reverse("search"), {"q": "x", "after": "soon", "length": "?"}).status_code == 200
    Video.objects.update(visibility=Video.Visibility.PRIVATE)
    assert clients["other"].get(reverse("search"), {"q": "search"}).context["facets"]["tag"] == []


def test_the_second_page_stays_what_it_was_while_videos_arrive(demo, people) -> None:
    first = find_moments(people["owner"], Wanted("search"), 3)
    copies = [replace_pk(s) for s in Segment.objects.filter(video=demo)]
    Segment.objects.bulk_create(copies)
    from webapp.pipeline.embed import mark_changed

    Segment.objects.filter(pk__gt=max(m.segment.pk for m in first.moments) + 100).update(sequence=mark_changed())
    again = find_moments(people["owner"], Wanted("search", upto=first.sequence), 3)
    assert [m.segment.pk for m in again.moments] == [m.segment.pk for m in first.moments]


def replace_pk(segment: Segment) -> Segment:
    segment.pk = segment.pk + 1000
    return segment


def test_searches_are_saved_by_their_address(clients, people) -> None:
    asked = {"query": "q=red+train&language=de&page=3"}
    assert clients["anonymous"].post(reverse("save-search"), asked).status_code == 302
    clients["friend"].post(reverse("save-search"), asked)
    clients["friend"].post(reverse("save-search"), asked)
    (saved,) = SavedSearch.objects.all()
    assert (saved.owner, saved.name, saved.query) == (people["friend"], "red train", "q=red+train&language=de")
    assert "red train" in clients["friend"].get(reverse("search")).content.decode()
    assert "red train" not in clients["other"].get(reverse("search")).content.decode()
    assert clients["friend"].get(reverse("search-suggest"), {"beginning": "tra"}).json() == {
        "suggestions": ["red train"]
    }
    assert clients["other"].get(reverse("search-suggest"), {"beginning": "tra"}).json() == {"suggestions": []}
    clients["friend"].post(reverse("drop-search", args=[saved.pk]))
    assert not SavedSearch.objects.exists()


def moment(segment: int, video: int, start: float, end: float, score: float, look: np.ndarray) -> Ranked:
    words = {"speech": (), "screen": (), "title": ()}
    found = Candidate(segment, video, Span(start, end), {}, look[None], look[None], [start], [], words)
    return Ranked(found, score, {"visual": score}, Span(start, end), 0, score)


def test_neighbours_become_one_moment_and_copies_stand_behind_the_first() -> None:
    a, b, c = np.eye(8, dtype=np.float32)[:3]
    ranked = [
        moment(1, 1, 10, 20, 5.0, a),
        moment(2, 1, 20, 25, 4.9, a),  # touches it and is as good
        moment(3, 2, 0, 10, 4.0, a),  # the same picture in another video
        moment(4, 3, 0, 10, 3.0, b),
        moment(5, 1, 40, 50, 2.9, c),
    ]
    chosen = choose(ranked, 10, "moment")
    assert [(c.ranked.candidate.segment, c.span.start, c.span.end) for c in chosen] == [
        (1, 10, 25),
        (4, 0, 10),
        (5, 40, 50),
    ]
    assert [r.candidate.segment for r in chosen[0].copies] == [3]
    assert [c.ranked.candidate.video for c in choose(ranked, 10, "video")] == [1, 2, 3]
    assert len(choose(ranked, 1, "moment")) == 1
    assert choose([replace(r, best_frame=-1) for r in ranked], 10, "moment")[1].ranked.candidate.segment == 3


def test_the_picture_is_painted_by_the_box(people, clients) -> None:
    """A PNG with an alpha channel and a JPEG turned on its side come out as plain JPEGs."""
    sink = io.BytesIO()
    Image.fromarray(np.asarray(paint(2))).convert("RGBA").save(sink, "PNG")
    clients["owner"].post(reverse("search-picture"), {"picture": SimpleUploadedFile("x.png", sink.getvalue())})
    assert bytes(PictureQuery.objects.get().picture)[:2] == jpeg(paint(2))[:2] == b"\xff\xd8"


def test_a_damaged_vector_of_one_field_is_left_out_and_reported(demo, people) -> None:
    from webapp.operations import doctor

    text = "every answer shows the moment that supports it"
    segment = find_moments(people["owner"], text).moments[0].segment
    assert list(doctor.examine_vectors(segment.recipe)) == []
    corrupt = bytearray(segment.field_vectors)
    corrupt[10] ^= 1
    Segment.objects.filter(pk=segment.pk).update(field_vectors=bytes(corrupt))
    assert find_moments(people["owner"], text).moments  # its words still find it
    (finding,) = doctor.examine_vectors(segment.recipe)
    assert "other vectors than were written" in finding.what


def test_searching_without_words_counts_as_searching_too(people, clients, settings) -> None:
    settings.KINOSCOPE_LIMITS = {**settings.KINOSCOPE_LIMITS, "search": "2/minute"}
    answers = [clients["other"].get(reverse("search"), {"frame": f"x@{n}"}).status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]
