"""The models page: what does what, and what could; fetched, paused, chosen, compared, switched to and taken back."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from qa.evidence import FITTED, FITTED_FOR
from tests.hub import Hub, serve_hub
from tests.repositories import make_repository
from webapp import engine
from webapp.answers import curves
from webapp.catalogue import download, installations
from webapp.catalogue.table import ENTRIES
from webapp.index import recipes
from webapp.models import Assignment, IndexState, Installation, Measurement, ReadingCurve, Recipe
from webapp.operations import doctor, housekeeping, installer
from webapp.pipeline import succession
from webapp.search import comparison
from webapp.search.moments import find_moments

CLIP = ENTRIES["clip-b32"]
Post = Callable[..., str]


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch) -> Path:
    """An empty folder for models; what other tests loaded is let go."""
    monkeypatch.setattr(engine, "catalogue_folder", lambda: tmp_path / "catalogue")
    yield tmp_path / "catalogue"
    forget_loaded()


def forget_loaded() -> None:
    """Models of the catalogue, as a process that never used one."""
    for key in [key for key in engine._held if any("catalogue:" in part for part in key[1])]:
        del engine._held[key]


@pytest.fixture
def post(clients) -> Post:
    """A click of the admin; what the page says then."""

    def send(**data: str) -> str:
        return clients["admin"].post("/operations/models/change", data, follow=True).content.decode()

    return send


@pytest.fixture
def installed(catalogue, people) -> None:
    """A picture encoder and a translator, as if a worker had fetched them."""
    for name in ("clip-b32", "m2m100-418m"):
        made = make_repository(ENTRIES[name], catalogue / f"{name}.made")
        download.adopt(catalogue, ENTRIES[name], made, {})
        Installation.objects.create(name=name, status="here", speed={"pictures": {"pictures a second": 12.5}})


def test_the_page_says_what_there_is_and_what_fits(clients, people) -> None:
    page = clients["admin"].get("/operations/models").content.decode()
    for entry in ENTRIES.values():
        assert entry.title in page
        assert entry.link in page
    assert "came with Kinoscope" in page
    assert "Recommended" in page
    assert "needs a GPU" in page
    assert "no GPU" in page
    assert "None answers" in clients["admin"].get("/operations/models?part=servers").content.decode()


def test_a_model_is_asked_for_paused_and_given_up(post, catalogue) -> None:
    IndexState.objects.update_or_create(pk=1, defaults={"swept_at": None})
    assert "is fetched by a worker" in post(do="fetch", name="clip-b32", role="pictures")
    assert "queued" in post(do="nothing")
    post(do="pause", name="clip-b32", role="pictures")
    assert Installation.objects.get().status == "paused"
    post(do="fetch", name="clip-b32", role="pictures")
    assert Installation.objects.get().status == "queued"
    (catalogue / "clip-b32.incoming").mkdir(parents=True)
    post(do="remove", name="clip-b32", role="pictures")
    installer.sweep()
    assert not Installation.objects.exists()
    assert not (catalogue / "clip-b32.incoming").exists()


def test_what_is_no_choice_changes_nothing(post, settings) -> None:
    for nonsense in (
        {"do": "use", "name": "clip-b32", "role": "pictures"},  # not here
        {"do": "fetch", "name": "nobody"},
        {"do": "server", "server": "http://169.254.169.254/v1"},
        {"do": "default", "role": "nothing"},
        {"do": "switch"},
        {},
    ):
        post(**nonsense)
    assert not Installation.objects.exists()
    assert not Assignment.objects.exists()
    settings.KINOSCOPE_FIXED_ROLES = {"translator"}
    assert "it wins" in post(do="fetch", name="m2m100-418m", role="translator")
    assert "named by the environment" in post()


def test_a_role_without_an_index_changes_at_once(post, installed, monkeypatch) -> None:
    assert engine.translator() is None
    assert "does it from now on" in post(do="use", name="m2m100-418m", role="translator")
    assert engine.translator().name.startswith("m2m100-418m@")
    assert "is used" in post(do="remove", name="m2m100-418m", role="translator")
    assert "that came with Kinoscope does it again" in post(do="default", role="translator")
    assert engine.translator() is None


def test_a_server_that_runs_here_is_offered_and_chosen(post, clients, monkeypatch) -> None:
    found = [("http://127.0.0.1:11434/v1", "qwen2.5:3b")]
    monkeypatch.setattr(engine, "load_adapter", lambda _dotted: lambda: iter(found))
    assert "qwen2.5:3b" in clients["admin"].get("/operations/models?part=servers").content.decode()
    assert "qwen2.5:3b writes answers" in post(do="server", server="http://127.0.0.1:11434/v1")
    assert engine.decoder().name == "qwen2.5:3b at http://127.0.0.1:11434/v1"
    found.clear()
    assert "No model answers" in post(do="server", server="http://127.0.0.1:11434/v1")


def test_other_eyes_are_built_beside_compared_switched_and_taken_back(demo, people, post, installed, work) -> None:
    def ask() -> set[int]:
        return {m.segment.recipe_id for m in find_moments(people["owner"], "faiss index").moments}

    before = recipes.active()
    demo.title = "How search finds a moment"
    demo.save()
    assert "beside the present one" in post(do="use", name="clip-b32", role="pictures")
    assert succession.prepare() is not None
    assert succession.prepare() is None  # once
    beside = Recipe.objects.exclude(pk=before.pk).get()
    assert "1 video is left to embed" in post()
    assert ask() == {before.pk}
    work()
    comparison.sweep()
    rows = Measurement.objects.filter(recipe=beside)
    assert {row.bench for row in rows} == {f"compared: {name}" for name in (comparison.JUDGED, *comparison.OFF)}
    page = post()
    assert "own titles" in page
    assert "Switch to the new one" in page
    assert recipes.active() == before  # nobody switches but a person

    assert "switches as soon as" in post(do="switch")
    assert succession.succeed()
    assert recipes.active() == beside
    assert ask() <= {before.pk, beside.pk}
    engine._loading[beside.pk].join() if beside.pk in engine._loading else None
    assert ask() == {beside.pk}
    assert "is used" in post(do="remove", name="clip-b32", role="pictures")

    assert "Go back to it" in post()
    post(do="switch")
    assert succession.succeed()
    assert recipes.active() == before
    assert not Assignment.objects.exists()  # the choice went back with it
    assert ask() == {before.pk}
    post(do="discard")
    assert [*Recipe.objects.all()] == [before]
    post(do="remove", name="clip-b32", role="pictures")
    installer.sweep()
    assert not download.is_here(engine.catalogue_folder(), CLIP)


def test_searches_go_on_with_the_old_recipe_while_the_new_one_loads(
    fake_models, demo, people, post, installed, work, monkeypatch
):
    before = recipes.active()
    find_moments(people["owner"], "faiss index")
    post(do="use", name="clip-b32", role="pictures")
    beside = succession.prepare()
    work()
    succession.take_over(beside)
    forget_loaded()  # as in another process, which never asked it
    may_load, load = threading.Event(), engine.open_adapter

    def wait(*arguments: object) -> object:
        may_load.wait(30)
        return load(*arguments)

    monkeypatch.setattr(engine, "open_adapter", wait)
    for _ in range(3):
        assert {m.segment.recipe_id for m in find_moments(people["owner"], "faiss index").moments} == {before.pk}
    may_load.set()
    engine._loading[beside.pk].join()
    assert {m.segment.recipe_id for m in find_moments(people["owner"], "faiss index").moments} == {beside.pk}


def test_encoders_that_cannot_be_loaded_are_named_where_one_searches(
    fake_models, demo, people, post, installed, work
) -> None:
    post(do="use", name="clip-b32", role="pictures")
    beside = succession.prepare()
    work()
    succession.take_over(beside)
    download.discard(engine.catalogue_folder(), CLIP)
    forget_loaded()
    engine._loading.clear()
    find_moments(people["owner"], "faiss index")
    engine._loading[beside.pk].join()
    found = find_moments(people["owner"], "faiss index")
    assert "models fetch clip-b32" in str(found.missing)
    assert found.moments  # by exact words


def test_what_cannot_take_over_says_why_and_the_old_one_stays(fake_models, demo, people, post, installed, work) -> None:
    post(do="use", name="clip-b32", role="pictures")
    before = recipes.active()
    beside = succession.prepare()
    work()
    post(do="switch")
    download.discard(engine.catalogue_folder(), CLIP)
    forget_loaded()
    assert not succession.succeed()
    assert recipes.active() == before
    assert IndexState.objects.get().successor is None
    assert "models fetch clip-b32" in post()
    assert beside in recipes.others()


def test_a_sweep_that_stumbles_does_not_keep_the_others_from_their_work(people, monkeypatch) -> None:
    done: list[str] = []

    def stumble() -> None:
        raise ValueError("a model disliked something")

    monkeypatch.setattr(housekeeping, "SWEEPS", (stumble, lambda: done.append("swept")))
    monkeypatch.setattr(housekeeping, "HOURLY_SWEEPS", ())
    housekeeping.Housekeeper().keep()
    assert done == ["swept"]


# -- the worker's side ---------------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[Hub]:
    with serve_hub() as served:
        served.folders[CLIP.source, CLIP.revision] = make_repository(CLIP, tmp_path / "hub")
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def drive(until: Callable[[Installation], bool]) -> Installation:
    """Sweep as a worker does, until the row is as wanted."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        installer.sweep()
        row = Installation.objects.get()
        if until(row):
            return row
        time.sleep(0.2)
    raise AssertionError((row.status, row.error, row.done_bytes))


