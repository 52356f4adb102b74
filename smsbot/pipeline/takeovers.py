"""Conversations that people at the desk take over from their bots, and give back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from smsbot.core.clock import Clock
from smsbot.core.commit import Timer, run_id
from smsbot.core.errors import UsageError
from smsbot.core.handover import IDLE, PATIENCE, WAYS, Taken
from smsbot.core.message import Event, Key, Outgoing, Reply
from smsbot.core.nearest import nearest
from smsbot.stores.base import Acceptance, Store
from smsbot.turns.lines import Line, Lines
from smsbot.turns.outgoing import outgoing_for

from .dispatcher import Dispatcher
from .sender import Sender


class Takeovers:
    """A lock in the store: while somebody has a conversation, its bot is silent and its timers wait."""

    def __init__(self, store: Store, lines: Lines, dispatcher: Dispatcher, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._lines = lines
        self._dispatcher = dispatcher
        self._sender = sender
        self._clock = clock

    async def take(self, key: Key, owner: str) -> str:
        """Take a conversation over; returns who has it now. Nothing of its bot is on its way any more then."""
        self._line(key)
        has = await self._store.take_over(Taken(key, owner, self._clock.now()))
        await self._sender.silent(key)
        return has

    async def give_back(self, key: Key, how: str = WAYS[0]) -> None:
        """Give it back: the bot asks its open question again (``continue``), begins anew (``restart``), or ends.

        Raises `UsageError` where nobody has it, or for another word.
        """
        if how not in WAYS:
            near = nearest(how, WAYS)
            hint = f'; did you mean "{near}"?' if near else ""
            raise UsageError(f"a conversation is given back by one of {', '.join(WAYS)}, not {how!r}{hint}")
        if self._store.taken(key) is None:
            raise UsageError("nobody has taken this conversation over")
        began = await self._beginning(key) if how == "restart" else None
        events = [self._event(key, "release", how), *([began] if began is not None else [])]
        answers = await self._store.accept([Acceptance(event) for event in events])
        self._dispatcher.accepted(events, answers)

    async def end(self, keys: Sequence[Key], say: str = "") -> int:
        """End the open runs of conversations, whoever has them, each with a text; returns how many there were."""
        events = [
            replace(self._event(key, "release", "end"), data=say)
            for key in dict.fromkeys(keys)
            if await self._is_open(key)
        ]
        answers = await self._store.accept([Acceptance(event) for event in events]) if events else ()
        self._dispatcher.accepted(events, answers)
        return len(events)

    async def _is_open(self, key: Key) -> bool:
        return self._lines.get(key.line) is not None and (await self._store.load(key)).run is not None

    async def say(self, key: Key, text: str, by: str, *, identity: bytes = b"", asked: float = 0.0) -> Outgoing:
        """A text by hand, ahead of everything that waits; whoever has the conversation keeps it for longer.

        Of the same `identity`, asked at the same moment, it is the same text.
        """
        line, now = self._line(key), self._clock.now()
        event = self._event(key, "send", "")
        if identity:
            event = replace(event, id=identity, at=asked or now)
        made = outgoing_for(Reply(text), 0, event, line, now, lane="desk", by=by)
        answer = (await self._store.enqueue([made]))[0]
        if self._store.taken(key) is not None:
            idle = Timer(key, IDLE, now + PATIENCE)
            await self._store.write([("timer", (*key, idle.name, idle.due, idle.data))])
        self._sender.start(answer.claims)
        return made

    def _line(self, key: Key) -> Line:
        line = self._lines.get(key.line)
        if line is None:
            raise UsageError(f"{key.line} is none of our lines")
        return line

    def _event(self, key: Key, kind: str, text: str) -> Event:
        return Event(secrets.token_bytes(16), key, kind, text, self._clock.now(), self._line(key).account)

    async def _beginning(self, key: Key) -> Event | None:
        """What began the open run, to come once more; None where that is not known any more."""
        run = (await self._store.load(key)).run
        if run is None:
            return None
        for row in await self._store.rows("began_by", line=key.line, number=key.number, at=run.started + 1.0):
            event = Event(row["id"], key, row["kind"], row["text"], row["at"], data=row["data"])
            if run_id(event) == run.id:
                again = self._event(key, row["kind"], row["text"])
                return replace(again, data=row["data"])
        return None
