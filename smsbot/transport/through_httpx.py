"""Requests through httpx: of commands, and of tests that answer them in process."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from smsbot.core.errors import NoAnswer, NotSent

from .base import CONNECT, MAX_ANSWER, Answer, why


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
        patience = httpx.Timeout(timeout, connect=min(CONNECT, timeout / 3))  # for the address, the socket and TLS
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
            raise NotSent(why(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise NoAnswer(why(error)) from error

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
