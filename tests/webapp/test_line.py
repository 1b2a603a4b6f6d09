"""Pages wait in one line; who would wait too long is told so, and what looks after the site does not wait."""

import asyncio
import socket
import threading

import pytest
from django.http import HttpResponse
from django.test import RequestFactory


@pytest.fixture
def line(monkeypatch):
    monkeypatch.setattr("webapp.search.moments.warm_up", lambda: None)
    from webapp import asgi

    monkeypatch.setattr(asgi, "MAX_WAIT_SECONDS", 0.3)
    return asgi.Line()


def test_who_waits_too_long_is_told_when_to_return(line, monkeypatch) -> None:
    let_go, order = threading.Event(), []

    def answer(request):
        order.append(request.path)
        if request.path.startswith("/slow"):
            let_go.wait(20)
        return HttpResponse("done")

    monkeypatch.setattr(line, "get_response", answer)
    get, post = RequestFactory().get, RequestFactory().post

    async def crowd():
        slow = [asyncio.create_task(line.get_response_async(get(f"/slow{n}"))) for n in range(3)]
        await asyncio.sleep(0.1)
        late, program = await asyncio.gather(
            line.get_response_async(get("/late", HTTP_ACCEPT_LANGUAGE="zh-hans")),
            line.get_response_async(get("/api/v1/videos")),
        )
        beside = [await line.get_response_async(request) for request in (get("/health"), post("/uploads"))]
        let_go.set()
        return late, program, beside, await asyncio.gather(*slow), await line.get_response_async(get("/after"))

    late, program, beside, slow, after = asyncio.run(crowd())
    assert (late.status_code, late["Retry-After"]) == (503, "5")
    assert "网站" in late.content.decode()
    assert (program.status_code, program["Content-Type"]) == (503, "application/problem+json")
    assert [r.status_code for r in (*beside, *slow, after)] == [200] * 6
    assert order == ["/slow0", "/slow1", "/slow2", "/health", "/uploads", "/after"]


def test_a_page_that_breaks_does_not_take_its_place_with_it(line, monkeypatch) -> None:
    def answer(request):
        raise RuntimeError(request.path)

    monkeypatch.setattr(line, "get_response", answer)

    async def ask() -> list[str]:
        asked = [line.get_response_async(RequestFactory().get(f"/{n}")) for n in range(9)]
        return [str(error) for error in await asyncio.gather(*asked, return_exceptions=True)]

    assert asyncio.run(ask()) == [f"/{n}" for n in range(9)]


def test_no_process_takes_all_connections_at_once(line) -> None:
    """They wait in a long queue, and after each one that is taken it is another process's turn, too."""
    from webapp import asgi

    turns, taken = 0, []

    class Noting(asyncio.Protocol):
        def connection_made(self, transport) -> None:
            taken.append(turns)
            transport.close()

    async def serve() -> None:
        nonlocal turns
        place = socket.create_server(("127.0.0.1", 0))
        server = await asyncio.get_running_loop().create_server(Noting, sock=place)
        for _ in range(100):
            socket.create_connection(place.getsockname(), timeout=5).close()
        while len(taken) < 100 and turns < 10_000:
            turns += 1
            await asyncio.sleep(0)
        server.close()

    with asyncio.Runner(loop_factory=asgi.EvenLoop) as runner:
        runner.run(serve())
    assert len(taken) == 100
    assert len(set(taken)) > 90
