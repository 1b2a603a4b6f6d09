"""What a file brings along: its subtitles, sound tracks, title and chapters, and another choice of them."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from webapp.benchmarks import cases
from webapp.media import documents
from webapp.models import Video

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def film(make_movie, tmp_path) -> Path:
    """Two sounds, the second one the default, English and German subtitles, a title and a date."""
    path = tmp_path / "film.mkv"
    sources = [make_movie("good.mp4"), make_movie("sound.mp4", picture=False)]
    with av.open(str(path), "w") as sink:
        opened = [av.open(str(source)) for source in sources]
        copies = {(n, s.index): sink.add_stream_from_template(s) for n, c in enumerate(opened) for s in c.streams}
        sounds = [stream for stream in copies.values() if stream.type == "audio"]
        for stream, code in zip(sounds, ("ger", "eng"), strict=True):
            stream.metadata["language"] = code
            stream.disposition = av.stream.Disposition.default if code == "eng" else 0
        written = {"eng": "the {\\i1}purple{\\i0} violin", "ger": "die lila Geige"}
        for code in written:
            sink.add_stream("ass").metadata["language"] = code
        for name, value in (
            ("title", "The harbour at night"),
            ("artist", "M. Hollis"),
            ("DATE", "2015-06-01"),
            ("LOCATION", "Elbe, Hamburg"),
        ):
            sink.metadata[name] = value
        sink.start_encoding()
        for words in sink.streams.subtitles:
            packet = av.Packet(f"0,0,Default,,0,0,0,,{written[words.metadata['language']]}".encode())
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = 2000
            packet.duration = 900
            sink.mux(packet)
        for number, container in enumerate(opened):
            for packet in container.demux():
                if packet.dts is not None:
                    packet.stream = copies[number, packet.stream.index]
                    sink.mux(packet)
            container.close()
    return path


@pytest.fixture
def video(film, accept, work) -> Video:
    video = accept("owner", path=film)
    work()
    video.refresh_from_db()
    assert video.status == "ready", [(s.name, s.error) for s in video.steps.all()]
    return video


def test_what_the_file_says_of_itself_is_kept_shown_and_found(video, clients) -> None:
    assert (video.title, video.artist, str(video.recorded_at.date())) == (
        "The harbour at night",
        "M. Hollis",
        "2015-06-01",
    )
    page = clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert "M. Hollis" in page
    assert "June 1, 2015" in page
    shown = clients["owner"].get(f"/api/v1/videos/{video.key}").json()
    assert (shown["artist"], shown["recorded_at"][:4], shown["place"]) == ("M. Hollis", "2015", "Elbe, Hamburg")
    assert "Elbe, Hamburg" in page
    for asked, count in (
        ("recorded_after=2015-01-01", 1),
        ("recorded_after=2016-01-01", 0),
        ("recorded_before=2015-12-31", 1),
    ):
        found = clients["owner"].get(f"/search?q=violin&{asked}").content.decode()
        assert (f"/videos/{video.key}" in found) == bool(count), asked


def test_where_a_phone_recorded_is_kept_shown_and_searched_by(make_movie, tmp_path, accept, work, clients) -> None:
    path = tmp_path / "phone.mov"
    with (
        av.open(str(make_movie("short.mp4"))) as source,
        av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as sink,
    ):
        copy = sink.add_stream_from_template(source.streams.video[0])
        sink.metadata["com.apple.quicktime.location.ISO6709"] = "-33.8568+151.2153+012.000/"
        sink.metadata["com.apple.quicktime.creationdate"] = "2019-05-04T10:00:00+1000"
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                sink.mux(packet)
    video = accept("owner", path=path)
    work()
    video.refresh_from_db()
    assert (video.latitude, video.longitude, video.place) == (-33.8568, 151.2153, "-33.8568, 151.2153")
    assert video.recorded_at.isoformat() == "2019-05-04T00:00:00+00:00"
    page = clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert "near=-33.8568%2C%20151.2153" in page
    for near, count in (("-33.9, 151.3", 1), ("48.85, 2.29", 0), ("-33.8568, 150.9", 0)):
        found = clients["owner"].get("/search", {"q": "water", "near": near}).content.decode()
        assert (f"/videos/{video.key}" in found) == bool(count), near
    assert "Give degrees" in clients["owner"].get("/search", {"q": "water", "near": "Sydney"}).content.decode()


def test_filters_are_kept_when_another_is_set(video, clients) -> None:
    page = clients["owner"].get("/search", {"q": "violin", "language": "en", "recorded_after": "2015-01-01"})
    shown = page.content.decode()
    assert '<input type="hidden" name="language" value="en"' in shown
    assert 'name="recorded_after" value="2015-01-01"' in shown
    assert '<a href="?q=violin">' in shown


def test_subtitles_of_the_file_are_its_transcript(video) -> None:
    assert [(u.start, u.text, u.language) for u in video.utterances.all()] == [
        (pytest.approx(2.0, abs=0.05), "the purple violin", "en")
    ]
    assert "the purple violin" in documents.write("transcript", "srt", video)


def test_another_sound_and_what_is_spoken_can_be_chosen(video, clients, work) -> None:
    page = clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert 'name="sound"' in page
    assert 'name="words"' in page
    sounds = [t["index"] for t in video.media_info["sounds"]]
    assert video.media_info["sound"] == sounds[1]
    address = f"/videos/{video.key}/tracks"
    assert clients["owner"].post(address, {"sound": 99}).status_code == 400
    assert clients["owner"].post(address, {"words": "nonsense"}).status_code == 400
    assert clients["other"].post(address, {"sound": sounds[0]}).status_code == 404
    assert clients["owner"].post(address, {"sound": sounds[0], "words": "speech"}).status_code == 302
    video.refresh_from_db()
    assert (video.content_type, video.media_info["sound"]) == ("", sounds[0])  # a rendition is being made
    work()
    video.refresh_from_db()
    assert (video.status, video.content_type) == ("ready", "video/mp4")
    assert not video.utterances.filter(text__contains="violin").exists()


def test_all_transcripts_are_kept_and_one_is_searched(video, clients, work) -> None:
    """Both subtitles are there to be switched on; choosing the other needs no new reading, and corrections stay."""
    english, german = video.transcripts.order_by("pk")
    assert (english.language, german.language) == ("en", "de")
    assert video.words_from == english.source
    page = clients["owner"].get(f"/videos/{video.key}").content.decode()
    assert f'captions.vtt?words={german.source}"' in page
    captions = f"/media/{video.key}/captions.vtt?words={german.source}"
    assert b"lila Geige" in clients["owner"].get(captions).content
    assert clients["other"].get(captions).status_code == 404
    assert clients["owner"].get(f"/media/{video.key}/captions.vtt?words=77").status_code == 404
    line = video.utterances.get()
    clients["owner"].post(f"/videos/{video.key}/lines/{line.pk}", {"text": "the violet violin"})
    work()
    address = f"/videos/{video.key}/tracks"
    clients["owner"].post(address, {"words": german.source})
    assert not video.steps.filter(name="speech", status="ready").exists()
    work()
    video.refresh_from_db()
    assert (video.language, video.utterances.get().text) == ("de", "die lila Geige")
    assert f"/videos/{video.key}" in clients["owner"].get("/search?q=Geige").content.decode()
    clients["owner"].post(address, {"words": english.source})
    assert video.utterances.get().text == "the violet violin"
    before = list(video.steps.values_list("pk", "status"))
    clients["owner"].post(address, {"words": english.source})  # nothing else was asked for
    assert list(video.steps.values_list("pk", "status")) == before


def test_cases_say_what_is_not_as_expected(video, people, tmp_path) -> None:
    wanted = '{"film.mkv": {"duration": 6, "size": [320, 240], "languages": ["en"], "warned": false}, "gone.mp4": {}}'
    (tmp_path / "expect.json").write_text(wanted)
    *faults, total = cases.cases(tmp_path, people["owner"])
    assert total == {"bench": "cases", "as expected": 1, "of": 2}
    assert faults == [{"bench": "case gone.mp4", "but": "not in the library"}]
    (tmp_path / "expect.json").write_text('{"film.mkv": {"duration": 60, "silent": true, "written": ["EXIT"]}}')
    fault, total = cases.cases(tmp_path, people["owner"])
    assert total["as expected"] == 0
    for part in ("lasts 6", "was heard", "EXIT"):
        assert part in fault["but"]
    with pytest.raises(LookupError):
        list(cases.cases(tmp_path / "nowhere", people["owner"]))
