"""The context of a turn: the line, the event, what was before, the person, and ways to reach outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smsbot.conversations.journal import Record
from smsbot.core.commit import Entry
from smsbot.core.conversation import Conversation, StoredFrame
from smsbot.core.message import Event
from smsbot.flows.state import Person
from smsbot.routing.chat import Chat
from smsbot.routing.effects import Effects

from .lines import Line
from .live import LiveFrames, Place
from .once import Once

Provided = Mapping[type, Any]
"""The objects that handlers are given, by type."""
Records = list[Record]
"""The records of a journal, in order."""
Load = Callable[[bytes, bytes], Awaitable[Records]]
"""The journal of a conversation, by run and key."""


def records_of(entries: Iterable[Entry]) -> Records:
    """The records of stored rows."""
    return [Record.of(entry) for entry in entries]


async def _no_journal(run: bytes, key: bytes) -> Records:
    return []


def _nowhere(frame: StoredFrame, until: float) -> None:
    """Nothing runs that could be gone back to."""


@dataclass(slots=True, kw_only=True)
class Context:
    """The context of a turn, and its findings so far."""

    line: Line
    event: Event
    run: bytes
    """The run that the turn belongs to."""
    before: Conversation
    effects: Effects
    person: Person
    now: float
    chat: Chat
    """The turn's own; conversations that began earlier hold theirs."""
    once: Once
    live: LiveFrames
    provided: Provided
    journals: Mapping[Place, Records]
    """The journals of the conversations that wait."""
    load: Load = _no_journal
    stay_open: Callable[[StoredFrame, float], None] = _nowhere
    """Keeps the uppermost question, as it stands, answerable until a moment, though it has timed out."""
    why: str = ""
    """Why what happened was taken as it was, for people."""
    restarts: int = 0
    """Of conversations, in this turn."""

    def contact(self) -> Mapping[str, str]:
        """The contact by now, with what this turn has stored."""
        merged = {**self.before.contact, **self.effects.stored}
        return {name: value for name, value in merged.items() if value is not None}
