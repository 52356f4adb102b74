"""What answers in `smsbot dev` while no version of the bots can be loaded: a page that says why, and looks again."""

from __future__ import annotations

import asyncio
import html
import re
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

_PATIENCE = 5.0
"""Seconds for a request to come."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>smsbot waits for a repair</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid;border-radius:.6rem}}</style></head>
<body><h1>The files have an error</h1><p>Save them once they are mended: the bots start by themselves.</p>
<pre>{text}</pre></body></html>
"""


class Waiting:
    """Answers every request with what is wrong, on a socket that somebody else holds."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: asyncio.Server | None = None
        self.text = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, sock=self._listener.dup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        page = _PAGE.format(text=html.escape(_COLOURS.sub("", self.text))).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
            f"Retry-After: 2\r\nConnection: close\r\nContent-Length: {len(page)}\r\n\r\n"
        )
        with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode() + page)
            await writer.drain()
        writer.close()
