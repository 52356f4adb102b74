"""Moving the sandbox's clock: from due time to due time, everything settled at each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from smsbot.core.clock import Clock


class MovableClock(Clock, Protocol):
    """A clock that can be moved forward."""

    def move_to(self, moment: float) -> None:
        """Make `now()` at least `moment`."""
        ...


class Worker(Protocol):
    """Something with due times that serves them when it is kicked."""

    def kick(self) -> None:
        """Look at the clock now."""
        ...

    async def next_due(self) -> float | None:
        """When something is due next."""
        ...


class TimeMachine:
    """Walks the clock forward; one walk at a time."""

    def __init__(
        self,
        clock: MovableClock,
        workers: Sequence[Worker],
        idle: Callable[[], bool],
        moved: Callable[[], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._workers = workers
        self._idle = idle
        self._moved = moved
        self._walk = asyncio.Lock()

    async def advance(self, seconds: float) -> float:
        """Move the clock by `seconds`; everything that falls due on the way has happened on return."""
        async with self._walk:
            target = self._clock.now() + seconds
            await self.settle()
            while (due := await self._next_due()) is not None and due <= target:
                self._clock.move_to(due)
                await self._moved()
                await self.settle()
            self._clock.move_to(target)
            await self._moved()
            await self.settle()
            return self._clock.now()

    async def settle(self, patience: float = 30.0) -> None:
        """Wait until nothing is due and nobody is at work, at most `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not await self._nothing_due():
                    pass

    async def _nothing_due(self) -> bool:
        """Let the workers serve what is due until all are at rest; whether nothing is due then."""
        for worker in self._workers:
            worker.kick()
        quiet = 0
        while quiet < 3:  # work passes from one to the next by way of the loop: all at rest once is a gap
            await asyncio.sleep(0.001)
            quiet = quiet + 1 if self._idle() else 0
        due = await self._next_due()
        return self._idle() and (due is None or due > self._clock.now())

    async def _next_due(self) -> float | None:
        found = [await w.next_due() for w in self._workers]
        return min((d for d in found if d is not None), default=None)
