"""Tells open pages that something changed: one look at the database for all of them, one event each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from smsbot.stores.base import Tables

_PAUSE = 0.25
_RETRY = 300
"""Milliseconds after which a browser connects again."""


class Live:
    """Wakes its followers when another connection has committed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._followers: set[asyncio.Event] = set()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.banner = ""
        """The problem with the files on disk; empty: none."""

    def warn(self, text: str) -> None:
        """Show a banner on every page; may be called from any thread."""
        self.banner = text
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell)

    async def run(self) -> None:
        """Watch until cancelled; costs nothing while nobody follows."""
        last: object = None
        self._loop = asyncio.get_running_loop()
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

    def tell(self) -> None:
        """Let every page look again, though nothing was committed."""
        self._tell()

    def _tell(self) -> None:
        for follower in self._followers:
            follower.set()

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """One "changed" event for each burst of changes, in the form of Server-Sent Events."""
        changed = asyncio.Event()
        changed.set()
        self._followers.add(changed)
        shown: str | None = None
        try:
            while True:
                await changed.wait()
                if self._closing:
                    return
                changed.clear()
                if shown != self.banner:
                    shown = self.banner
                    yield {"event": "banner", "data": json.dumps(shown), "retry": _RETRY}
                yield {"event": "changed", "data": ""}
        finally:
            self._followers.discard(changed)
