"""What waits for a turn and has nobody who takes it: after the end of a process, this one's own before or another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from smsbot.core.message import Event
from smsbot.failpoints import reached
from smsbot.stores.base import Store

from .dispatcher import Dispatcher


class Recovery:
    """Gives it to the dispatcher."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    async def begin(self) -> None:
        """Take up what former processes left without a turn, before anything new is taken."""
        reached("recover.begun")
        if self._dispatcher.running.blames:
            await self._blame()
        while await self.go_on():
            pass

    async def go_on(self) -> bool:
        """Take up some of what waits in conversations that nobody looks after; whether there may be more."""
        events = await self._store.waiting(self._dispatcher.queues.has)
        self._dispatcher.feed(events)
        return bool(events)

    async def _blame(self) -> None:
        """Answer for the event that ended the process before, if it is here, before another can end this one."""
        dispatcher = self._dispatcher
        async for event in self._unread():
            line = dispatcher.lines.get(event.key.line)
            if not dispatcher.running.suspects(event) or line is None:
                continue
            others = [other for other in await self._store.attend([event.key]) if other.id != event.id]
            retry_at = await dispatcher.ended_process(dispatcher.work_on(event), line)
            if retry_at is not None:
                dispatcher.queues.open(event.key).events.append(replace(event, attempts=event.attempts + 1))
                dispatcher.queues.park(event.key, retry_at)
            dispatcher.feed(others)
            return

    async def _unread(self) -> AsyncIterator[Event]:
        after = 0
        while batch := await self._store.unread(after, 1000):
            after = batch[-1].seq
            for event in batch:
                yield event
