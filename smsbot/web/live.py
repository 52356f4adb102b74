"""Tells open pages that something changed: one look at the database for all of them, one event each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from smsbot.stores.base import Tables

_PAUSE = 0.25


class Live:
    """Wakes its followers when another connection has committed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._followers: set[asyncio.Event] = set()
        self._closing = False

    async def run(self) -> None:
        """Watch until cancelled; costs nothing while nobody follows."""
        last: object = None
        while True:
            await asyncio.sleep(_PAUSE)
            if not self._followers:
                continue
            with suppress(Exception):  # a page that misses one look gets the next
                pulse = (await self._tables.rows("pulse"))[0]
                if pulse != last:
                    last = pulse
                    self._tell()

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        self._tell()

    def _tell(self) -> None:
        for follower in self._followers:
            follower.set()

    async def follow(self) -> AsyncIterator[dict[str, str]]:
        """One "changed" event for each burst of changes, in the form of Server-Sent Events."""
        changed = asyncio.Event()
        changed.set()
        self._followers.add(changed)
        try:
            while True:
                await changed.wait()
                if self._closing:
                    return
                changed.clear()
                yield {"event": "changed", "data": ""}
        finally:
            self._followers.discard(changed)
