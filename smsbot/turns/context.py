"""What a turn gives to those who play in it, and what they keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smsbot.conversations.journal import Record
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError
from smsbot.core.message import Event
from smsbot.flows.state import Person
from smsbot.routing.chat import Chat
from smsbot.routing.effects import Effects
from smsbot.turns.live import LiveFrames

from .lines import Line
from .python_frame import PythonFrame

_MOST_RECORDS = 2_000
"""Requests of one conversation; beyond it, it should restart."""
Provided = Mapping[type, Any]
Pause = Callable[[float], Awaitable[None]]
"""Lets seconds pass."""


class NotNow(Exception):
    """Something has to be awaited, so the turn takes the long way."""


async def _no_journal(run: bytes, key: bytes) -> list[Record]:
    return []


@dataclass(slots=True)
class Context:
    """What a turn gives to those who play in it."""

    line: Line
    event: Event
    run: bytes
    before: Conversation
    effects: Effects
    person: Person
    now: float
    provided: Provided
    chat: Chat
    """The turn's own; conversations that began earlier hold theirs."""
    cut: Callable[[], Awaitable[None]] | None
    """Commits a segment; None where nothing may be awaited."""
    journals: Mapping[tuple[bytes, bytes], list[Record]]
    """What has happened in the conversations that wait, by run and key."""
    live: LiveFrames
    version: int
    load: Callable[[bytes, bytes], Awaitable[list[Record]]] = _no_journal
    """The journal of a conversation, by run and key."""
    pause: Pause = asyncio.sleep
    """Waits a little, between two tries of a step."""
    why: str = ""
    """Why what happened was taken as it was, for people."""

    def record(self, kind: str, site: str, value: Any, text: str = "") -> Record:
        """Something that happened, in this turn."""
        return Record(kind, site, value, self.event.id, self.event.at, text)

    def keep(self, level: PythonFrame, record: Record) -> None:
        """What happened, for good."""
        assert level.talk is not None
        place = level.talk.journal.add(record)
        if place > _MOST_RECORDS:
            raise ChatError(f"{level.title}() has waited {_MOST_RECORDS} times; begin it anew with chat.restart()")
        self.effects.records.append(record.entry(level.run, level.key, place))

    def contact(self) -> Mapping[str, str]:
        """What is known of the person by now."""
        merged = {**self.before.contact, **self.effects.stored}
        return {name: value for name, value in merged.items() if value is not None}
