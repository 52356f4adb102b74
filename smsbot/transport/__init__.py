"""HTTP out: one seam, and three ways through it."""

from __future__ import annotations

from .base import Answer, Transport
from .through_aiohttp import AiohttpTransport
from .through_httpx import HttpxTransport

__all__ = ["AiohttpTransport", "Answer", "HttpxTransport", "Transport", "transport_of_server"]


def transport_of_server() -> Transport:
    """The cheapest one: connections of our own where httptools is installed (the `speed` extra), else aiohttp."""
    try:
        from .kept import KeptTransport
    except ImportError:
        return AiohttpTransport()
    return KeptTransport()
