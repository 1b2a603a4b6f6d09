"""Films of moments: made by a worker, played by their owner alone, gone with their sources."""

import io
from datetime import timedelta

import av
import pytest
from django.utils import timezone

from indexer.errors import ModelMissing
from webapp import engine
from webapp.models import Montage, Piece, Video
from webapp.operations import cards, montages
from webapp.pipeline import outputs
from webapp.uploads import removal

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]

TOPIC = "whisper writes down what is spoken"


@pytest.fixture
def asked(kept_in, demo, clients, people) -> Montage:
    """`friend` asked for half a minute of what the demo, which is public here, says."""
    Video.objects.filter(pk=demo.pk).update(visibility="public")
    answer = clients["friend"].post("/montages/make", {"topic": f" {TOPIC} ", "seconds": "30", "music": "on"})
    made = Montage.objects.get()
    assert answer.url == f"/montages/{made.key}"
    return made


def work(row: Montage) -> Montage:
    claimed = montages.claim()
    assert claimed is not None
    montages.make(claimed)
    row.refresh_from_db()
    return row


def test_a_film_is_made_of_what_fits_and_names_its_sources(asked, demo, clients) -> None:
    friend = clients["friend"]
    assert "begins within half a minute" in friend.get(f"/montages/{asked.key}").content.decode()
    made = work(asked)
    assert (made.status, made.error) == ("ready", "")
    piece = made.pieces.get()
    assert piece.video == demo
    assert any("whisper" in text.lower() for _from, _until, text in piece.words)
    page = friend.get(f"/montages/{made.key}").content.decode()
    assert f"/videos/{demo.key}?t={piece.start:g}" in page
    played = friend.get(f"/montages/{made.key}/video", headers={"Range": "bytes=0-99"})
    assert (played.status_code, played["Content-Length"]) == (206, "100")
    data = b"".join(made.stored.blocks())
    with av.open(io.BytesIO(data)) as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert (picture.width, picture.height) == cards.SIZE
        assert float(picture.duration * picture.time_base) == pytest.approx(made.duration, abs=0.1)
        assert float(sound.duration * sound.time_base) == pytest.approx(made.duration, abs=0.1)
        strip = [frame.to_ndarray(format="gray")[-cards.STRIP :, :200] for frame in film.decode(picture)]
        assert max(int(s.max()) for s in strip[100:110]) > 200, "the source is written into the picture"
    captions = friend.get(f"/montages/{made.key}/captions.vtt").content.decode()
    assert captions.startswith("WEBVTT")
    assert "hisper" in captions
    assert not any(str(made.key) in orphan.name for orphan in outputs.find_orphans(older_than=-10))


def test_what_is_said_is_subtitled_in_the_language_of_the_film(asked, demo, clients, monkeypatch) -> None:
    class Mirror:
        name = "mirror"

        def knows(self, language: str) -> bool:
            return language in ("en", "zh")

        def translate(self, texts: list[str], source: str, target: str) -> list[str]:
            return [f"{source}>{target}: {text[::-1]}" for text in texts]

    monkeypatch.setattr(engine, "translator", Mirror)
    Montage.objects.filter(pk=asked.pk).update(language="zh-hans")
    Video.objects.filter(pk=demo.pk).update(language="en")
    work(asked)
    page = clients["friend"].get(f"/montages/{asked.key}").content.decode()
    assert 'srclang="zh"' in page
    told = clients["friend"].get(f"/montages/{asked.key}/captions.vtt?translated=1").content.decode()
    assert "en&gt;zh: " in told or "en>zh: " in told
    assert "en>zh" not in clients["friend"].get(f"/montages/{asked.key}/captions.vtt").content.decode()

    def missing() -> None:
        raise ModelMissing("%(name)s is not on this machine.", name="M2M100")

    monkeypatch.setattr(engine, "translator", missing)
    clients["friend"].post(f"/montages/{asked.key}/change", {"again": "1"})
    work(asked)
    assert "srclang" not in clients["friend"].get(f"/montages/{asked.key}").content.decode()


def test_only_its_owner_plays_it_and_only_while_every_source_may_be_seen(asked, demo, clients) -> None:
    made = work(asked)
    for person in ("owner", "other", "admin"):
        for address in ("", "/video", "/captions.vtt"):
            assert clients[person].get(f"/montages/{made.key}{address}").status_code == 404, person
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    for address in ("/video", "/captions.vtt"):
        assert clients["friend"].get(f"/montages/{made.key}{address}").status_code == 404
    page = clients["friend"].get(f"/montages/{made.key}").content.decode()
    assert "no longer be seen" in page
    assert demo.title not in page
    clients["friend"].post(f"/montages/{made.key}/change", {"again": ""})
    assert work(made).status == "failed"
    assert "surely enough" in made.error


def test_a_film_goes_with_its_source(asked, demo, clients) -> None:
    made = work(asked)
    stored = made.stored
    removal.remove(Video.objects.get(pk=demo.pk))
    assert clients["friend"].get(f"/montages/{made.key}/video").status_code == 404
    assert not Montage.objects.exists()
    assert stored.look_up() is None


def test_a_film_goes_with_its_owner(asked, people) -> None:
    made = work(asked)
    removal.forget(people["friend"])
    assert made.stored.look_up() is None


def test_one_that_is_cancelled_stops_and_one_whose_worker_died_is_begun_anew(asked, clients, monkeypatch) -> None:
    row = montages.claim()
    assert montages.claim() is None, "it is taken"
    Montage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    again = montages.claim()
    assert again.pk == row.pk
    monkeypatch.setattr(montages.time, "monotonic", iter(range(0, 10_000, 2)).__next__)  # it reports with each picture
    clients["friend"].post(f"/montages/{asked.key}/change", {"cancel": ""})
    montages.make(again)
    asked.refresh_from_db()
    assert (asked.status, asked.file) == ("cancelled", "")
    assert not Piece.objects.exists()
    clients["friend"].post(f"/montages/{asked.key}/change", {"again": ""})
    assert Montage.objects.get().status == "queued"


def test_what_goes_wrong_is_said(asked, demo, clients, monkeypatch) -> None:
    def stumble(*_given) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(montages, "render", stumble)
    made = work(asked)
    assert made.status == "failed"
    assert "RuntimeError" in clients["friend"].get(f"/montages/{made.key}").content.decode()
    clients["friend"].post(f"/montages/{made.key}/change", {"delete": ""})
    assert not Montage.objects.exists()


def test_what_makes_no_sense_is_refused(demo, clients, people, monkeypatch) -> None:
    for form in ({"topic": " ", "seconds": "30"}, {"topic": "x", "seconds": "9999"}, {"topic": "x"}):
        assert clients["friend"].post("/montages/make", form).url == "/montages"
    assert clients["anonymous"].post("/montages/make", {"topic": "x", "seconds": "30"}).status_code == 302
    monkeypatch.setattr("webapp.views.montages.MAX_KEPT", 0)
    clients["friend"].post("/montages/make", {"topic": "x", "seconds": "30"})
    assert not Montage.objects.exists()


def test_letters_that_no_font_has_are_left_out_and_long_lines_are_cut() -> None:
    cards.find_font.cache_clear()
    long, short = cards.draw_source("word " * 60, 3.0), cards.draw_source("word", 3.0)
    assert long.max() == short.max() == 255
    assert long[:, -8:].max() == 0
    missing, cards.WIDE_FONTS = cards.WIDE_FONTS, ()
    try:
        cards.find_font.cache_clear()
        assert cards.draw_source("视频", 3.0).max() == 0
    finally:
        cards.WIDE_FONTS = missing
        cards.find_font.cache_clear()
