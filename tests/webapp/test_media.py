"""Serving: exact bytes, one range, guarded headers, pictures and captions behind the same check."""

import asyncio
import io
import re

import pytest
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webapp.media.documents import clock, disarm, escape, escape_lines
from webapp.views.media import parse_range

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]
BOTH = pytest.mark.usefixtures("kept_in")


@given(st.integers(1, 10**9), st.text(max_size=30))
def test_no_header_breaks_the_range_parser(size: int, header: str) -> None:
    span = parse_range(header, size)
    assert span is None or 0 <= span[0] <= span[1] < size


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (0, 99)), ("bytes=0-", (0, 99)), ("bytes=10-19", (10, 19)), ("bytes=-5", (95, 99)),
        ("bytes=90-500", (90, 99)), ("bytes=100-", None), ("bytes=-0", None), ("bytes=9-3", None),
        ("bytes=0-1,5-6", (0, 99)), ("pages=1-2", (0, 99)),
    ],
)  # fmt: skip
def test_ranges(header: str, expected) -> None:
    assert parse_range(header, 100) == expected


@given(st.integers(1, 200), st.integers(0, 250), st.one_of(st.none(), st.integers(0, 250)))
def test_ranges_are_those_of_rfc_9110(size: int, first: int, last: int | None) -> None:
    """Against slices of real bytes: what is asked for, as far as it is there."""
    data = bytes(range(256))[:size]
    span = parse_range(f"bytes={first}-{'' if last is None else last}", size)
    wanted = data[first : None if last is None else last + 1]
    assert (b"" if span is None else data[span[0] : span[1] + 1]) == wanted
    suffix = parse_range(f"bytes=-{first}", size)
    assert (b"" if suffix is None else data[suffix[0] : suffix[1] + 1]) == (data[-first:] if first else b"")


@BOTH
def test_the_stream_is_exact(demo, people) -> None:
    data = demo.media.read()

    async def fetch(**headers: str):
        client = AsyncClient()
        await client.aforce_login(people["owner"])
        response = await client.get(f"/media/{demo.key}/video", headers=headers)
        body = b"".join([block async for block in response]) if response.streaming else response.content
        return response, body

    whole, body = asyncio.run(fetch())
    assert whole.status_code == 200
    assert body == data
    part, body = asyncio.run(fetch(range="bytes=100-299"))
    assert part.status_code == 206
    assert body == data[100:300]
    assert part["Content-Range"] == f"bytes 100-299/{len(data)}"
    assert part["Content-Type"] == "video/mp4"
    assert "sandbox" in part["Content-Security-Policy"]
    assert part["X-Content-Type-Options"] == "nosniff"
    assert asyncio.run(fetch(**{"if-none-match": whole["ETag"]}))[0].status_code == 304
    assert asyncio.run(fetch(range="bytes=0-9", **{"if-range": whole["ETag"]}))[1] == data[:10]
    assert asyncio.run(fetch(range="bytes=0-9", **{"if-range": '"another"'}))[1] == data
    assert whole["Cache-Control"] == "private, no-cache"
    beyond, _ = asyncio.run(fetch(range=f"bytes={len(data)}-"))
    assert beyond.status_code == 416


@BOTH
def test_pictures_and_captions(demo, clients) -> None:
    base = f"/media/{demo.key}"
    stem = demo.keyframes.first().file[:-4]
    for address in (f"{base}/poster.jpg", f"{base}/storyboard.jpg", f"{base}/frames/{stem}.jpg"):
        answer = clients["owner"].get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Cache-Control"].startswith("private")
    captions = clients["owner"].get(f"{base}/captions.vtt").content.decode()
    assert captions.startswith("WEBVTT")
    assert "-->" in captions
    assert clients["owner"].get(f"{base}/frames/storyboard.jpg").status_code == 404


@given(st.text(max_size=80))
def test_cue_text_cannot_break_out(text: str) -> None:
    safe = escape(text)
    assert "<" not in safe
    assert "-->" not in safe
    assert "\n" not in safe
    for lines in (escape_lines(text), disarm(text)):
        assert "\n\n" not in lines
        assert not re.search(r"<[\w/!]", lines)
    assert "&amp;" in disarm("&amp;amp;")
    assert disarm("Fish & chips, 3 < 4") == "Fish & chips, 3 <\u2060 4"


def test_clock() -> None:
    assert clock(3661.5) == "01:01:01.500"
    assert clock(0.25, comma=True) == "00:00:00,250"


@BOTH
def test_pictures_are_sent_in_the_size_they_are_shown_in(demo, clients) -> None:
    whole = clients["owner"].get(f"/media/{demo.key}/poster.jpg")
    small = clients["owner"].get(f"/media/{demo.key}/poster.jpg?w=320")
    assert Image.open(io.BytesIO(small.content)).width == 320 < Image.open(io.BytesIO(whole.content)).width
    assert len(small.content) < len(whole.content) / 2
    assert small["ETag"] != whole["ETag"]
    again = clients["owner"].get(f"/media/{demo.key}/poster.jpg?w=320", headers={"If-None-Match": small["ETag"]})
    assert again.status_code == 304
    assert clients["owner"].get(f"/media/{demo.key}/poster.jpg?w=99999").content == whole.content


def test_texts_are_sent_compressed_and_media_are_not(demo, clients) -> None:
    wanted = {"Accept-Encoding": "gzip, br"}
    for address in ("/", "/static/webapp/site.css", "/api/v1/videos", f"/media/{demo.key}/captions.vtt"):
        answer = clients["owner"].get(address, headers=wanted)
        assert answer.status_code == 200, address
        size = len(b"".join(answer)) if answer.streaming else len(answer.content)
        assert answer.get("Content-Encoding") == "gzip" or size < 200, address
    stream = clients["owner"].get(f"/media/{demo.key}/video", headers={**wanted, "Range": "bytes=0-99"})
    assert (stream.status_code, stream.get("Content-Encoding"), stream["Content-Length"]) == (206, None, "100")
    assert clients["owner"].get(f"/media/{demo.key}/poster.jpg", headers=wanted).get("Content-Encoding") is None
