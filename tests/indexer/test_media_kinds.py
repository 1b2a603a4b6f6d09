"""Kinds of files that people have, made here: sound is heard at its time, pictures look right, clocks start at 0."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph
from PIL import Image, ImageDraw, ImageFont

from indexer import box, media
from indexer.errors import UnreadableMedia
from indexer.media import copied_container, playable_type
from indexer.types import SAMPLE_RATE, MediaInfo

RATE = 48_000


def tone(seconds: float, pitch: float = 440.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)[None]


def add_sound(sink, codec: str, layout: str = "mono", rate: int = RATE, **options: str):
    stream = sink.add_stream(codec, rate=rate, layout=layout, options=options)
    if codec.startswith("wma"):
        stream.bit_rate = 64_000
    return stream


def write_sound(sink, stream, samples: np.ndarray, start: float = 0.0) -> None:
    """Samples (1, n) at 48 kHz, heard from `start` seconds on."""
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate = RATE
    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=stream.rate)
    size = context.frame_size or 1024
    fifo = av.AudioFifo()
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        piece.pts = None
        fifo.write(piece)
    done = round(start * stream.rate)
    while (piece := fifo.read(size, partial=True)) is not None:
        piece.pts, piece.time_base = done, Fraction(1, stream.rate)
        done += piece.samples
        sink.mux(stream.encode(piece))


def write_pictures(sink, stream, count: int, picture: Callable[[int], av.VideoFrame]) -> None:
    for number in range(count):
        frame = picture(number)
        frame.pts, frame.time_base = number, Fraction(1, 10)
        sink.mux(stream.encode(frame))
    sink.mux(stream.encode(None))


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (320, 240)) -> Callable[[int], av.VideoFrame]:
    return lambda _: av.VideoFrame.from_image(Image.new("RGB", size, colour))


def hear(path: Path, folder: Path) -> tuple[MediaInfo, np.ndarray]:
    info = box.probe(path)
    return info, np.fromfile(box.extract_audio(path, folder, info), np.float32)


def loud_seconds(samples: np.ndarray) -> list[int]:
    seconds = samples[: len(samples) // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
    return [number for number, second in enumerate(seconds) if np.abs(second).mean() > 0.02]


def keyframe(path: Path, folder: Path, info: MediaInfo) -> np.ndarray:
    (folder / "look").mkdir(exist_ok=True)
    return np.asarray(Image.open(box.look(path, folder / "look", info, lambda _: None).keyframes[0].path)).astype(int)


@pytest.mark.parametrize(
    ("name", "codec", "layout"),
    [
        ("a.mkv", "ac3", "mono"), ("a.mkv", "eac3", "stereo"), ("a.mov", "pcm_s24be", "mono"),
        ("a.m4a", "alac", "mono"),
        ("a.wma", "wmav1", "mono"), ("a.wma", "wmav2", "mono"), ("a.aiff", "pcm_s16be", "mono"),
        ("a.wav", "adpcm_ms", "mono"), ("a.aac", "aac", "mono"), ("a.mp2", "mp2", "mono"),
        ("a.caf", "pcm_f32be", "mono"),
        ("a.tta", "tta", "mono"), ("a.wv", "wavpack", "mono"), ("a.au", "pcm_mulaw", "mono"),
    ],
)  # fmt: skip
def test_every_sound_is_heard(name: str, codec: str, layout: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as sink:
        stream = add_sound(sink, codec, layout)
        write_sound(sink, stream, tone(3))
        sink.mux(stream.encode(None))
    info, samples = hear(path, tmp_path)
    assert info.has_audio
    assert not info.warning
    assert loud_seconds(samples)[:2] == [0, 1]
    assert info.duration == pytest.approx(3, abs=0.3)
    if not playable_type(info):
        made = box.probe(box.render_proxy(path, tmp_path, info, lambda _: None))
        assert (playable_type(made), round(made.duration)) == ("audio/mp4", 3)


@pytest.mark.parametrize("name", ["a.wmv", "a.vob", "a.gif", "a.avi", "a.mxf", "a.mov"])
def test_old_formats_are_read_and_get_a_rendition(name: str, tmp_path: Path) -> None:
    codec = {
        "a.wmv": "wmv2",
        "a.vob": "mpeg2video",
        "a.gif": "gif",
        "a.avi": "ffv1",
        "a.mxf": "mpeg2video",
        "a.mov": "png",
    }
    path, pixels = tmp_path / name, {"gif": "rgb8", "png": "rgba", "ffv1": "yuv422p"}
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream(codec[name], rate=25 if name in ("a.vob", "a.mxf") else 10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, pixels.get(codec[name], "yuv420p")
        write_pictures(sink, stream, 25, plain((200, 40, 40)))
    info = box.probe(path)
    assert playable_type(info) == ""
    assert keyframe(path, tmp_path, info)[120, 160] == pytest.approx([200, 40, 40], abs=12)
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    assert playable_type(box.probe(made)) == "video/mp4"
    assert keyframe(made, tmp_path, box.probe(made))[120, 160] == pytest.approx([200, 40, 40], abs=12)


def test_a_gap_stays_silent(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as sink:
        stream = add_sound(sink, "ac3")
        write_sound(sink, stream, tone(2))
        write_sound(sink, stream, tone(2), start=7)
        sink.mux(stream.encode(None))
    info, samples = hear(path, tmp_path)
    assert loud_seconds(samples)[:3] == [0, 1, 7]
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    assert loud_seconds(hear(made, tmp_path)[1])[:3] == [0, 1, 7]


def test_a_layout_that_changes_on_the_way_is_followed(tmp_path: Path) -> None:
    parts = []
    for number, layout in enumerate(("mono", "stereo")):
        part = tmp_path / f"{layout}.ts"
        with av.open(str(part), "w", options={"mpegts_copyts": "1"}) as sink:
            stream = add_sound(sink, "mp2", layout)
            write_sound(sink, stream, tone(3), start=3.0 * number)
            sink.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(parts))
    info, samples = hear(path, tmp_path)
    assert loud_seconds(samples) == [0, 1, 2, 3, 4, 5]
    assert box.render_proxy(path, tmp_path, info, lambda _: None)


@pytest.mark.parametrize("name", ["late.webm", "late.ts", "late.mkv"])
def test_a_clock_that_starts_late_starts_at_0(name: str, make_movie, tmp_path: Path) -> None:
    source = make_movie(f"plain{Path(name).suffix}", codec="vp8" if "webm" in name else "libx264",
                        audio_codec="libopus" if "webm" in name else "aac")  # fmt: skip
    path = tmp_path / name
    with av.open(str(source)) as good, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as sink:
        copies = {s.index: sink.add_stream_from_template(s) for s in good.streams}
        for packet in good.demux():
            if packet.dts is not None:
                late = round(100 / packet.time_base)
                packet.dts, packet.pts = packet.dts + late, packet.pts + late
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
    info, samples = hear(path, tmp_path)
    assert (info.duration, info.warning) == (pytest.approx(6, abs=0.3), "")
    assert info.start == pytest.approx(100, abs=2)
    assert playable_type(info) == ""
    assert len(samples) / SAMPLE_RATE == pytest.approx(6, abs=0.3)
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    assert made.suffix[1:] == copied_container(info)
    again = box.probe(made)
    assert (again.start, again.duration) == (pytest.approx(0, abs=0.1), pytest.approx(6, abs=0.3))
    assert playable_type(again)


def test_a_browsers_recording_gets_a_length_and_an_index(make_movie, tmp_path: Path) -> None:
    source, path = make_movie("plain.webm", codec="vp8", audio_codec="libopus"), tmp_path / "recorded.webm"
    with av.open(str(source)) as good, av.open(str(path), "w", options={"live": "1"}) as sink:
        copies = {s.index: sink.add_stream_from_template(s) for s in good.streams}
        for packet in good.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
    info = box.probe(path)
    assert (info.seekable, playable_type(info)) == (False, "")
    made = box.probe(box.render_proxy(path, tmp_path, info, lambda _: None))
    assert (made.seekable, made.video_codec, playable_type(made)) == (True, "vp8", "video/webm")


def test_the_default_sound_is_taken_and_all_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as sink:
        streams = [add_sound(sink, "aac") for _ in range(3)]
        for number, (stream, code) in enumerate(zip(streams, ("ger", "eng", "fre"), strict=True)):
            stream.metadata["language"] = code
            stream.disposition = av.stream.Disposition.default if number == 1 else 0
        for number, stream in enumerate(streams):
            write_sound(sink, stream, tone(2, 300 + 300 * number))
            sink.mux(stream.encode(None))
    info, samples = hear(path, tmp_path)
    assert [t["language"] for t in info.sounds] == ["de", "en", "fr"]
    assert (info.sound, info.first_tracks) == (1, False)
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    assert spectrum.argmax() == pytest.approx(600, abs=5)
    made = hear(box.render_proxy(path, tmp_path, info, lambda _: None), tmp_path)[1]
    assert np.abs(np.fft.rfft(made[:SAMPLE_RATE])).argmax() == pytest.approx(600, abs=5)


def test_a_silent_track_is_nobodys_choice(tmp_path: Path) -> None:
    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as sink:
        streams = [add_sound(sink, "flac") for _ in range(2)]
        for stream in streams:
            stream.disposition = 0
        for stream, samples in zip(streams, (np.zeros((1, 2 * RATE), np.float32), tone(2)), strict=True):
            write_sound(sink, stream, samples)
            sink.mux(stream.encode(None))
    assert box.probe(path).sound == 1


def test_the_film_is_taken_and_not_its_preview(tmp_path: Path) -> None:
    path = tmp_path / "preview.mkv"
    with av.open(str(path), "w") as sink:
        streams = [sink.add_stream(codec, rate=10) for codec in ("mjpeg", "libx264")]
        sizes, colours = ((160, 120), (320, 240)), ((0, 0, 255), (0, 200, 0))
        for stream, (width, height) in zip(streams, sizes, strict=True):
            stream.width, stream.height, stream.disposition = width, height, 0
            stream.pix_fmt = "yuvj420p" if width == 160 else "yuv420p"
        for stream, size, colour in zip(streams, sizes, colours, strict=True):
            write_pictures(sink, stream, 20, plain(colour, size))
    info = box.probe(path)
    assert (info.width, info.first_tracks) == (320, False)
    assert keyframe(path, tmp_path, info)[50, 50] == pytest.approx([0, 200, 0], abs=12)


def test_wide_pixels_become_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.mpg"

    def disc(_: int) -> av.VideoFrame:
        y, x = np.mgrid[:576, :720]
        inside = ((x - 360) * 64 / 45) ** 2 + (y - 288) ** 2 < 200**2
        return av.VideoFrame.from_ndarray(np.where(inside[..., None], 255, 0).astype(np.uint8).repeat(3, 2), "rgb24")

    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 720, 576, "yuv420p", 4_000_000
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)
        write_pictures(sink, stream, 20, disc)
    info = box.probe(path)
    assert (info.width, info.height) == (1024, 576)
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    for seen in (keyframe(path, tmp_path, info), keyframe(made, tmp_path, box.probe(made))):
        white = seen[:, :, 0] > 128
        assert np.ptp(np.nonzero(white.any(0))[0]) == pytest.approx(np.ptp(np.nonzero(white.any(1))[0]), rel=0.03)


def test_two_fields_become_whole_frames(tmp_path: Path) -> None:
    """A bar that moves 16 pixels a field: what was interlaced has combs, what is shown has none."""
    path = tmp_path / "fields.mpg"

    def woven(number: int) -> av.VideoFrame:
        picture = np.zeros((240, 320, 3), np.uint8)
        for field in (0, 1):
            left = 20 + 32 * (number % 8) + 16 * field
            picture[field::2, left : left + 40] = 255
        graph = Graph()
        given = av.VideoFrame.from_ndarray(picture, "rgb24")
        ends = [graph.add_buffer(width=320, height=240, format=given.format, time_base=Fraction(1, 10))]
        ends += [graph.add("format", "yuv420p"), graph.add("setfield", "tff"), graph.add("buffersink")]
        graph.link_nodes(*ends).configure()
        graph.push(given)
        return graph.pull()

    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 240, "yuv420p", 8_000_000
        stream.codec_context.options = {"flags": "+ildct+ilme"}
        write_pictures(sink, stream, 25, woven)

    def combs(picture: np.ndarray) -> float:
        grey = picture.mean(2)
        odd = np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2)
        return float((odd > 60).mean())

    with av.open(str(path)) as source:
        raw = [frame.to_ndarray(format="rgb24").astype(int) for frame in source.decode(video=0)]
    assert max(map(combs, raw)) > 0.05
    info = box.probe(path)
    assert info.interlaced
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    with av.open(str(made)) as source:
        shown = [combs(frame.to_ndarray(format="rgb24").astype(int)) for frame in source.decode(video=0)]
    assert max(shown) < 0.01
    assert combs(keyframe(path, tmp_path, info)) < 0.01


def test_hdr_looks_like_the_picture_it_was_made_of(tmp_path: Path) -> None:
    from indexer import tone_curve

    (tmp_path / "a:b, 'c'").mkdir()  # a home may be called anything; filters have a notation of their own
    tmp_path /= "a:b, 'c'"
    path, colours = tmp_path / "hdr.mkv", np.array([[0.75, 0.75, 0.75], [0.1, 0.1, 0.1], [1.0, 1.0, 1.0]])
    to_2020 = np.linalg.inv(tone_curve._BT2020_TO_BT709)
    signal = tone_curve.to_pq(tone_curve.SDR_NITS * np.maximum(colours**2.4 @ to_2020.T, 0))
    luma = np.round(64 + 876 * signal[:, 0]).astype(np.uint16)  # grey: red, green and blue are one

    def bars(_: int) -> av.VideoFrame:
        frame = av.VideoFrame(300, 240, "yuv420p10le")
        rows = np.repeat(luma, 100)[None].repeat(240, 0)
        for plane, values in zip(
            frame.planes, (rows, np.full((120, 150), 512, np.uint16), np.full((120, 150), 512, np.uint16)), strict=True
        ):
            padded = np.zeros((values.shape[0], plane.line_size // 2), np.uint16)
            padded[:, : values.shape[1]] = values
            plane.update(padded.tobytes())
        return frame

    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 300, 240, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = 16, 9, 9, 1
        write_pictures(sink, stream, 20, bars)
    info = box.probe(path)
    made = box.render_proxy(path, tmp_path, info, lambda _: None)
    for seen in (keyframe(path, tmp_path, info), keyframe(made, tmp_path, box.probe(made))):
        for number, wanted in enumerate((191, 26, 255)):
            assert seen[120, 50 + 100 * number] == pytest.approx([wanted] * 3, abs=12)


def test_what_shines_through_is_black(tmp_path: Path) -> None:
    path = tmp_path / "alpha.mov"
    picture = np.zeros((240, 320, 4), np.uint8)
    picture[:, :, 0], picture[:, 160:, 3] = 255, 255  # red everywhere, but the left half lets everything through
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "rgba"
        write_pictures(sink, stream, 20, lambda _: av.VideoFrame.from_ndarray(picture, "rgba"))
    seen = keyframe(path, tmp_path, box.probe(path))
    assert seen[100, 40] == pytest.approx([0, 0, 0], abs=8)
    assert seen[100, 280] == pytest.approx([255, 0, 0], abs=8)


def test_fonts_are_no_streams_and_words_are_read(make_movie, tmp_path: Path) -> None:
    path = tmp_path / "words.mkv"
    with av.open(str(make_movie())) as good, av.open(str(path), "w") as sink:
        copies = {s.index: sink.add_stream_from_template(s) for s in good.streams}
        for number in range(40):
            sink.add_attachment(f"{number}.ttf", "application/x-truetype-font", b"font")
        words = sink.add_stream("ass")
        words.metadata["language"] = "eng"
        sink.metadata["title"], sink.metadata["comment"] = "A harbour film", "Filmed by nobody"
        sink.start_encoding()
        for start, text in ((1, b"0,0,Default,,0,0,0,,the {\\b1}captain{\\b0} hides"), (3, b"1,0,Default,,0,0,0,,it")):
            packet = av.Packet(text)
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = 1000 * start
            packet.duration = 1500
            sink.mux(packet)
        for packet in good.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
    info = box.probe(path)
    assert info.tags == {"title": "A harbour film", "comment": "Filmed by nobody"}
    (track,) = info.subtitles
    assert (track["language"], track["codec"]) == ("en", "ass")
    read = box.read_subtitles(path, track["index"])
    assert [time for start, end, _ in read for time in (start, end)] == pytest.approx([1.0, 2.5, 3.0, 4.5], abs=0.05)
    assert "captain" in read[0][2]


def test_a_sound_that_cannot_be_read_is_named(make_movie, tmp_path: Path) -> None:
    """A Matroska file whose sound is called something that FFmpeg has no decoder for."""

    def spoil(source: Path) -> Path:
        path = tmp_path / f"odd-{source.name}"
        path.write_bytes(source.read_bytes().replace(b"A_FLAC", b"A_XLAC"))
        return path

    info = box.probe(spoil(make_movie("film.mkv", audio_codec="flac")))
    assert info.has_video
    assert not info.has_audio
    assert "sound track can't be read" in info.warning
    with pytest.raises(UnreadableMedia, match="sound codec"):
        box.probe(spoil(make_movie("sound.mkv", audio_codec="flac", picture=False)))


def test_small_text_is_kept_at_full_size_and_once(tmp_path: Path) -> None:
    screens = []
    for number in range(2):
        screen = Image.new("RGB", (1920, 1080), (240, 240, 240))
        pen = ImageDraw.Draw(screen)
        pen.rectangle((0, 0, 1920, 400 * number), fill=(30, 60, 90))
        pen.text((300, 600), f"twelve pixels high {number}", font=ImageFont.load_default(14), fill=(0, 0, 0))
        screens.append(av.VideoFrame.from_image(screen))
    path = tmp_path / "screen.mp4"
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        write_pictures(sink, stream, 80, lambda number: screens[number >= 40])
    out = tmp_path / "look"
    out.mkdir()
    keyframes = box.look(path, out, box.probe(path), lambda _: None).keyframes
    assert [Image.open(k.full).size for k in keyframes] == [(1920, 1080)] * len(keyframes)
    assert len({k.full for k in keyframes}) == 2 == len(list(out.glob("f*.jpg")))
    plain_path = tmp_path / "plain.mp4"
    with av.open(str(plain_path), "w") as sink:
        stream = sink.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        write_pictures(sink, stream, 20, plain((90, 120, 60), (1920, 1080)))
    assert not box.look(plain_path, out, box.probe(plain_path), lambda _: None).keyframes[0].full


@pytest.mark.parametrize(("codec", "encoder"), [("av1", "libsvtav1"), ("vp9", "libvpx-vp9"), ("h264", "libx264")])
def test_what_browsers_know_is_taken_over_as_it_is(codec: str, encoder: str, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream(encoder, rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        write_pictures(sink, stream, 20, plain((200, 40, 40)))
    info = box.probe(path)
    assert (info.video_codec, playable_type(info)) == (codec, "")
    made = box.render_proxy(path, tmp_path, info, lambda _: None)

    def packets(file: Path) -> list[bytes]:
        with av.open(str(file)) as opened:
            return [bytes(packet) for packet in opened.demux(video=0) if packet.size]

    assert playable_type(box.probe(made)) == ("video/mp4" if codec == "h264" else "video/webm")
    assert packets(made)[1:] == packets(path)[1:]  # a muxer may move what stands before the first picture
    assert keyframe(made, tmp_path, box.probe(made))[120, 160] == pytest.approx([200, 40, 40], abs=12)


def test_an_animated_webp_is_a_film(tmp_path: Path) -> None:
    """At its own times, over black; a single picture is none."""
    path = tmp_path / "dance.webp"
    pictures = [Image.new("RGBA", (160, 120), (200, 0, 0, 255)), Image.new("RGBA", (160, 120), (0, 0, 200, 0))]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[1500, 500], lossless=True)
    assert media.is_media(path)
    info = box.probe(path)
    assert (info.width, info.height) == (160, 120)
    assert info.duration == pytest.approx(1.6, abs=0.2)
    assert info.fps <= media.MAX_FRAME_RATE
    out = tmp_path / "out"
    out.mkdir()
    found = box.look(path, out, info, lambda share: None)
    assert [round(shot.start, 1) for shot in found.shots] == [0.0, 1.5]
    last = np.asarray(Image.open(found.keyframes[-1].path))
    assert last.mean() < 6
    assert box.render_proxy(path, out, info, lambda share: None).suffix == ".mp4"
    still = tmp_path / "still.webp"
    pictures[0].save(still)
    assert not media.is_media(still)
    with pytest.raises(UnreadableMedia, match="single picture"):
        box.probe(still)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableMedia):
        box.probe(path)
