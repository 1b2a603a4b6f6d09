"""The decoder's box on real files made here, and on hostile ones."""

import errno
import io
import json
import re
import sys
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from indexer import box, boxed, child
from indexer.adapters.pyav.view import View
from indexer.errors import BoxFailed, UnreadableMedia
from indexer.media import playable_type


def quiet(_share: float) -> None: ...


@pytest.mark.parametrize(
    ("name", "codec", "audio", "playable"),
    [
        ("a.mp4", "libx264", "aac", "video/mp4"),
        ("a.mov", "libx264", "aac", "video/mp4"),
        ("a.mkv", "libx264", "aac", ""),
        ("a.webm", "libvpx", "libopus", "video/webm"),
        ("a.avi", "mpeg4", "mp3", ""),
        ("a.ts", "libx264", "aac", ""),
    ],
)
def test_every_container_is_probed_and_seen(make_movie, tmp_path, name, codec, audio, playable) -> None:
    path = make_movie(name, codec=codec, audio_codec=audio)
    info = box.probe(path)
    assert info.duration == pytest.approx(6, abs=0.3)
    assert (info.width, info.height) == (320, 240)
    assert info.has_audio
    assert playable_type(info) == playable
    out = tmp_path / "out"
    out.mkdir()
    seen = box.look(path, out, info, quiet)
    assert [round(s.start) for s in seen.shots] == [0, 2, 4]
    assert {int(k.time // 2) for k in seen.keyframes} == {0, 1, 2}
    assert all(Pillow.open(k.path).size == (320, 240) for k in seen.keyframes)
    samples = np.fromfile(box.extract_audio(path, out, info), np.float32)
    assert len(samples) / 16_000 == pytest.approx(6, abs=0.3)


def test_a_proxy_plays_everywhere(make_movie, tmp_path) -> None:
    path = make_movie("a.avi", codec="mpeg4", audio_codec="mp3")
    shares: list[float] = []
    proxy = box.render_proxy(path, tmp_path, box.probe(path), shares.append)
    info = box.probe(proxy)
    assert playable_type(info) == "video/mp4"
    assert info.duration == pytest.approx(6, abs=0.3)
    assert shares == sorted(shares)


def test_sound_without_picture_is_taken(make_movie) -> None:
    info = box.probe(make_movie("a.mp4", picture=False))
    assert info.has_audio
    assert not info.has_video
    assert playable_type(info) == "audio/mp4"


def test_a_rotated_video_is_seen_upright(make_movie, tmp_path) -> None:
    path = make_movie("plain.mp4", shots=1, sound=False)
    turned = tmp_path / "turned.mp4"
    data = bytearray(path.read_bytes())
    # The display matrix in `tkhd`, 16.16 fixed point: replace identity by a quarter turn.
    one, zero = (0x10000).to_bytes(4, "big"), bytes(4)
    identity = one + zero + zero + zero + one + zero
    place = data.index(identity, data.index(b"tkhd"))
    data[place : place + 24] = zero + one + zero + (0xFFFF0000).to_bytes(4, "big") + zero + zero
    turned.write_bytes(data)
    info = box.probe(turned)
    assert (info.width, info.height) == (240, 320)
    out = tmp_path / "out"
    out.mkdir()
    frame = np.asarray(Pillow.open(box.look(turned, out, info, quiet).keyframes[0].path)).astype(int)
    with av.open(str(path)) as container:
        upright = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    assert np.abs(frame - np.rot90(upright, -1)).mean() < 8


REMEDY = r"[.)] (Check|Supported|Convert|The file is probably damaged)"  # what stands behind a reason
SECRET = "secret.mp4"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"x", "opened"),
        (b"just some text that is no video\n" * 40, "opened"),
        (f"ffconcat version 1.0\nfile {SECRET}\n".encode(), "opened"),
        (f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{SECRET}\n#EXT-X-ENDLIST\n".encode(), "opened"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n", "opened"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "opened"),
    ],
)
def test_what_is_no_media_is_refused(make_movie, tmp_path, content: bytes, reason: str) -> None:
    make_movie(SECRET)
    path = tmp_path / "upload.bin"
    path.write_bytes(content)
    with pytest.raises(UnreadableMedia, match=reason) as refusal:
        box.probe(path)
    assert re.search(REMEDY, str(refusal.value))


