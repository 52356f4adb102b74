"""The flows that processes serve, kept by their hash: runs stay on those that they began on (C8)."""

from __future__ import annotations

from collections.abc import Sequence

from smsbot.core.clock import Clock
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Lines

_RECENT = 600.0
"""Seconds for which flows are new to processes that serve already."""


class Contents:
    """Keeps today's flows of all lines, and knows those of other builds."""

    def __init__(self, store: Store, lines: Lines, clock: Clock) -> None:
        self._store = store
        self._versions = [line.versions for line in lines.values()]
        self._clock = clock

    async def keep(self) -> None:
        """Keep today's, until all processes know them, and take up those that open runs began on."""
        now = self._clock.now()
        kept = [("keep_content", (v.current.hash, v.current.stored(), now)) for v in self._versions if v.current.hash]
        await self._store.write(kept)
        await self._store.heard()  # others may take up what begins on them here
        self._know(await self._store.rows("contents_in_use"))

    async def read(self) -> None:
        """Take up those of processes that have just begun."""
        self._know(await self._store.rows("contents_since", since=self._clock.now() - _RECENT))

    def _know(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for own in self._versions:
                if row["hash"] != own.current.hash:
                    own.older.setdefault(row["hash"], row["value"])
