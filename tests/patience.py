"""Waiting for what comes by itself: until it is there, however long a busy machine takes, and not forever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(done: Callable[[], bool | Awaitable[bool]], patience: float = 20.0) -> None:
    """Wait until `done` says so; what has not come after `patience` seconds fails the test."""
    async with asyncio.timeout(patience):
        while not await _said(done()):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def _said(answer: bool | Awaitable[bool]) -> bool:
    return answer if isinstance(answer, bool) else await answer
