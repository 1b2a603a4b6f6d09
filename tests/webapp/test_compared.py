"""A video beside the rest of the library: what others say to its claims, and where its pictures are seen again."""

import numpy as np
import pytest

from indexer.errors import ModelMissing
from indexer.types import Span
from indexer.vectors import pack
from webapp import engine
from webapp.answers import claims
from webapp.index import recipes
from webapp.index.changes import mark_changed
from webapp.models import Evidence, EvidenceVector, FrameVector, Keyframe, Segment, Video
from webapp.search import footage

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

DIM = 64


def look(seed: int, noise: float = 0.0) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=DIM) + noise * np.random.default_rng(99).normal(size=DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def bring(people, demo):
    """A public video that says these sentences, and shows these pictures, a second each."""

    def make(title: str, said=(), looks=(), owner: str = "owner", visibility: str = "public") -> Video:
        recipe = recipes.active()
        video = Video.objects.create(
            owner=people[owner], title=title, file_name=f"{title}.mp4", sha256=f"{hash(title):064x}"[-64:],
            size_bytes=1, status="ready", visibility=visibility, duration=60, language="en", width=640,
        )  # fmt: skip
        encoder = engine.sentences(recipe)
        for at, text in enumerate(said):
            row = Evidence.objects.create(video=video, kind="speech", start=at, end=at + 1, text=text, sentence=text)
            vector = pack(encoder.encode_passages([text])[0])
            EvidenceVector.objects.create(evidence=row, encoder=encoder.name, vector=vector)
        sequence = mark_changed()
        for at, vector in enumerate(looks):
            frame = Keyframe.objects.create(video=video, time=at, file=f"k{at}.jpg")
            FrameVector.objects.create(keyframe=frame, encoder=recipe.picture_encoder, vector=pack(vector))
            segment = Segment.objects.create(
                video=video, recipe=recipe, start=at, end=at + 1, tokens="", visual=pack(vector), sequence=sequence
            )
            segment.keyframes.add(frame)
        return video

    return make


CLAIM = "The lighthouse tower is 42 metres high."


def test_claims_are_held_against_what_one_may_see(bring, people, clients) -> None:
    video = bring("one", ["Welcome to this evening.", CLAIM, "The keeper painted birds in 1964."])
    bring("two", ["The lighthouse tower is 36 metres high."])
    bring("three", ["The lighthouse tower is 42 metres high."], owner="other", visibility="private")
    told = [
        (h.claim.text, h.found and h.found.verdict.value, h.video and h.video.title)
        for h in claims.hold(people["owner"], video)
    ]
    assert told == [(CLAIM, "contradicts", "two"), ("The keeper painted birds in 1964.", None, None)]
    (held, _second) = claims.hold(people["other"], video)
    assert {held.video.title} <= {"two", "three"}
    page = clients["owner"].get(f"/videos/{video.key}/compared").content.decode()
    assert "Another video says otherwise" in page
    assert "36 metres" in page
    assert "three" not in page.replace("three minutes", "")
    assert "false" not in page.lower()


def test_nobody_is_told_what_a_private_video_says(bring, people, clients) -> None:
    video = bring("one", [CLAIM])
    bring("two", ["The lighthouse tower is 36 metres high."], owner="other", visibility="private")
    assert [h.found for h in claims.hold(people["owner"], video)] == [None]
    assert "nothing found" in clients["owner"].get(f"/videos/{video.key}/compared").content.decode()


def test_a_model_that_is_not_here_yet_leaves_it_to_the_rules(bring, people, monkeypatch, caplog) -> None:
    video = bring("one", [CLAIM])
    bring("two", ["The lighthouse tower is 36 metres high."])

    def missing() -> None:
        raise ModelMissing("%(name)s is not on this machine.", name="mDeBERTa")

    monkeypatch.setattr(engine, "inference", missing)
    (held,) = claims.hold(people["owner"], video)
    assert held.found.verdict == "contradicts"
    assert "mDeBERTa is not on this machine" in caplog.text


def test_the_same_pictures_are_found_with_their_times(bring, people) -> None:
    own = bring("own", looks=[look(n) for n in range(8)])
    copy = bring("copy", looks=[look(100), look(101), *(look(n, 0.3) for n in range(2, 7))])
    bring("other", looks=[look(n) for n in range(200, 208)])
    bring("hidden", looks=[look(n) for n in range(8)], owner="other", visibility="private")
    (found,) = footage.find_reused(people["friend"], own)
    assert (found.video, found.here, found.there) == (copy, Span(2, 6), Span(2, 6))
    assert [r.video.title for r in footage.find_reused(people["other"], own)] == ["hidden", "copy"]


def test_somebody_who_sits_still_is_no_proof(bring, people) -> None:
    """Frames that are alike in both videos, and in each of them: no more than one picture, and not a sure one."""
    still, alike = look(1), (look(1) + 0.6 * look(2)) / np.linalg.norm(look(1) + 0.6 * look(2))
    assert footage.MIN_TOGETHER < float(still @ alike) < footage.MIN_ALONE
    talk = bring("talk", looks=[still] * 6)
    bring("another talk", looks=[alike.astype(np.float32)] * 6)
    assert footage.find_reused(people["owner"], talk) == []
