"""A request's body, read piece by piece: what arrived before a break is not lost, and silence has an end."""

import asyncio
import contextvars

import pytest

from webapp.uploads import body
from webapp.uploads.body import Body

pytestmark = pytest.mark.usefixtures("fake_models")


def read_all(messages: list[dict], sizes: list[int], monkeypatch, wait: float = 30.0) -> list[bytes | str]:
    """Read `sizes` in turn from a body that these ASGI messages bring; an error by its text."""
    monkeypatch.setattr(body, "IDLE_SECONDS", wait)

    async def run() -> list[bytes | str]:
        pending = list(messages)

        async def receive() -> dict:
            if not pending:
                await asyncio.sleep(3600)
            return pending.pop(0)

        body, found = Body(receive, is_empty=False), []
        for size in sizes:
            try:
                found.append(await asyncio.to_thread(body.read, size))
            except OSError as error:
                found.append(str(error))
        return found

    return asyncio.run(run())


def piece(data: bytes, more: bool = True) -> dict:
    return {"type": "http.request", "body": data, "more_body": more}


GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("messages", "sizes", "expected"),
    [
        ([piece(b"abc"), piece(b"def", False)], [4, 4, 4], [b"abcd", b"ef", b""]),
        ([piece(b"", False)], [4], [b""]),
        ([piece(b"abc"), GONE], [10, 10], [b"abc", "the client went away"]),
        ([GONE], [1, 1], ["the client went away", "the client went away"]),
        ([piece(b"abc", False)], [-1], ["a body is read in bounded pieces"]),
    ],
)
def test_a_body_in_pieces(messages, sizes, expected, monkeypatch) -> None:
    assert read_all(messages, sizes, monkeypatch) == expected


def test_silence_has_an_end(monkeypatch) -> None:
    assert read_all([piece(b"abc")], [10, 1], monkeypatch, 0.1) == [b"abc", "the client sent nothing for too long"]


def test_reading_takes_nothing_of_the_view_s_thread_along() -> None:
    """Else uvicorn reads the next requests of the connection in the context of a thread that has ended by then."""
    place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="the connection")
    seen = []

    async def receive() -> dict:
        seen.append(place.get())
        return piece(b"abc", False)

    async def run() -> None:
        body = Body(receive, is_empty=False)

        def view() -> bytes:
            place.set("the view")
            return body.read(3)

        assert await asyncio.to_thread(view) == b"abc"

    asyncio.run(run())
    assert seen == ["the connection"]
