"""The one seam to HTTP out: a request, its answer, and a clear word about what may have happened.

`NotSent` means that nothing was written, so trying again is safe. `NoAnswer` means that bytes left and
the rest is unknown. Redirects are never followed. The whole exchange has one deadline.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import httpx

from smsbot.core.errors import NoAnswer, NotSent

MAX_ANSWER = 262_144
_CONNECT = 5.0


class Answer(NamedTuple):
    """A whole HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """A way to send requests."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        """The answer; raises `NotSent` or `NoAnswer`. `timeout` is for the whole exchange, in seconds."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class HttpxTransport:
    """Requests through httpx, which commands make; `app` answers them in process instead of a network, for tests."""

    def __init__(self, app: Any = None, *, verify: ssl.SSLContext | None = None) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)  # callers bound themselves
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app) if app is not None else None,
            limits=limits,
            follow_redirects=False,
            event_hooks={"response": [_stay]},
            trust_env=False,
            verify=verify or True,
        )

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        """The answer; raises `NotSent` or `NoAnswer`."""
        patience = httpx.Timeout(timeout, connect=min(_CONNECT, timeout / 3))  # for the address, the socket and TLS
        try:
            request = self._client.build_request(method, url, headers=dict(headers), content=body, timeout=patience)
        except (ValueError, httpx.InvalidURL) as error:
            raise NotSent(f"the request cannot be made: {type(error).__name__}") from None  # it may quote a key
        try:
            async with asyncio.timeout(timeout):
                answer = await self._client.send(request, stream=True)
                try:
                    content = await _read(answer)
                finally:
                    await answer.aclose()
                return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content)
        except httpx.LocalProtocolError as error:  # a header that HTTP does not have, found before anything is written
            raise NotSent(f"the request cannot be made: {type(error).__name__}") from None
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            raise NotSent(_why(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise NoAnswer(_why(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


async def _stay(answer: httpx.Response) -> None:
    """Redirects are not followed, so where they lead is not even read: it may be no address at all."""
    answer.headers.pop("location", None)


async def _read(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER:
            raise NoAnswer(f"the answer is longer than {MAX_ANSWER} bytes")
    return bytes(content)


class AiohttpTransport:
    """Requests through aiohttp: a fifth of the cost of httpx for one, a twentieth for many at once."""

    def __init__(self) -> None:
        import aiohttp  # here, for it takes a tenth of a second, and most commands send nothing

        self._aiohttp = aiohttp
        self._session: Any = None

    def _open(self) -> Any:
        if self._session is None:
            connector = self._aiohttp.TCPConnector(limit=0, keepalive_timeout=5)
            self._session = self._aiohttp.ClientSession(connector=connector, auto_decompress=True)
            self._session._retry_connection = False  # it would send a PUT twice, and nobody would know (C5)
        return self._session

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        """The answer; raises `NotSent` or `NoAnswer`."""
        connect = min(_CONNECT, timeout / 2)
        patience = self._aiohttp.ClientTimeout(total=timeout, connect=connect, sock_connect=connect)
        try:
            async with self._open().request(
                method, url, headers=headers, data=body, timeout=patience, allow_redirects=False
            ) as answer:
                content = await answer.content.read(MAX_ANSWER + 1)
                while len(content) <= MAX_ANSWER and not answer.content.at_eof():
                    content += await answer.content.read(MAX_ANSWER + 1 - len(content))
                if len(content) > MAX_ANSWER:
                    raise NoAnswer(f"the answer is longer than {MAX_ANSWER} bytes")
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, content)
        except (ValueError, self._aiohttp.InvalidURL) as error:
            raise NotSent(f"the request cannot be made: {type(error).__name__}") from None  # it may quote a key
        except (self._aiohttp.ClientConnectorError, self._aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(_why(error)) from error
        except (self._aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(_why(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)


def _why(error: Exception) -> str:
    """The reason of an error. aiohttp tells the whole address of a broken answer, so only its message counts."""
    told = getattr(error, "message", None)
    words = told if isinstance(told, str) else str(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
