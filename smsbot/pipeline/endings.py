"""Texts that need no turn: kept, explained, and answered at most by a text of the line's own."""

from __future__ import annotations

from collections.abc import Sequence

from smsbot.core.clock import Clock
from smsbot.core.message import Event, Outgoing, Reply
from smsbot.stores.base import Acceptance, Store
from smsbot.turns.lines import Line
from smsbot.turns.outgoing import outgoing_for

from .sender import Sender


class Endings:
    """Ends texts in the inbox."""

    def __init__(self, store: Store, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock

    async def done(self, event: Event, note: str, outgoing: Sequence[Outgoing] = ()) -> None:
        """Keep a text as done, with the reason for people."""
        answers = await self._store.accept([Acceptance(event, outgoing=tuple(outgoing), done=True, note=note)])
        self._sender.start(answers[0].claims)

    def say(self, event: Event, line: Line, text: str) -> Outgoing:
        """A text that also somebody gets who has opted out."""
        return outgoing_for(
            Reply(text), 0, event, line, self._clock.now(), lane="consent", by=f"{line.bot.name}: consent"
        )
