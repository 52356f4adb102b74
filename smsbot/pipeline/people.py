"""What is decided about people by hand: whether they get texts, what is known of them, and that it is forgotten."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from smsbot.core import codec
from smsbot.core.clock import Clock, iso
from smsbot.core.errors import UsageError
from smsbot.core.message import Event, Key
from smsbot.stores.base import Acceptance, Consent, Reads, Row, Store
from smsbot.turns.lines import Line, Lines

from .dispatcher import Dispatcher
from .sender import Sender
from .takeovers import Takeovers

ERASER = "(being erased)"
"""Who has the conversations of somebody that is being erased: no bot answers them meanwhile."""
MERGES = 400
"""Shares of what is searched by that are merged behind an erasure; a share of what is merged already costs nothing."""
_AT_ONCE = 200
_PATIENCE = 5.0
"""Seconds in which a turn under way must end before somebody is erased."""
_OF_NUMBER = (
    "erase_words_in", "erase_words_out", "erase_number", "erase_reports", "erase_attempts", "erase_happened",
    "erase_pushes", "erase_asked", "erase_outside",
    "erase_code_texts", "erase_texts", "erase_events", "erase_fields", "erase_notes",
    "erase_handoffs", "erase_hold", "erase_codes",
)  # fmt: skip
_OF_CONVERSATION = (
    "erase_journal", "erase_frames", "erase_runs", "erase_timers", "erase_takeover", "erase_conversation",
)  # fmt: skip


class People:
    """Consent by hand, export and erasure; numbers are in E.164 spelling."""

    def __init__(
        self, store: Store, *, lines: Lines, dispatcher: Dispatcher, sender: Sender, takeovers: Takeovers, clock: Clock
    ) -> None:
        self._store = store
        self._lines = lines
        self._dispatcher = dispatcher
        self._sender = sender
        self._takeovers = takeovers
        self._clock = clock
        self.forgotten: Callable[[str], None] = lambda _: None
        """Is told who was erased."""

    # -- consent ------------------------------------------------------------------------------------

    async def opt_out(self, numbers: Sequence[str], why: str) -> int:
        """Nothing is sent to these from now on, and `why` is kept as the proof; how many got texts before."""
        fresh = [n for n in dict.fromkeys(numbers) if not await self._store.rows("opted_out", number=n)]
        for at in range(0, len(fresh), _AT_ONCE):
            await self._decide(fresh[at : at + _AT_ONCE], "optout", why)
        return len(fresh)

    async def opt_in(self, number: str, why: str) -> bool:
        """Texts may be sent again, and `why` is kept as the proof; whether they had opted out."""
        if not await self._store.rows("opted_out", number=number):
            return False
        await self._decide([number], "optin", why)
        return True

    async def _decide(self, numbers: Sequence[str], action: str, why: str) -> None:
        """As if they had texted it: what waits for them stays here, and their conversations end."""
        items = []
        for number in numbers:
            line = await self._line_of(number)
            event = Event(
                secrets.token_bytes(16), Key(line.number, number), action, "", self._clock.now(), line.account
            )
            items.append(Acceptance(event, Consent(action, "", why)))
        self._dispatcher.accepted([item.event for item in items], await self._store.accept(items))

    async def _line_of(self, number: str) -> Line:
        """The line that somebody has to do with; our first for a stranger."""
        known = [self._lines.get(r["line"]) for r in await self._store.rows("lines_of", number=number)]
        return next((line for line in known if line is not None), self._lines.values()[0])

    # -- what is known ------------------------------------------------------------------------------

    async def erase(self, number: str) -> dict[str, int]:
        """Forget somebody, but not what they decided about texts; how many texts of them there were.

        Their conversations end, what waits for them is not sent. Raises `UsageError` where nothing is known, or while a
        turn of theirs does not end.
        """
        found = await known(self._store, number, self._clock.now())
        counts = {what: len(found[what]) for what in ("texts_in", "texts_out")}
        keys = [Key(r["line"], number) for r in await self._store.rows("lines_of", number=number)]
        ours = [key for key in keys if self._lines.get(key.line) is not None]
        taken = [key for key in ours if await self._takeovers.take(key, ERASER) == ERASER]
        try:
            await self._at_rest(keys)
            for key in keys:
                self._dispatcher.queues.drop(key)
            await self._store.erase(keys, number, erasure(keys, number))
            self.forgotten(number)
        except BaseException:
            for key in taken:
                await self._takeovers.give_back(key)
            raise
        return counts

    async def recover(self) -> None:
        """Give back what an erasure had taken that the end of a process cut short."""
        for row in await self._store.rows("takeovers", limit=1_000_000):
            if row["owner"] == ERASER and self._lines.get(row["line"]) is not None:
                await self._takeovers.give_back(Key(row["line"], row["number"]))

    async def _at_rest(self, keys: Sequence[Key]) -> None:
        """Wait until nothing of these conversations is under way."""
        end = asyncio.get_running_loop().time() + _PATIENCE
        for key in keys:
            while self._dispatcher.queues.works(key) or not await self._sender.silent(key):
                if asyncio.get_running_loop().time() > end:
                    raise UsageError("somebody is being answered, or a text is just leaving; try again in a moment")
                await asyncio.sleep(0.02)


async def known(reads: Reads, number: str, now: float) -> dict[str, Any]:
    """All that is kept of somebody, as plain JSON values. Raises `UsageError` where nothing is."""
    read = reads.rows
    keys = [r["line"] for r in await read("lines_of", number=number)]
    consents = await read("ledger", number=number)
    fields = {r["name"]: codec.loads(r["value"]) for r in await read("person_fields", number=number)}
    if not keys and not consents and not fields:
        raise UsageError("nothing is known of this number")
    found = {
        "texts_in": await read("person_events", number=number),
        "texts_out": await read("person_texts", number=number),
        "reports": await read("person_reports", number=number),
        "conversations": [r for line in keys for r in await read("person_runs", line=line, number=number)],
        "consents": consents,
        "waited_for_a_person": await read("person_handoffs", number=number),
        "notes": await read("notes", number=number),
    }
    told = {what: [_told(r) for r in rows] for what, rows in found.items()}
    return {"v": 1, "number": number, "at": iso(now), "fields": fields, **told}


def erasure(keys: Sequence[Key], number: str) -> list[tuple[str, Sequence[object]]]:
    """What is written to forget somebody with these conversations."""
    changes: list[tuple[str, Sequence[object]]] = [(name, key) for key in keys for name in _OF_CONVERSATION]
    return [*changes, *((name, (number,)) for name in _OF_NUMBER), ("merge_words", (MERGES,))]


def _told(row: Row) -> dict[str, Any]:
    """A row with its times as people and programs read them, without what is empty."""
    times = {"at", "created", "started", "ended", "done"}
    return {k: iso(v) if k in times and v is not None else v for k, v in row.items() if v not in ("", None)}
