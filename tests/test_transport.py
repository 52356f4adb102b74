"""What a transport does by itself: nothing is sent twice, and what was not connected was not sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from smsbot.core.errors import NoAnswer, NotSent
from smsbot.testing.scripted import answers, scripted
from smsbot.transport import AiohttpTransport, HttpxTransport, Transport


@pytest.fixture(params=[HttpxTransport, AiohttpTransport])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made: Transport = request.param()
    yield made
    await made.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_kept_connection_that_ends_repeats_nothing(transport: Transport, method: str) -> None:
    """Not even methods that HTTP lets a client repeat: a text would leave twice, and nobody would know."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if b"/first" in request:
            await answers(200, {})(reader, writer, request)
        else:
            writer.close()

    async with scripted(script) as provider:
        await transport.request(method, provider.url + "/first", headers={}, timeout=2.0)
        with pytest.raises(NoAnswer):
            await transport.request(method, provider.url + "/second", headers={}, timeout=2.0)
        assert len(provider.requests) == 2


@contextmanager
def full() -> Iterator[int]:
    """A port whose queue of connections is full, so that none more is made."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        waiting.append(client)
    try:
        yield server.getsockname()[1]
    finally:
        for each in (*waiting, server):
            each.close()


async def test_what_is_never_connected_was_not_sent_however_short_the_time(transport: Transport) -> None:
    with full() as port, pytest.raises(NotSent):
        await transport.request("POST", f"http://127.0.0.1:{port}/", headers={}, body=b"x", timeout=0.6)
