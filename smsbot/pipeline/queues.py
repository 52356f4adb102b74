"""The conversations that have work: each with its accepted events, in order, one turn at a time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.commit import Verdict
from smsbot.core.errors import StoreError
from smsbot.core.message import Event, Key
from smsbot.stores.base import Acceptance, Store

from .tasks import Tasks
from .unit_of_work import UnitOfWork

_MOST = 20_000
"""Conversations with work at once; beyond it, webhooks are told to come again."""


@dataclass(slots=True)
class ConversationQueue:
    """A conversation with work: its accepted events, and how many are being accepted."""

    events: deque[Event] = field(default_factory=deque)
    coming: int = 0
    busy: bool = False
    """Whether a task, or a turn in its webhook, looks after it."""
    first: UnitOfWork | None = None
    """The turn that opened it, whose event may not be accepted yet."""
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Lets events in as they came, those that wait for the first one before those that come later."""

    def keep(self, event: Event, *, behind: int = 1) -> None:
        """Put an event into its place, once; behind the head, whose turn may be under way, or wherever it belongs."""
        if any(event.id == other.id for other in self.events):
            return
        place = len(self.events)
        while place > behind and self.events[place - 1].seq > event.seq:
            place -= 1
        self.events.insert(place, event)


Drain = Callable[[Key, ConversationQueue], Coroutine[Any, Any, None]]


class Queues:
    """Each conversation's queue; one without work is gone, one with work has exactly one task."""

    def __init__(self, store: Store, clock: Clock, tasks: Tasks, drain: Drain) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._drain = drain
        self._queues: dict[Key, ConversationQueue] = {}
        self._of_line: Counter[str] = Counter()
        self._was_pausing = False
        """Whether anything was paused when this process heard last."""
        self._parked: dict[Key, float] = {}
        """When the failed turn at the head of a queue is due again."""

    # -- how much there is --------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether no conversation has work that could go on now."""
        if not self._store.pausing:
            return len(self._queues) == len(self._parked)
        return all(key in self._parked or self._store.paused(key.line) for key in self._queues)

    @property
    def crowded(self) -> bool:
        """Whether there are so many that new texts should be refused for now; what a pause keeps does not count."""
        if len(self._queues) <= _MOST:
            return False
        paused = sum(n for line, n in self._of_line.items() if self._store.paused(line)) if self._store.pausing else 0
        return len(self._queues) - paused > _MOST

    @property
    def next_retry(self) -> float | None:
        """When the next failed turn is due again."""
        return min(self._parked.values(), default=None)

    # -- events in ----------------------------------------------------------------------------------

    def open(self, key: Key, *, busy: bool = False) -> ConversationQueue:
        """A queue for a conversation that has none."""
        queue = self._queues[key] = ConversationQueue(busy=busy)
        self._of_line[key.line] += 1
        return queue

    def of(self, key: Key) -> ConversationQueue | None:
        """The queue of a conversation with work, or of one that a pause keeps."""
        found = self._queues.get(key)
        return self.open(key) if found is None and self._store.paused(key.line) else found

    def has(self, key: Key) -> bool:
        """Whether a conversation has work."""
        return key in self._queues

    def works(self, key: Key) -> bool:
        """Whether a turn of a conversation is under way, or an event is being kept."""
        queue = self._queues.get(key)
        return queue is not None and (queue.busy or queue.coming > 0)

    def drop(self, key: Key) -> None:
        """Forget what waits for a turn of a conversation in which nothing is under way."""
        queue = self._queues.get(key)
        if queue is not None:
            queue.events.clear()
            self._parked.pop(key, None)
            self.schedule(key, queue)

    def add(self, event: Event) -> None:
        """An event that is accepted already."""
        queue = self._queues.get(event.key) or self.open(event.key)
        queue.keep(event)
        self.schedule(event.key, queue)

    async def accept_behind(self, event: Event, queue: ConversationQueue) -> Verdict:
        """Accept an event behind others; the queue stays while it is on its way, so that nothing overtakes it."""
        queue.coming += 1
        try:
            async with queue.door:
                if queue.first is not None and not queue.first.durable.done():  # what came first is kept first
                    with suppress(StoreError):
                        await queue.first.accept()
                accepting = asyncio.ensure_future(self._store.accept([Acceptance(event)]))
            answer = (await accepting)[0]
            if answer.verdict is Verdict.DONE:
                queue.keep(replace(event, seq=answer.seq))
            return answer.verdict
        finally:
            queue.coming -= 1
            self.schedule(event.key, queue)

    # -- turns out ----------------------------------------------------------------------------------

    def schedule(self, key: Key, queue: ConversationQueue) -> None:
        """See to it that a queue with work has exactly one task, and that one without is gone."""
        if queue.busy or key in self._parked or (queue.events and self._store.paused(key.line)):
            return
        if queue.events and not self._tasks.closing:
            queue.busy = True
            self._tasks.spawn(self._drain(key, queue))
        elif not queue.coming:
            del self._queues[key]
            self._of_line[key.line] -= 1

    def release(self, key: Key, queue: ConversationQueue) -> None:
        """Nobody looks after it any more."""
        queue.busy = False
        self.schedule(key, queue)

    def may_go_on(self, key: Key, queue: ConversationQueue) -> bool:
        """Whether the next turn of a queue may begin."""
        return bool(queue.events) and not self._tasks.closing and not self._store.paused(key.line)

    def park(self, key: Key, until: float) -> None:
        """Its head failed, and is tried again then."""
        self._parked[key] = until

    def retry_due(self) -> None:
        """Take up queues whose failed turn is due again."""
        now = self._clock.now()
        for key in [k for k, at in self._parked.items() if at <= now]:
            del self._parked[key]
            self.schedule(key, self._queues[key])

    async def heard(self) -> None:
        """Take up what waited for a pause that another process has ended."""
        if self._was_pausing:
            self.resumed()
        self._was_pausing = self._store.pausing

    def resumed(self) -> None:
        """A pause has ended: take up what waited."""
        for key, queue in list(self._queues.items()):
            self.schedule(key, queue)
