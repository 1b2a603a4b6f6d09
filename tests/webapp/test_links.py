"""Links to a moment for everybody: made and taken back by whoever may change the video, played by anybody."""

import re

import pytest

from webapp.media.embeds import fit
from webapp.models import AuditEntry, SharedMoment, Video

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


@pytest.fixture
def moment(demo, clients) -> SharedMoment:
    assert clients["owner"].post(f"/videos/{demo.key}/share", {"start": "12.5"}).status_code == 302
    return SharedMoment.objects.get()


def test_anybody_may_play_it_until_it_is_taken_back(moment, demo, clients) -> None:
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    for client in clients.values():
        page = client.get(f"/shared/{moment.key}")
        assert page.status_code == 200
        assert "#t=12.5" in page.content.decode()
        assert "frame-ancestors *" in page["Content-Security-Policy"]
        assert "X-Frame-Options" not in page
        video = client.get(f"/shared/{moment.key}/video", headers={"Range": "bytes=0-9"})
        assert (video.status_code, video["Content-Length"]) == (206, "10")
        assert client.get(f"/shared/{moment.key}/captions.vtt").content.startswith(b"WEBVTT")
        assert client.get(f"/shared/{moment.key}/poster.jpg")["Content-Type"] == "image/jpeg"
    assert clients["anonymous"].get(f"/media/{demo.key}/video").status_code == 401  # only by the link
    for person in ("other", "friend"):
        assert clients[person].post(f"/videos/{demo.key}/share/{moment.key}/end").status_code == 404
        assert clients[person].post(f"/videos/{demo.key}/share").status_code == 404
    assert clients["owner"].post(f"/videos/{demo.key}/share/{moment.key}/end").status_code == 302
    for end in ("", "/video", "/captions.vtt", "/poster.jpg"):
        assert clients["owner"].get(f"/shared/{moment.key}{end}").status_code == 404
    assert [e.action for e in AuditEntry.objects.order_by("pk") if "share" in e.action] == [
        "share moment", "unshare moment",
    ]  # fmt: skip


@pytest.mark.parametrize("start", ["nan", "-3", "x", "", "1e9", "inf"])
def test_any_start_is_inside(start, demo, clients) -> None:
    clients["owner"].post(f"/videos/{demo.key}/share", {"start": start})
    assert 0 <= SharedMoment.objects.get().start <= demo.duration


def test_other_sites_find_the_player(moment, clients) -> None:
    client = clients["anonymous"]
    page = client.get(f"/shared/{moment.key}").content.decode()
    address = re.search(r'json\+oembed"\s+href="([^"]+)"', page)[1].replace("&amp;", "&")
    told = client.get(address, {"maxwidth": "320"} if "?" not in address else None).json()
    assert (told["type"], told["version"], told["width"], told["height"]) == ("video", "1.0", 640, 360)
    assert f'src="http://testserver/shared/{moment.key}"' in told["html"]
    small = client.get(
        "/oembed", {"url": f"http://testserver/shared/{moment.key}", "maxwidth": "320", "maxheight": "90"}
    )
    assert (small.json()["width"], small.json()["height"]) == (160, 90)
    for url in (
        f"http://elsewhere/shared/{moment.key}",
        "http://testserver/videos",
        "",
        "::",
        "http://testserver/shared/x",
    ):
        assert client.get("/oembed", {"url": url}).status_code == 404
    assert client.get("/oembed", {"url": "x", "format": "xml"}).status_code == 501


@pytest.mark.parametrize(
    ("shape", "wide", "high", "size"),
    [
        ((1280, 720), None, None, (640, 360)),
        ((1280, 720), 320, None, (320, 180)),
        ((1280, 720), None, 180, (320, 180)),
        ((1280, 720), 0, 0, (1, 1)),
        ((720, 1280), None, None, (360, 640)),  # upright ones are announced upright
        ((720, 1280), 180, None, (180, 320)),
        ((0, 0), None, None, (640, 360)),
    ],
)
def test_the_player_has_the_shape_of_the_video(shape, wide, high, size) -> None:
    assert fit(Video(width=shape[0], height=shape[1]), wide, high) == size


def test_files_of_a_link_may_be_read_from_any_page(moment, demo, clients) -> None:
    """A sandboxed frame has no origin: what is meant for one site's own pages does not reach it."""
    for end in ("video", "poster.jpg", "captions.vtt"):
        answer = clients["anonymous"].get(f"/shared/{moment.key}/{end}")
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer["Access-Control-Allow-Origin"] == "*"
    assert clients["owner"].get(f"/media/{demo.key}/video")["Cross-Origin-Resource-Policy"] == "same-origin"
    for page in (f"/shared/{moment.key}", f"/oembed?url=http://testserver/shared/{moment.key}"):
        assert clients["anonymous"].head(page).status_code == 200
