"""Several qualities of a film: cut at the same places, each piece playable by itself, every sound beside them."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from indexer import box
from indexer.errors import UnreadableMedia
from indexer.types import MediaInfo
from tests.indexer.test_media_kinds import add_sound, plain, tone, write_pictures, write_sound

pytestmark = pytest.mark.unit

SECONDS, RATE = 9, 10


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """9 s of 1280 × 720 with a cut where a scene-cut detector would set a key frame, and two sounds."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as sink:
        picture = sink.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 1280, 720, "yuv420p"
        picture.options = {"preset": "ultrafast"}
        sounds = [add_sound(sink, "aac"), add_sound(sink, "aac")]
        for stream, language in zip(sounds, ("eng", "fre"), strict=True):
            stream.metadata["language"] = language
        red, blue = plain((200, 30, 30), (1280, 720)), plain((30, 30, 200), (1280, 720))
        write_pictures(sink, picture, SECONDS * RATE, lambda n: red(n) if n < 2.5 * RATE else blue(n))
        for stream, pitch in zip(sounds, (440.0, 880.0), strict=True):
            write_sound(sink, stream, tone(SECONDS, pitch))
    return path


def test_qualities_are_cut_alike_and_every_piece_plays(film, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shares: list[float] = []
    made = box.render_streams(film, out, box.probe(film), shares.append)
    assert [(p["width"], p["height"]) for p in made["pictures"]] == [(1280, 720), (640, 360)]
    assert [s["track"] for s in made["sounds"]] == [1, 2]
    assert all(p["codec"].startswith("avc1.64") for p in made["pictures"])
    cuts = [[round(seconds, 2) for seconds, _, _ in p["segments"]] for p in made["pictures"]]
    assert cuts[0] == cuts[1] == [4.0, 4.0, 1.0]
    for record in [*made["pictures"], *made["sounds"]]:
        assert sum(seconds for seconds, _, _ in record["segments"]) == pytest.approx(SECONDS, abs=0.15)
        data = (out / f"{record['name']}.mp4").read_bytes()
        first, length = record["init"]
        header, reached = data[first : first + length], 0.0
        for seconds, first, length in record["segments"]:
            with av.open(io.BytesIO(header + data[first : first + length])) as piece:
                frames = [f for packet in piece.demux() for f in packet.decode()]
            assert frames[0].time == pytest.approx(reached, abs=0.1)
            assert getattr(frames[0], "key_frame", True)
            reached += seconds
    assert shares
    assert max(shares) <= 1.05
    assert {p.name for p in out.iterdir()} == {"picture-720.mp4", "picture-360.mp4", "sound-1.mp4", "sound-2.mp4"}


@pytest.mark.parametrize(("lines", "expected"), [(2160, [1080, 720, 360]), (1080, [1080, 720, 360]), (800, [800, 360]),
                                                 (480, [480, 360]), (400, [400]), (240, [240])])  # fmt: skip
def test_the_best_there_is_and_what_is_clearly_less(lines, expected) -> None:
    from indexer.adapters.pyav.streams import choose_lines
    from indexer.adapters.pyav.view import View

    with av.open(io.BytesIO(), "w", format="matroska") as sink:
        picture = sink.add_stream("libx264", rate=Fraction(25))
        picture.width, picture.height = lines * 2, lines
        assert choose_lines(View(), picture) == expected


def test_an_answer_that_points_outside_its_file_is_refused(tmp_path, monkeypatch) -> None:
    from indexer.errors import BoxFailed

    (tmp_path / "picture-360.mp4").write_bytes(b"x" * 100)
    good = {"name": "picture-360", "codec": "avc1", "bits": 9, "width": 6, "height": 4, "init": [0, 10]}
    for segments in ([[4.0, 10, 91]], [[4.0, -1, 5]], [["x", 1, 5]], [[4.0, 1]]):
        answer = {"pictures": [{**good, "segments": segments}], "sounds": []}
        monkeypatch.setattr(box, "run", lambda *_a, answer=answer, **_k: answer)
        with pytest.raises(BoxFailed):
            box.render_streams(tmp_path / "picture-360.mp4", tmp_path, MediaInfo("mp4", 9.0), lambda share: None)


def test_a_sound_without_a_packet_is_left_out_and_a_film_without_a_picture_refused(tmp_path) -> None:
    """Found by mutated files: FFmpeg's muxer writes no list where nothing came."""
    path, out = tmp_path / "film.mkv", tmp_path / "out"
    out.mkdir()
    with av.open(str(path), "w") as sink:
        picture, sound = sink.add_stream("libx264", rate=RATE), add_sound(sink, "aac")
        picture.width, picture.height, picture.pix_fmt = 320, 240, "yuv420p"
        write_pictures(sink, picture, 2 * RATE, plain((200, 30, 30)))
        assert sound is not None  # announced, and nothing follows
    made = box.render_streams(path, out, replace(box.probe(path), sounds=[{"index": 1, "readable": True}]), print)
    assert len(made["pictures"]) == 1
    assert made["sounds"] == []
    data = bytearray(path.read_bytes())
    clusters = data.find(bytes.fromhex("1f43b675"))
    data[clusters + 30 :] = bytes(len(data) - clusters - 30)
    path.write_bytes(data)
    with pytest.raises(UnreadableMedia):
        box.render_streams(path, out, MediaInfo("matroska", 2.0, video_codec="h264"), print)
