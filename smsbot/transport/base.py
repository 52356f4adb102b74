"""The one seam to HTTP out: a request, its answer, and a clear word about what may have happened.

`NotSent` means that nothing was written, so trying again is safe. `NoAnswer` means that bytes left and
the rest is unknown. Redirects are never followed. The whole exchange has one deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

MAX_ANSWER = 262_144
CONNECT = 5.0
"""Seconds for the address, the socket and TLS."""


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


def why(error: Exception) -> str:
    """The reason of an error. aiohttp tells the whole address of a broken answer, so only its message counts."""
    told = getattr(error, "message", None)
    words = told if isinstance(told, str) else str(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
