"""A change of models: built beside, compared, switched, taken back; one search never mixes two."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from webapp import engine
from webapp.answers import replies
from webapp.index import recipes, snapshot
from webapp.index.snapshot import current_snapshot
from webapp.models import EvidenceVector, FrameVector, Recipe, Segment, Step, Video
from webapp.operations.doctor import examine_recipes
from webapp.pipeline import succession
from webapp.search.moments import find_moments


def reindex(*options: str) -> list[dict]:
    out = io.StringIO()
    call_command("reindex", *options, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def other_model(settings, clip_folder):
    """Settings that name another picture encoder, of another dimension."""
    profile = dict(settings.KINOSCOPE_PROFILES["compact"])
    profile["pictures"] = ("indexer.adapters.open_clip.OpenClipPictures", f"local-dir:{clip_folder}")
    settings.KINOSCOPE_PROFILES = {**settings.KINOSCOPE_PROFILES, "another": profile}
    settings.KINOSCOPE_PROFILE = "another"


def test_another_encoder_is_built_beside_and_switched(demo, people, other_model, accept, work, tmp_path) -> None:
    before = recipes.active()

    def ask() -> list[int]:
        return [m.segment.pk for m in find_moments(people["owner"], "faiss index", videos=[demo.pk]).moments]

    first = ask()
    demo.segments.update(caption="A slide.", caption_confidence=0.9)  # as if a picture had been recognised
    (built,) = reindex("--wait")
    after = Recipe.objects.exclude(pk=before.pk).get()
    assert (built["recipe"], built["active"], built["pending"]) == (after.fingerprint, False, 0)
    assert after.dims["visual"] == 32 != before.dims["visual"]
    assert ask() == first

    fresh = accept(name="later.mp4", shots=2)  # new videos go to both
    work()
    assert set(fresh.segments.values_list("recipe", flat=True)) == {before.pk, after.pk}
    assert fresh.keyframes.count() * 2 == FrameVector.objects.filter(keyframe__video=fresh).count()

    judged = tmp_path / "judged.jsonl"
    judged.write_text(json.dumps({"text": "search faiss index", "relevant": [demo.file_name]}))
    compared = reindex("--compare", str(judged))
    assert [row["recipe"] for row in compared] == [before.fingerprint, after.fingerprint]
    assert compared[0]["R@1"] == 100

    (now,) = reindex("--activate")
    assert (now["recipe"], now["active"]) == (after.fingerprint, True)
    moments = find_moments(people["owner"], "faiss index").moments
    assert moments
    assert {m.segment.recipe_id for m in moments} == {after.pk}
    assert current_snapshot().fusion.dim == sum(after.dims.values())
    assert recipes.active() == after
    assert not replies.ask(people["owner"], "What writes down what is spoken?", [demo.pk]).answer.abstained
    assert demo.segments.active().exclude(caption="").exists()  # captions came along

    (back,) = reindex("--rollback")
    assert (back["recipe"], back["active"]) == (before.fingerprint, True)
    assert ask() == first


def test_nothing_incomplete_is_activated(demo, other_model, accept, work) -> None:
    before = recipes.active()
    reindex("--wait")
    recipe = recipes.wanted()
    Segment.objects.filter(recipe=recipe).delete()
    with pytest.raises(CommandError, match="1 videos have no vectors"):
        reindex("--activate")
    assert recipes.active() == before
    assert Step.objects.get(name="reembed").status == Step.Status.READY
    work()
    assert reindex("--activate")[0]["active"]


def test_the_third_recipe_drops_the_first(demo, settings) -> None:
    before = recipes.active()
    settings.KINOSCOPE_SEGMENT_SECONDS = (2.0, 4.0)
    reindex("--wait")
    reindex("--activate")
    settings.KINOSCOPE_SEGMENT_SECONDS = (3.0, 9.0)
    (third,) = reindex("--wait")
    assert third["dropped"] == [before.fingerprint]
    assert snapshot.store().manifests(snapshot.label(before.fingerprint)) == []
    assert Recipe.objects.count() == 2
    assert FrameVector.objects.count() == demo.keyframes.count()  # the same encoder: its vectors serve all recipes
    assert EvidenceVector.objects.count() == demo.evidence.count()


def test_a_reembedding_that_fails_leaves_the_video_ready(demo, monkeypatch, settings, work) -> None:
    from indexer.errors import UnreadableMedia
    from webapp.pipeline import stages

    def compute(video, progress):
        raise UnreadableMedia("No. ")

    settings.KINOSCOPE_SEGMENT_SECONDS = (2.0, 4.0)
    monkeypatch.setitem(stages.STAGES, "reembed", compute)
    with pytest.raises(SystemExit):
        reindex("--wait")
    demo.refresh_from_db()
    assert demo.status == Video.Status.READY


def test_a_missing_encoder_leaves_the_exact_words(demo, people, clients, monkeypatch) -> None:
    from indexer.errors import ModelMissing

    def missing(_):
        raise ModelMissing("The weights are gone. Reinstall them.")

    monkeypatch.setattr(engine, "pictures", missing)
    word = max(" ".join(demo.utterances.values_list("text", flat=True)).split(), key=len)  # as this machine heard it
    found = find_moments(people["owner"], word)
    assert str(found.missing).startswith("The weights are gone.")
    assert [m.video for m in found.moments][:1] == [demo]
    page = clients["owner"].get("/search", {"q": word}).content.decode()
    assert "Only exact words" in page
    assert "Reinstall them." in page


def test_other_weights_of_an_upgrade_take_over_by_themselves(demo, people, work) -> None:
    old, name = recipes.active(), recipes.active().picture_encoder
    Recipe.objects.filter(pk=old.pk).update(fingerprint=old.fingerprint.replace(name, "older-weights"))
    FrameVector.objects.update(encoder="older-weights")
    assert find_moments(people["owner"], "faiss index").missing
    assert any("1 videos are left" in finding.what for finding in examine_recipes())
    assert not succession.succeed()  # not before every video has them
    assert demo.steps.get(name="reembed").status == Step.Status.READY
    assert recipes.active() == old
    work()
    assert succession.succeed()
    assert recipes.active().picture_encoder == name
    found = find_moments(people["owner"], "faiss index")
    assert found.missing is None
    assert [m.video for m in found.moments][:1] == [demo]
    assert not succession.succeed()


def test_settings_that_changed_are_noticed(demo, settings) -> None:
    settings.KINOSCOPE_SEGMENT_SECONDS = (2.0, 4.0)
    out = io.StringIO()
    call_command("doctor", stdout=out)
    assert "The settings name other models" in out.getvalue()


def test_bad_judged_queries_are_named(demo, tmp_path) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text('{"text": "a"}\n')
    with pytest.raises(CommandError, match="line 1"):
        reindex("--compare", str(path))
