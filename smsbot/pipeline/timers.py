"""The work that is due: timeouts become events, texts are claimed, unknown ones looked up, failed turns retried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from smsbot.core.clock import Clock
from smsbot.core.commit import Timer, digest
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.message import Event
from smsbot.core.start import PREFIX, event_of, start_of
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.stores.base import Acceptance, Store

from .dispatcher import Dispatcher
from .long_texts import is_of_parts
from .recovery import Recovery
from .schedules import Schedules
from .sender import Sender

log = Log("smsbot.timers")
_LONGEST_SLEEP = 1.0
"""Seconds; the wall clock may jump, so nobody sleeps until a far due time."""
_BESIDE = 0.25
"""The same beside other processes, which tell nobody that something of theirs is due."""
_TAKEN_UP_EVERY = 0.5
_SHARE = 20.0
"""How many times as long as such a look took nobody looks again, where very much waits."""
_AT_LEAST_EVERY = 2.0
"""One look that a lock held up says nothing of the next."""


class Timers:
    """The loop that watches the clock. Due times are rows, so they survive a restart."""

    def __init__(
        self, store: Store, dispatcher: Dispatcher, sender: Sender, clock: Clock,
        *, joined: Callable[[Timer], Awaitable[Acceptance]], recovery: Recovery,
    ) -> None:  # fmt: skip
        """`joined` takes in the text of parts that are all there."""
        self._store = store
        self._dispatcher = dispatcher
        self._sender = sender
        self._clock = clock
        self._wake = asyncio.Event()
        self._stopping = False
        self._serving = False
        self._joined = joined
        self._recovery = recovery
        self._taken_up = 0.0
        """When to look next for conversations that nobody looks after."""
        self.ticks: Schedules | None = None
        """The schedules of the tasks that run by the clock."""

    @property
    def idle(self) -> bool:
        """Whether nothing that fell due is on its way to those who do it."""
        return not self._serving

    def kick(self) -> None:
        """Look now: the clock was moved, or something new is due."""
        self._wake.set()

    async def next_due(self) -> float | None:
        """When something is due next that is done by this process."""
        due = [self._dispatcher.queues.next_retry, self._sender.next_try]
        if self._store.leads:
            ticks = self.ticks.next_due if self.ticks else None
            due += [await self._store.next_due(self._sender.full), ticks]
        return min((d for d in due if d is not None), default=None)

    def stop(self) -> None:
        """End after what is being served now, so that no claim is forgotten."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Watch until stopped."""
        while not self._stopping:
            reached("worker.timers")
            pause = _LONGEST_SLEEP if self._store.alone else _BESIDE
            try:
                await self._take_up()
                due = await self.next_due()
                if due is not None and due <= self._clock.now():
                    await self.serve()
                    pause = 0.05  # what is due goes on in other tasks
                elif due is not None:
                    pause = min(pause, due - self._clock.now())
            except StoreError as error:
                log.error("timers wait for the database", why=str(error))
            except Exception as error:
                log.error("a timer failed inside smsbot", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause, 0.005)):
                    await self._wake.wait()
            self._wake.clear()

    async def serve(self) -> None:
        """Serve everything that is due once."""
        self._serving, failed = True, list[Exception]()
        try:
            for job in self._jobs():
                try:
                    await job()
                except Exception as error:  # what one kind of work meets must not keep the others waiting
                    failed.append(error)
        finally:
            self._serving = False
        if failed:
            raise failed[0]

    def _jobs(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """What is done here: of several processes one serves what is due in the database."""
        if self._store.leads:
            return self._fire, self._sender.claim_due, self._retry, self._tick
        return self._sender.go_on, self._retry

    async def _take_up(self) -> None:
        """Look now and then for conversations that nobody looks after."""
        now = time.monotonic()
        if now >= self._taken_up:
            await self._recovery.go_on()
            self._taken_up = time.monotonic() + min(
                max(_TAKEN_UP_EVERY, _SHARE * (time.monotonic() - now)), _AT_LEAST_EVERY
            )
            if self.ticks is not None and not self._store.leads:
                self.ticks.follow()

    async def _retry(self) -> None:
        self._dispatcher.queues.retry_due()

    async def _tick(self) -> None:
        if self.ticks is not None:
            await self.ticks.serve()

    async def _fire(self) -> None:
        now = self._clock.now()
        while timers := await self._store.sweep(now, 500):
            batch = [await self._joined(t) if is_of_parts(t.name) else _acceptance(t, now) for t in timers]
            reached("timer.due")
            answers = await self._store.accept(batch)
            reached("timer.fired")
            for answer, item in zip(answers, batch, strict=True):
                if item.done:
                    self._sender.start(answer.claims)
                else:
                    self._dispatcher.accepted([item.event], [answer])


def _acceptance(timer: Timer, now: float) -> Acceptance:
    if not timer.name.startswith(PREFIX):
        return Acceptance(_event(timer), timer=timer)
    event = event_of(timer, timer.due)
    try:
        expires = start_of(event).expires
    except UsageError:  # its data cannot be read any more; its turn says so
        return Acceptance(event, timer=timer)
    if 0 < expires <= now:
        note = f'"{event.text}" was not worth beginning any more'
        return Acceptance(event, timer=timer, done=True, note=note)
    return Acceptance(event, timer=timer)


def _event(timer: Timer) -> Event:
    """The event of a timer; its time is when it was due, so that a late one knows its age (C9)."""
    identity = digest("timer", *timer.key, timer.name, repr(timer.due))
    return Event(identity, timer.key, "timer", timer.name, timer.due, data=timer.data)
