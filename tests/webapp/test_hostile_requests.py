"""What strangers send: every address with names, values and headers that make no sense. The answer is never a 500."""

import json
import re
import uuid
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.parsing import parse_address, parse_key, parse_number, parse_numbers, parse_place, parse_seconds

pytestmark = pytest.mark.usefixtures("fake_models")

WEBAPP = Path(__file__).resolve().parent.parent.parent / "webapp"
DIGITS = 5000 * "9"
KINDS = {"int": "7", "uuid": str(uuid.UUID(int=0)), "slug": "x"}  # of parts of an address
VALUES = (
    "",
    "\x00",
    "%",
    "%s",
    "'",
    '"',
    "[",
    "http://[bad",
    "http://[::1]:x/",
    "//",
    "javascript:1",
    DIGITS,
    f"-{DIGITS}",
    f"1e{DIGITS}",
    "-1",
    "1.5",
    "nan",
    "inf",
    "²",
    "٣",
    "\ud7ff",
    "\U0001f600",
    "a" * 3_000,
    "1" * 19,
    "[1]",
    "../../etc/passwd",
    "\r\nX-Evil: 1",
    "new",
    str(uuid.UUID(int=1)),
    f"{uuid.UUID(int=2)}@nan",
    f"{uuid.UUID(int=3)}@{DIGITS}",
)
HEADERS = {
    "Range": (
        f"bytes={DIGITS}-",
        f"bytes=-{DIGITS}",
        f"bytes=0-{DIGITS}",
        "bytes=²-",
        "bytes=-",
        "bytes",
        "=",
        "BYTES=0-0",
    ),
    "If-Range": ('"x"', "yesterday", DIGITS),
    "If-Match": ('"x"', "*", DIGITS, ","),
    "If-None-Match": ("*", '"', DIGITS, ","),
    "If-Modified-Since": ("yesterday", DIGITS, "Thu, 01 Jan 1970 00:00:00 GMT"),
    "If-Unmodified-Since": ("yesterday", DIGITS),
    "Accept": ("text/event-stream", "*/*;q=x", DIGITS),
    "Accept-Language": ("zh-hans", "x" * 5000, "*;q=nan"),
    "Authorization": ("Bearer", "Bearer ", f"Bearer {DIGITS}", "Basic x", "Bearer \u00e9"),
    "Content-Type": (
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/plain; charset=x",
    ),
    "X-Forwarded-For": ("x", DIGITS),
    "Tus-Resumable": ("1.0.0", "9"),
    "Upload-Length": (DIGITS, "-1", "²"),
    "Upload-Offset": (DIGITS, "x"),
    "Upload-Metadata": ("filename", "filename ===", ",,,", "filename /w=="),
    "Upload-Checksum": ("sha256", "md9 x", "sha256 ="),
    "X-HTTP-Method-Override": ("PATCH", "TRACE", "\u00e9"),
}


def addresses() -> list[str]:
    """Every address of the site, filled in, but the admin's and the API's, which have tests of their own."""
    found = []

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for pattern in patterns:
            path = before + str(pattern.pattern).removeprefix("^")
            if isinstance(pattern, URLResolver):
                if pattern.app_name not in ("admin", "ninja"):
                    walk(pattern.url_patterns, path)
            else:
                found.append("/" + re.sub(r"<(\w+):\w+>", lambda match: KINDS[match[1]], path))

    walk(get_resolver().url_patterns, "")
    return sorted(set(found))


def parameters() -> list[str]:
    """Every name that a view or a form may read from an address or a form: whatever word is quoted there."""
    read = (*WEBAPP.glob("views/*.py"), WEBAPP / "search" / "filters.py", WEBAPP / "search" / "addresses.py")
    text = "\n".join(path.read_text() for path in read)
    names = set(re.findall(r"\"([a-z_]{1,12})\"", text)) | set(re.findall(r"^    (\w+) = forms\.", text, re.MULTILINE))
    assert {"url", "maxwidth", "q", "like", "frame", "after", "t", "video", "length", "people"} <= names
    return sorted(names)


@pytest.fixture
def visitors(people) -> list[Client]:
    found = [Client(raise_request_exception=False) for _ in range(2)]
    found[1].force_login(people["owner"])
    return found