@pytest.fixture
def own_home(tmp_path, monkeypatch, catalogue) -> None:
    """The process that fetches has the same folder as this one."""
    monkeypatch.setenv("KINOSCOPE_HOME", str(tmp_path))
    monkeypatch.setattr(engine, "catalogue_folder", lambda: tmp_path / "models" / "catalogue")


def test_a_worker_fetches_pauses_goes_on_and_measures(people, post, hub, own_home, transactional_db) -> None:
    IndexState.objects.update_or_create(pk=1)
    hub.seconds_a_piece = 0.003
    post(do="fetch", name="clip-b32", role="pictures")
    row = drive(lambda row: row.done_bytes > 1_000_000)
    assert row.status == "fetching"
    assert 0 < row.share < 1
    page = post(do="pause", name="clip-b32", role="pictures")
    assert "paused" in page
    drive(lambda _row: not installer._one_fetch.locked())
    kept = download.count_bytes(engine.catalogue_folder(), CLIP)[0]
    assert kept >= 1_000_000
    hub.seconds_a_piece = 0.0
    post(do="fetch", name="clip-b32", role="pictures")
    row = drive(lambda row: row.status == "here")
    assert hub.ranges[-1].startswith("bytes=")
    assert row.speed["pictures"]["pictures a second"] > 0
    assert row.done_bytes == row.total_bytes > 6_000_000
    assert "pictures a second" in post()


