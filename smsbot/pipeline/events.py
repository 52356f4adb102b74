"""Events from outside: what a program, or the command line, says has happened for somebody's conversation."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from smsbot.core import phone
from smsbot.core.clock import Clock
from smsbot.core.commit import Verdict
from smsbot.core.errors import UsageError
from smsbot.core.message import Event, Key
from smsbot.core.nearest import nearest
from smsbot.core.start import Start, checked_busy, identity_of, timer_of
from smsbot.failpoints import reached
from smsbot.stores.base import Store
from smsbot.turns.lines import Line, Lines

from .dispatcher import Dispatcher

_BECAME = {
    "waits": "queued", "opted out": "opted_out", "is left out": "skipped", "not worth beginning": "expired",
}  # fmt: skip
"""What an event has become, by what its turn noted."""
_DECIDED = 1.0
"""Seconds that an event from outside is waited for until it is known what becomes of it."""


class Events:
    """Takes them in, each once by its key, and says what becomes of each."""

    def __init__(self, store: Store, lines: Lines, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._lines = lines
        self._dispatcher = dispatcher
        self._clock = clock

    async def emit(
        self,
        name: str,
        number: str,
        data: Mapping[str, Any],
        *,
        line: str = "",
        key: str = "",
        at: float | None = None,
        busy: str = "",
        valid: float = 0.0,
        by: str = "",
        ref: str = "",
    ) -> str:
        """An event from outside for the conversation with `number`; the same `key` counts once.

        Returns what becomes of it: ``started``, ``queued`` (the person is in a conversation, or is not looked after
        within a second), ``scheduled``, ``skipped``, ``opted_out``, ``expired`` or ``duplicate``.
        """
        ours = self.line_of(name, line)
        if why := ours.unfit(name, data):
            raise UsageError(why)
        theirs = phone.normalise(number, ours.country)
        if not phone.is_number(theirs):
            raise UsageError(f"{phone.mask(number)!r} is not a phone number; write it as +48600100200")
        now = self._clock.now()
        flow = ours.versions.current.flows.get(ours.table.events[name].flow)
        if not key and flow is not None and flow.start.key is not None and not name.startswith("flow:"):
            key = str(flow.start.key({"event": dict(data)}))
        valid = valid or (flow.start.valid if flow is not None else 0.0)
        due = now if at is None else max(at, now)
        start = Start(data, checked_busy(busy), due + valid if valid else 0.0, by=by, ref=ref)
        whose = Key(ours.number, theirs)
        identity = identity_of(name, key or secrets.token_hex(16), whose, self._store.dedupe_key)
        event = Event(identity, whose, "event", name, due, ours.account, data=start.pack())
        if at is not None and at > now:
            return await self._schedule(event, identity)
        decided = asyncio.get_running_loop().create_future()
        if self._dispatcher.decided.setdefault(event.id, decided) is not decided:
            return "duplicate"  # the same at this very moment
        try:
            if not self._store.alone:
                await self._store.load(event.key)
            verdict = await self._dispatcher.arrive(event)
            if verdict is Verdict.DUPLICATE:
                return "duplicate"
            reached("event.kept")
            if verdict is Verdict.QUEUED or self._store.paused(ours.number):
                return "queued"
            return await asyncio.wait_for(decided, _DECIDED)
        except TimeoutError:
            return "queued"
        finally:
            self._dispatcher.decided.pop(event.id, None)

    async def became(self, name: str, number: str, line: str, key: str) -> str:
        """What has become of an event that was told before, in the words of `emit`."""
        whose = Key(line, phone.normalise(number, self.line_of(name, line).country))
        identity = identity_of(name, key, whose, self._store.dedupe_key)
        found = await self._store.rows("event_of", number=whose.number, id=identity)
        if not found:
            return "scheduled"
        words = found[0]["note"] if found[0]["state"] else "waits"
        return next((outcome for said, outcome in _BECAME.items() if said in words), "started")

    def line_of(self, name: str, line: str) -> Line:
        """The line that an event goes to: the named one, else the first that answers it. Raises `UsageError`."""
        if line:
            ours = self._lines.find(line)
            if ours is None:
                raise UsageError(f"{line!r} is not a line of this server")
            if name not in ours.table.events:
                raise UsageError(f'no @bot.event("{name}") handler and no flow answers on {ours.number}')
            return ours
        answering = next((x for x in self._lines.values() if name in x.table.events), None)
        if answering is None:
            known = {n for x in self._lines.values() for n in x.table.events}
            near = nearest(name, known)
            hint = f'; did you mean "{near}"?' if near else ""
            raise UsageError(f'no @bot.event("{name}") handler and no flow answers here{hint}')
        return answering

    async def _schedule(self, event: Event, identity: bytes) -> str:
        """Keep it for later; of several at one moment, one is."""
        timer = timer_of(event, event.at, identity)
        row = (*timer.key, timer.name, timer.due, timer.data)
        first = await self._store.once(identity, self._clock.now(), [("timer", row)])
        return "scheduled" if first else "duplicate"
