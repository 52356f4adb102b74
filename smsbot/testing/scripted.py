"""A provider on a real socket that does exactly what a script says, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
"""The script for a request: `reader` and `writer` are its connection, the bytes are its head and body."""


class Scripted:
    """Keeps the requests that arrived whole."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[bytes] = []
        """Head and body of each, as they came."""
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of the requests."""
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0
                )
                body = await reader.readexactly(length)
                self.requests.append(head + body)
                await self._script(reader, writer, head + body)
        await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def close(self) -> None:
        """Close all connections."""
        for writer in list(self._open):
            await self._close(writer)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Scripted]:
    """A provider that listens on loopback and does what the script says to each request."""
    made = Scripted(script)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()


def drips(*, every: float = 0.05, count: int = 200) -> Script:
    """The head of an answer, then one byte from time to time, for longer than anybody waits."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(count):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(every)

    return script


def answers(status: int, body: object, headers: str = "") -> Script:
    """A whole answer, then the next request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
        writer.write(head.encode() + content)
        await writer.drain()

    return script


def says(data: bytes, *, then: str = "close") -> Script:
    """Exactly these bytes, then closes, resets or hangs."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(data)
        await writer.drain()
        if then == "hang":
            await asyncio.sleep(5)
        elif then == "reset":
            writer.transport.abort()
            return
        writer.close()
        raise ConnectionError

    return script