def test_a_truncated_file_says_how_much_is_there(make_movie, tmp_path) -> None:
    whole = make_movie("a.mkv", shots=10, codec="libx264")
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    info = box.probe(part)
    assert info.duration < 19
    assert "incomplete" in info.warning


def test_damaged_pictures_are_counted_not_fatal(make_movie, tmp_path) -> None:
    data = bytearray(make_movie("a.mp4", shots=8).read_bytes())
    start, dice = data.index(b"mdat") + 2000, np.random.default_rng(0)
    for place in dice.integers(start, len(data) - 4000, 60):
        data[place] ^= 0xFF
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    out = tmp_path / "out"
    out.mkdir()
    assert box.look(path, out, box.probe(path), quiet).keyframes


def test_a_hanging_decoder_is_stopped(monkeypatch, make_movie, tmp_path) -> None:
    real = child._Deadline
    monkeypatch.setattr(child, "_Deadline", lambda child, wall: real(child, 0.05))
    with pytest.raises(BoxFailed, match="longer than"):
        box.probe(make_movie())


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("import sys; sys.exit(3)", "out of memory or crashed"),
        ("print('{\"ok\": 5')", "no answer"),
        ("print('[1, 2]')", "no answer"),
        ("print('x' * (70 << 20))", "no answer|crashed"),
        ("while True: print('%0.5')", "longer than|crashed"),
    ],
)
def test_a_crash_or_nonsense_is_a_readable_failure(monkeypatch, make_movie, program, reason) -> None:
    import sys

    real = child._Deadline
    monkeypatch.setattr(child, "_Deadline", lambda child, wall: real(child, 4.0))
    monkeypatch.setattr(child, "_program", lambda _: [sys.executable, "-c", program])
    monkeypatch.setattr(child, "_wraps", lambda: False)
    with pytest.raises(BoxFailed, match=reason) as failure:
        box.probe(make_movie())
    assert re.search(REMEDY, str(failure.value))


def test_the_child_sees_no_environment(monkeypatch, make_movie) -> None:
    monkeypatch.setenv("KINOSCOPE_SECRET_KEY", "x" * 40)
    seen = {}
    real = child.subprocess.Popen

    def spy(*args, **kwargs):
        seen.update(kwargs["env"])
        return real(*args, **kwargs)

    monkeypatch.setattr(child.subprocess, "Popen", spy)
    box.probe(make_movie())
    assert "KINOSCOPE_SECRET_KEY" not in seen
    assert set(seen) <= {"PATH", "LANG", "OMP_NUM_THREADS"}


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (av.error.ExternalError(542398533, "Generic error in an external library"), "gave up on this file"),
        (av.error.OSError(errno.ENOSPC, "No space left on device"), "full"),
        (OSError(errno.EDQUOT, "Quota"), "full"),
    ],
)
def test_what_no_operation_expects_is_told_in_a_sentence(monkeypatch, capsys, error, reply) -> None:
    def fails(*_: object) -> dict[str, Any]:
        raise error

    for name in ("die_with_parent", "limit_resources", "confine"):
        monkeypatch.setattr(boxed, name, lambda *_: [])
    monkeypatch.setattr(boxed, "answer", fails)
    monkeypatch.setattr(sys, "argv", ["boxed", "proxy"])
    request = {"path": "/x", "out": "/y", "most_bytes": 1, "seconds": 1, "wanted": {}}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(request)))
    boxed.main()
    assert reply in capsys.readouterr().out


def test_pixels_of_any_shape_make_a_picture_that_can_be_encoded() -> None:
    assert View(pixel_aspect=9.0).size(8000, 100) == (16384, 23)
    assert View(pixel_aspect=0.11).size(1, 8000) == (1, 16384)
