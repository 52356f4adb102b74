"""Counts of many rows, kept for a moment: whoever looks again, and colleagues who look too, cost one count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

KEPT = 5.0
"""Seconds; a count of so many things looks the same a moment later."""
LARGE = 2_000
"""Texts, or people, of which a count is large: fewer are counted at once."""

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Kept(Generic[Asked, Told]):
    """What was counted last for each thing that was asked; a count that is not `large` is made anew each time."""

    def __init__(
        self,
        count: Callable[[Asked], Awaitable[Told]],
        large: Callable[[Told], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._large = large
        self._now = now
        self._one = asyncio.Lock()
        self._found: dict[Asked, tuple[float, Told]] = {}

    async def of(self, asked: Asked) -> Told:
        """Count, unless somebody had the same counted a moment ago."""
        async with self._one:
            if asked in self._found and self._found[asked][0] > self._now():
                return self._found[asked][1]
            told = await self._count(asked)
            self._found.pop(asked, None)
            if self._large(told):
                self._found[asked] = self._now() + KEPT, told
            return told
