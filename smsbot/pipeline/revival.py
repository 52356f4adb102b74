"""What a process left when it ended: its events are taken up again, and one that ends processes ends no more than five.

Which turns were under way when a process died nobody knows; it can only be the first of each conversation. Those
count an attempt before they begin. One that was counted before is suspected: it waits for the others, and runs alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from smsbot.core.clock import Clock
from smsbot.core.commit import Verdict
from smsbot.core.message import Event, Key
from smsbot.failpoints import reached
from smsbot.stores.base import Store

from .failures import Failures
from .queues import ConversationQueue, Queues
from .sender import insist
from .tasks import Tasks
from .unit_of_work import UnitOfWork

LIVES = 5
"""Processes that may end in the turn of one event."""
_ALONE = 5.0
"""Seconds for which the turn of a suspect has the server for itself."""
CAREFUL = 60.0
"""Seconds after the start for which a text is kept before its turn begins, where the process before died."""


class Revival:
    """Takes up what a former process left without a turn."""

    def __init__(self, store: Store, clock: Clock, queues: Queues, tasks: Tasks, failures: Failures) -> None:
        self._store = store
        self._clock = clock
        self._queues = queues
        self._tasks = tasks
        self._failures = failures
        self._careful_until = 0.0

    @property
    def careful(self) -> bool:
        """Whether what comes now is kept and counted before its turn, as one of its kind may have ended the process."""
        return self._clock.now() < self._careful_until

    async def keep_first(self, work: UnitOfWork) -> bool:
        """Keep an event and count its turn, before that begins; whether none has to."""
        if await work.accept() is not Verdict.DONE:
            return True
        work.again(await self._counted(work.event))
        return False

    async def recover(self) -> None:
        """Queue what was left, before anything new is taken."""
        reached("recover.begun")
        if not self._store.died:
            await self._each(self._queues.add)
            return
        now = self._clock.now()
        self._careful_until = now + CAREFUL
        heads: dict[Key, Event] = {}
        behind: list[Event] = []
        await self._each(lambda e: behind.append(e) if heads.setdefault(e.key, e) is not e else None)
        fresh = [event for event in heads.values() if not event.attempts]
        for event in await self._store.begin_again(fresh, now):
            self._queues.add(event)
        suspects = sorted((e for e in heads.values() if e.attempts), key=lambda e: (e.attempts, e.seq))
        held = [(event, self._queues.hold(event)) for event in suspects]
        for event in behind:
            self._queues.add(event)
        if held:
            self._tasks.spawn(self._one_by_one(held))

    async def _counted(self, event: Event) -> Event:
        found: Sequence[Event] = await insist(lambda: self._store.begin_again([event], self._clock.now()))
        return found[0]

    async def _each(self, do: Callable[[Event], object]) -> None:
        after = 0
        while batch := await self._store.unread(after, 1000):
            for event in batch:
                do(event)
            after = batch[-1].seq

    async def _one_by_one(self, held: list[tuple[Event, ConversationQueue]]) -> None:
        for event, queue in held:
            if self._tasks.closing:
                return
            if event.attempts >= LIVES:
                await self._failures.deadly(event)
                queue.events.popleft()
                self._queues.let_go(event.key)
                continue
            queue.events[0] = await self._counted(event)
            turn = self._queues.let_go(event.key)
            if turn is not None:
                await asyncio.wait({turn}, timeout=_ALONE)
