"""The seam to uvicorn: clients that never finish what they begin are cut, and hold up nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from smsbot import serve


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/full":
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"full"})
        return
    event = await receive()
    body = event.get("body", b"")
    while event.get("more_body"):
        event = await receive()
        body += event.get("body", b"")
    if scope["path"] == "/echo":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(serve, "HEAD_PATIENCE", 0.6)
    listener = serve.listen("127.0.0.1", 0)
    config = uvicorn.Config(app, http=serve._protocol(), lifespan="off", log_config=None, access_log=False)
    made = uvicorn.Server(config)
    task = asyncio.create_task(made._serve([listener]))
    while not made.started:  # noqa: ASYNC110 - uvicorn sets a flag
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    made.should_exit = True
    await task
    listener.close()


async def half(port: int, head: bytes, *, drip: bool = False) -> float:
    """Begin a request and never end it; the seconds until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(head)

    async def go_on() -> None:
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    task = asyncio.create_task(go_on()) if drip else None
    try:
        async with asyncio.timeout(5):
            while await reader.read(1000):
                pass
    except ConnectionError:
        pass
    if task is not None:
        task.cancel()
    writer.close()
    return time.monotonic() - began


LONG = b"GET / HTTP/1.1\r\nhost: x\r\nlong: "


@pytest.mark.parametrize(("head", "drip"), [(b"", False), (b"POST / HT", False), (LONG, False), (LONG, True)])
async def test_a_head_that_never_ends_is_cut(server: int, head: bytes, drip: bool) -> None:
    assert 0.4 < await half(server, head, drip=drip) < 3


async def test_a_second_head_on_a_kept_connection_is_cut_too(server: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    began = time.monotonic()
    writer.write(b"GET / HT")
    async with asyncio.timeout(4):
        assert await reader.read(100) == b""
    assert time.monotonic() - began > 0.4
    writer.close()


async def test_a_kept_connection_lives_on_between_requests(server: int) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{server}") as http:
        for _ in range(3):
            assert (await http.get("/")).text == "ok"
            await asyncio.sleep(0.3)
        await asyncio.sleep(1.0)
        assert (await http.get("/")).text == "ok"


async def test_an_answer_before_the_body_was_read_is_heard(server: int) -> None:
    """What still comes of the body is dropped, and the connection serves the next request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    for _ in range(3):
        writer.write(b"POST /full HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 1_000_000)
        await asyncio.sleep(0.1)
        writer.write(b"x" * 2_000_000)
        async with asyncio.timeout(4):
            assert (await reader.readuntil(b"full")).startswith(b"HTTP/1.1 503")
            await writer.drain()
    writer.close()


async def test_hundreds_of_slow_clients_hold_up_nobody(server: int) -> None:
    slow = [asyncio.create_task(half(server, b"POST / HTTP/1.1\r\nhost: x\r\n")) for _ in range(300)]
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{server}") as http:
        for _ in range(20):
            assert (await http.get("/", timeout=5)).text == "ok"
    assert max(await asyncio.gather(*slow)) < 4.5


@pytest.mark.parametrize(
    "offer",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n",
        b"upgrade:h2c\r\nconnection: upgrade\r\n",
        b"Connection: Upgrade\r\nUPGRADE: h2c \r\n",
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"Upgrade: h2c\r\n\r\nUpgrade: h2c\r\n"])
async def test_an_offer_of_http_2_loses_no_body(server: int, offer: bytes, body: bytes) -> None:
    """Programs in Java make it with every request that is not encrypted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    for _ in range(2):  # the connection is kept
        writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), offer, body))
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(body)) == body
    writer.close()


async def lasting(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/begun":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"so far", "more_body": True})
    await asyncio.sleep(60)


@pytest.mark.parametrize("path", ["/", "/hooks/main/secret/inbound"])
async def test_what_the_end_cuts_off_is_to_be_asked_again(path: str) -> None:
    """Not 500: whoever asks a server that gives way to a reloaded one has done nothing wrong."""
    listener = serve.listen("127.0.0.1", 0)
    excused = serve._excused(lasting)
    config = uvicorn.Config(
        excused, http=serve._protocol(), lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    made = uvicorn.Server(config)
    task = asyncio.create_task(made._serve([listener]))
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as http:
        asked = asyncio.create_task(http.post(path, json={}))
        begun = asyncio.create_task(http.get("/begun"))
        while len(made.server_state.tasks) < 2:  # noqa: ASYNC110 - uvicorn keeps a set
            await asyncio.sleep(0.01)
        made.should_exit = True
        answer = await asked
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json() == {"error": "the server is ending"}
        with pytest.raises(httpx.RemoteProtocolError):
            await begun
    await task