def test_what_goes_wrong_is_said_on_the_page(people, post, hub, own_home) -> None:
    IndexState.objects.update_or_create(pk=1)
    hub.gated = {CLIP.source}
    post(do="fetch", name="clip-b32", role="pictures")
    row = drive(lambda row: row.status == "failed")
    assert "HF_TOKEN" in row.error
    assert "HF_TOKEN" in post()
    assert "Go on" in post()


@pytest.mark.slow
def test_a_machine_that_lacks_what_another_has_fetches_it(people, hub, own_home) -> None:
    IndexState.objects.update_or_create(pk=1)
    Installation.objects.create(name="clip-b32", status="here")
    drive(lambda _row: download.is_here(engine.catalogue_folder(), CLIP))
    assert installations.is_installed(CLIP)


# -- how sure answers may be ---------------------------------------------------------------------------------------


def test_a_pair_that_nobody_fitted_is_fitted_before_it_is_trusted(fake_models, demo, people) -> None:
    recipe = recipes.active()
    encoder, reranker = engine.sentences(recipe), engine.reranker()
    assert curves.choose_reader(encoder) == (None, FITTED)  # nobody knows yet what its scores mean
    curves.sweep()
    row = ReadingCurve.objects.get()
    assert (row.sentence_encoder, row.reranker) == (encoder.name, reranker.name)
    chosen, curve = curves.choose_reader(encoder)
    assert chosen is reranker
    assert curve != FITTED
    assert len(curve.read) == len(curve.unread) == 4
    curves.sweep()
    assert ReadingCurve.objects.count() == 1


