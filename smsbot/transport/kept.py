"""Requests over few HTTP/1.1 connections that stay open, their answers read by httptools (RFC 9112).

One request at a time a connection, nothing is ever sent a second time, and no redirect is followed. Used where
httptools is installed (the `speed` extra): a text then leaves at a third of what it costs through a general client.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import zlib
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast
from urllib.parse import quote, unquote, urlsplit

import httptools

from smsbot.core.errors import NoAnswer, NotSent

from .base import CONNECT, MAX_ANSWER, Answer

_IDLE = 5.0
"""Seconds for which a connection is kept: servers close theirs after five or more."""
_KEPT = 100
"""Idle connections of one origin."""
_MAX_HEAD = 65_536
_PLAIN = "/?%:@!$&'()*+,;=-._~[]"
"""What stands in an address as it is."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class _Origin(NamedTuple):
    """The server that a connection leads to."""

    secure: bool
    host: str
    port: int


class KeptTransport:
    """Requests over connections of its own, each kept for the next one."""

    def __init__(self, *, verify: ssl.SSLContext | None = None) -> None:
        self._idle: defaultdict[_Origin, list[_Connection]] = defaultdict(list)
        self._verify = verify
        self._closed = False

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        """The answer; raises `NotSent` or `NoAnswer`."""
        try:
            origin, data = _written(method, url, headers, body)
        except ValueError as error:
            raise NotSent(f"the request cannot be made: {type(error).__name__}") from None  # it may quote a key
        end = asyncio.get_running_loop().time() + timeout
        connection = self._kept(origin) or await self._connected(origin, min(CONNECT, timeout / 2))
        try:
            return await connection.exchange(data, end)
        finally:
            self._keep(origin, connection)

    def _kept(self, origin: _Origin) -> _Connection | None:
        idle, now = self._idle[origin], asyncio.get_running_loop().time()
        while idle:
            connection = idle.pop()
            if connection.usable and now - connection.since < _IDLE:
                return connection
            connection.abort()
        return None

    def _keep(self, origin: _Origin, connection: _Connection) -> None:
        """Keep a connection for the next request, if it ended as it should; the oldest goes where there are enough."""
        idle = self._idle[origin]
        if not connection.usable or self._closed or len(idle) >= _KEPT:
            connection.abort()
            return
        connection.since = asyncio.get_running_loop().time()
        idle.append(connection)
        if connection.since - idle[0].since > _IDLE:
            idle.pop(0).abort()

    async def _connected(self, origin: _Origin, patience: float) -> _Connection:
        if origin.secure and self._verify is None:
            self._verify = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        try:
            async with asyncio.timeout_at(end):  # the loop's own look-up: a name that hangs must not hold up others
                found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(address[0] for *_, address in found))
            for n, address in enumerate(addresses, 1):  # each its share of the time: the first may lead nowhere
                try:
                    async with asyncio.timeout((end - loop.time()) / (len(addresses) + 1 - n)):
                        return await self._reached(origin, str(address))
                except (OSError, TimeoutError):
                    if n == len(addresses):
                        raise
        except (OSError, TimeoutError, ValueError) as error:
            raise NotSent(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
        raise NotSent("the name has no address")

    async def _reached(self, origin: _Origin, address: str) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection,
            address,
            origin.port,
            ssl=self._verify if origin.secure else None,
            server_hostname=origin.host if origin.secure else None,
        )
        return connection

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                idle.pop().abort()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection: a request is written, its answer read."""

    def __init__(self) -> None:
        self.since = 0.0
        """When it was last used, by the loop's clock."""
        self._wire: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._reusable = True

    @property
    def usable(self) -> bool:
        """Whether another request may be written: the last answer was whole, and the server keeps it open."""
        return self._reusable and self._waiting is None and self._wire is not None and not self._wire.is_closing()

    def abort(self) -> None:
        """Close it at once."""
        self._reusable = False
        if self._wire is not None:
            self._wire.abort()

    async def exchange(self, data: bytes, end: float) -> Answer:
        """Write a request; its answer, which must be whole by `end`, by the loop's clock."""
        assert self._wire is not None
        loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._inflater: zlib._Decompress | None = None
        self._head = 0
        self._whole = False
        self._begun = False
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting = waiting
        self._wire.write(data)
        timer = loop.call_at(end, self._fail, "TimeoutError: no whole answer in time")
        try:
            answer = await waiting
        finally:
            timer.cancel()
        self._waiting = None
        return answer

    # -- what the socket says -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._wire = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """A piece of an answer; without a request it has no business here."""
        if self._waiting is None or self._waiting.done():
            self.abort()
            return
        if not self._begun:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("the answer changes the protocol")
        except httptools.HttpParserError as error:
            self._fail(f"{type(error).__name__}: the answer is no HTTP, or cannot be unpacked")
        else:
            if self._head > _MAX_HEAD and not self._begun:
                self._fail(f"the head of the answer is longer than {_MAX_HEAD} bytes")
            elif len(self._body) > MAX_ANSWER:
                self._fail(f"the answer is longer than {MAX_ANSWER} bytes")

    def eof_received(self) -> None:
        """The server says no more: an answer without a length ends here (RFC 9112, 6.3)."""
        self._reusable = False
        if self._waiting is None or self._whole or not self._begun:
            return
        if not {"content-length", "transfer-encoding"} & self._headers.keys():
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._reusable = False
        self._fail(f"{type(exc).__name__}: {exc}" if exc else "the connection ended before the answer")

    # -- what the parser says -----------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the answer; of one that comes twice, both."""
        key, told = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {told}" if key in self._headers else told

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._parser.get_status_code() < 200:  # only a word that the answer comes later
            return
        self._begun = True
        coding = self._headers.get("content-encoding", "").strip().lower()
        if coding in ("gzip", "x-gzip", "deflate"):
            self._inflater = zlib.decompressobj(wbits=47 if coding != "deflate" else 15)

    def on_body(self, data: bytes) -> None:
        """A piece of the body; no more of it than is looked at."""
        room = MAX_ANSWER + 1 - len(self._body)
        if room > 0:
            self._body += self._inflater.decompress(data, room) if self._inflater is not None else data[:room]

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was only a word that it comes later."""
        if self._begun and not self._whole:
            self._reusable = self._reusable and self._parser.should_keep_alive()
            self._finish()
        elif self._begun:
            self._reusable = False  # more than one answer to one request
        else:
            self._headers.clear()

    def _finish(self) -> None:
        self._whole = True
        if len(self._body) > MAX_ANSWER:
            return
        if self._inflater is not None and not self._inflater.eof:
            self._fail("the answer cannot be unpacked")
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answer(self._parser.get_status_code(), self._headers, bytes(self._body)))

    def _fail(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswer(why))
        self.abort()


def _written(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[_Origin, bytes]:
    """Where a request goes, and its bytes; raises `ValueError` for what HTTP cannot say."""
    place, _, query = url.partition("#")[0].partition("?")
    origin, target, host, login = _address(place)
    if query:  # it may hold a text, which is remembered nowhere
        target += "?" + quote(query, safe=_PLAIN)
    own = {"Host": host, "Content-Length": str(len(body)), "Accept": "*/*", "Accept-Encoding": "identity"}
    fields = {**own, "Authorization": login} if login else own
    given = {name.lower() for name in headers}
    fields = {name: value for name, value in fields.items() if name.lower() not in given} | dict(headers)
    if not all(_TOKEN.fullmatch(name) and _FIELD.fullmatch(value) for name, value in headers.items()):
        raise ValueError("a field that HTTP does not have")
    if _TOKEN.fullmatch(method) is None:
        raise ValueError("a method that HTTP does not have")
    head = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    return origin, f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


@lru_cache(maxsize=1024)
def _address(url: str) -> tuple[_Origin, str, str, str]:
    """The origin of an address without its query, its path, the name that it is called by, and a login in it."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no address of HTTP")
    name = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    shown = f"[{name}]" if ":" in name else name
    usual = 443 if secure else 80
    port = parts.port or usual
    target = quote(parts.path or "/", safe=_PLAIN)
    login = ""
    if parts.username is not None:
        said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(said.encode()).decode()
    return _Origin(secure, name, port), target, shown if port == usual else f"{shown}:{port}", login