@pytest.mark.parametrize("share", [2, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v[:12]))
def test_no_value_breaks_a_page(value: str, share: int, visitors) -> None:
    """Each address is asked every other value, and all of them in the slow tests."""
    everything, number = dict.fromkeys([*parameters(), "next"], value), VALUES.index(value)
    asking = visitors if number % 4 == 0 else visitors[1:]  # who is not signed in is mostly sent to do so
    for client in asking:
        for place, path in enumerate(addresses()):
            if path in ("/sign-out", "/sign-in") or (place + number) % share:
                continue
            for answer in (client.get(path, everything), client.post(path, everything)):
                assert answer.status_code < 500 or answer.status_code == 501, (path, value[:40], answer.status_code)


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_breaks_an_answer(name: str, visitors, demo) -> None:
    files = [f"/media/{demo.key}/{end}" for end in ("video", "poster.jpg", "captions.vtt", "transcript.srt")]
    for value in HEADERS[name]:
        for client in visitors:
            for path in [*files, "/", "/oembed", "/uploads", f"/uploads/{uuid.uuid4()}", "/api/v1/videos", "/search"]:
                for method in ("GET", "HEAD", "POST", "PATCH", "OPTIONS"):
                    answer = client.generic(method, path, headers={name: value})
                    assert answer.status_code < 500 or answer.status_code == 501, (method, path, name, value[:40])


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', f'{{"question": {DIGITS}}}', "\x00", '{"question": "\\ud800"}']
)
def test_no_body_breaks_the_api(body: str, visitors, demo) -> None:
    for path in ("/api/v1/answers", "/api/v1/collections", f"/api/v1/videos/{demo.key}", f"/api/v1/videos/{DIGITS}"):
        for method in ("POST", "PATCH"):
            answer = visitors[1].generic(method, path, body, content_type="application/json")
            assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
            assert answer["Content-Type"] == "application/problem+json"


def test_unknown_fields_are_refused(visitors, demo) -> None:
    for method, path, body in (
        ("POST", "/api/v1/answers", {"question": "What?", "vidoe": str(demo.key)}),
        ("PATCH", f"/api/v1/videos/{demo.key}", {"titel": "x"}),
        ("POST", "/api/v1/collections", {"name": "x", "video": []}),
    ):
        answer = visitors[1].generic(method, path, json.dumps(body), content_type="application/json")
        assert answer.status_code == 422
        assert next(iter(set(body) - {"question", "name"})) in answer.json()["detail"]
    schema = visitors[1].get("/api/v1/openapi.json").json()
    assert all("400" in op["responses"] for path in schema["paths"].values() for op in path.values())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_parsers_take_any_text(text: str) -> None:
    number, seconds = parse_number(text), parse_seconds(text)
    assert number is None or number >= 0
    assert seconds is None or 0 <= seconds < float("inf")
    parse_key(text), parse_address(text), parse_numbers([text, "7"])


def test_parsers_read_what_is_meant() -> None:
    assert parse_number("12") == 12
    assert parse_number(DIGITS) is parse_number("²") is parse_number("-1") is None
    assert parse_numbers(["1", "x", "3"]) == [1, 3]
    assert parse_seconds("12.5") == 12.5
    assert parse_seconds("nan") is parse_seconds("-0.1") is parse_seconds(f"1e{DIGITS}") is None
    assert parse_address("http://[bad") is None
    address = parse_address("http://a/b?c")
    assert address is not None
    assert address.path == "/b"


def test_an_unknown_upload_is_told_in_its_own_protocol(visitors) -> None:
    answer = visitors[1].head(f"/uploads/{uuid.uuid4()}", headers={"Tus-Resumable": "1.0.0"})
    assert (answer.status_code, answer["Tus-Resumable"]) == (404, "1.0.0")


def test_preconditions_come_before_ranges(visitors, demo) -> None:
    """RFC 9110, section 13.2.2."""
    address, client = f"/media/{demo.key}/video", visitors[1]
    whole = client.get(address)
    etag, changed = whole["ETag"], whole["Last-Modified"]
    for headers, status in (
        ({"Range": "bytes=0-9", "If-None-Match": etag}, 304),
        ({"Range": "bytes=0-9", "If-Match": '"another"'}, 412),
        ({"If-Match": etag}, 200),
        ({"Range": "Bytes=0-9"}, 206),
        ({"If-Modified-Since": changed}, 304),
        ({"If-Unmodified-Since": "Sat, 29 Oct 1994 19:43:31 GMT"}, 412),
        ({"Range": "bytes=0-9", "If-Range": changed}, 206),
        ({"Range": "bytes=0-9", "If-Range": "Sat, 29 Oct 1994 19:43:31 GMT"}, 200),
    ):
        assert client.get(address, headers=headers).status_code == status, headers
    assert visitors[0].get(address).status_code == 401
    assert "<html" not in visitors[0].get(address).content.decode()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("+48.8577+002.2950/", (48.8577, 2.295)),
        ("-33.8568+151.2153+012.000CRSWGS_84/", (-33.8568, 151.2153)),
        ("+4012.22-07500.25/", (40 + 12.22 / 60, -(75 + 0.25 / 60))),
        ("+401213.1-0750015.1/", (40 + 12 / 60 + 13.1 / 3600, -(75 + 15.1 / 3600))),
        (" 48.8577, 2.2950 ", (48.8577, 2.295)),
        ("+98.0+002.0/", None),
        ("1, 2, 3", None),
        ("nan, 2", None),
        ("inf, 2", None),
        ("Paris", None),
        ("", None),
    ],
)
def test_a_place_is_read_as_cameras_and_people_write_it(text, place) -> None:
    assert parse_place(text) == (pytest.approx(place) if place else None)