def test_what_came_with_kinoscope_needs_no_fitting() -> None:
    assert curves.find_curve(*FITTED_FOR) is FITTED


# -- the same by commands ------------------------------------------------------------------------------------------


def run(*arguments: str) -> list[dict]:
    out = io.StringIO()
    call_command("models", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_commands_list_use_pack_remove_and_unpack(people, installed, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("webapp.benchmarks.installed.MIN_SECONDS", 0.0)
    listed = {row["name"]: row for row in run("list") if "roles" in row}
    assert listed["m2m100-418m"]["status"] == "installed"
    assert listed["siglip2-b32"]["status"] == "not installed"
    assert next(row for row in run("verify") if row["name"] == "clip-b32")["status"] == "ok"
    run("use", "m2m100-418m")
    assert engine.translates()
    with pytest.raises(CommandError, match="is used"):
        run("remove", "m2m100-418m")
    run("use", "default", "--for", "translator")
    packed = tmp_path / "clip.tar"
    run("pack", "clip-b32", str(packed))
    run("remove", "clip-b32")
    assert not Installation.objects.filter(name="clip-b32").exists()
    (row,) = run("unpack", str(packed))
    assert row["speed"]["pictures"]["pictures a second"] > 0
    assert installations.is_installed(CLIP)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["use", "nobody"], "no model “nobody”"),
        (["use", "siglip2-b32"], "not installed"),
        (["use", "default"], "--for"),
        (["use", "clip-b32", "--for", "translator"], "--for"),
        (["pack", "siglip2-b32", "/tmp/x.tar"], "not installed"),
        (["pack", "siglip2-b32"], "Write: models pack"),
        (["unpack", "/nowhere.tar"], "no archive"),
    ],
)
def test_commands_say_what_is_wrong(people, arguments, why) -> None:
    with pytest.raises(CommandError, match=why):
        run(*arguments)


def test_the_environment_wins_over_a_choice(people, installed, settings) -> None:
    run("use", "m2m100-418m")
    settings.KINOSCOPE_FIXED_ROLES = {"translator"}
    assert not engine.translates()
    with pytest.raises(CommandError, match="it wins"):
        run("use", "m2m100-418m")


def test_doctor_names_a_model_that_is_used_and_not_here(people, installed) -> None:
    run("use", "m2m100-418m")
    assert not [f for f in doctor.examine_models() if "M2M100" in f.what]
    download.discard(engine.catalogue_folder(), ENTRIES["m2m100-418m"])
    (found,) = [f for f in doctor.examine_models() if "M2M100" in f.what]
    assert found.level == "error"
    assert "models fetch m2m100-418m" in found.remedy


def test_a_forbidden_hub_is_never_asked(people, post, hub, own_home, settings) -> None:
    settings.KINOSCOPE_HUB_FORBIDDEN = True
    IndexState.objects.update_or_create(pk=1)
    post(do="fetch", name="clip-b32", role="pictures")
    row = drive(lambda row: row.status == "failed")
    assert "HF_HUB_OFFLINE" in row.error
    assert hub.asked == []
    assert "HF_HUB_OFFLINE is set" in post()
    with pytest.raises(CommandError, match="HF_HUB_OFFLINE"):
        run("fetch", "clip-b32")
