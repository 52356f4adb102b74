"""Broadcasts: one text to many people, that can be paused, stopped half way, and begun again without doubling anybody.

A broadcast is known by what it says to whom (its `identity`), and each of its texts by its place in that. Whoever
begins the same again goes on where it was left, also after a kill of either side.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.lanes import BULK, CHOSEN
from smsbot.core.nearest import nearest
from smsbot.core.phone import mask
from smsbot.core.reasons import CAP, QUIET
from smsbot.core.status import Status
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Store

from .sends import Sends, Terms, Wish, wrong_with

EACH = 500
"""Texts that are given at once."""
BY = "broadcast "
"""How what requests the texts of a broadcast is called; its name follows."""
SCOPE = "broadcast"
"""Of a pause."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_LENGTH = 16
WORDS: Mapping[str, str] = {
    "delivered": "delivered", "on_its_way": "on the way", "leaving": "leaving", "waiting": "waiting for their turn",
    "quiet": "held: quiet hours", "capped": "held: a cap of money", "opted_out": "not sent: opted out",
    "skipped": "not sent", "stopped": "stopped before they left", "expired": "not sent in time",
    "failed": "refused, or not delivered", "unknown": "nobody knows yet",
}  # fmt: skip
"""How the texts of a broadcast may stand, as people read it."""
_WAITS = ("queue", "behind", "held")


@struct
class Progress:
    """How the texts of a broadcast fare."""

    name: str
    line: str
    at: float
    by: str
    total: int
    written: int
    """How many were given so far."""
    counts: dict[str, int]
    """By outcome: delivered, on_its_way, leaving, waiting, quiet, capped, opted_out, skipped, stopped, expired, …."""
    parts: int
    paused: bool
    stopped: bool

    @property
    def open(self) -> int:
        """How many have not come to their end: not given, waiting, or leaving."""
        waiting = sum(self.counts.get(word, 0) for word in ("waiting", "quiet", "capped", "leaving"))
        return waiting + (0 if self.stopped else self.total - self.written)

    @property
    def done(self) -> bool:
        """Whether nothing of it leaves any more."""
        return not self.open


class Broadcasts:
    """Begins them, takes their texts, and tells how they fare."""

    def __init__(self, store: Store, sends: Sends, clock: Clock) -> None:
        self._store = store
        self._sends = sends
        self._clock = clock

    async def begin(self, identity: bytes, name: str, line: str, total: int, by: str) -> Row:
        """Begin a broadcast, or the same once more; its row. Raises `UsageError` for a name that another one has."""
        if len(identity) != _LENGTH or not _NAME.fullmatch(name):
            raise UsageError(f'"{name[:60]}" is no name; letters, digits, spaces and . _ - make one')
        if total < 1:
            raise UsageError("nobody is to get it")
        ours = self._sends.line(line)
        row = (identity, name, ours.number, total, self._clock.now(), by)
        await self._store.write([("broadcast", row)])
        found = (await self._store.rows("broadcast", event=identity))[:1]
        if not found:
            raise UsageError(f'there is a broadcast "{name}" already, which says something else; give this one a name')
        if found[0]["stopped"] is not None:
            raise UsageError(f'the broadcast "{found[0]["name"]}" was stopped; give it another name to begin it anew')
        return found[0]

    async def add(
        self, identity: bytes, first: int, people: Sequence[tuple[str, str]], *, lane: str, valid: float
    ) -> int:
        """Owe the texts of some people, (number, text) each, which begin at a place; how many are given by now."""
        row = await self._row(identity)
        if row["stopped"] is not None:
            raise UsageError(f'the broadcast "{row["name"]}" was stopped')
        if lane not in CHOSEN:
            raise UsageError(f'"{lane[:40]}" is no lane; there are {", ".join(CHOSEN)}')
        if len(people) > EACH or first + len(people) > row["total"]:
            raise UsageError("these are more than it was begun with")
        for number, text in people:
            if why := wrong_with(number, text):
                raise UsageError(f"{mask(number)}: {why}")
        terms = Terms(BULK, valid, by=f"{BY}{row['name']}", lane=lane)
        wishes = [Wish(number, text) for number, text in people]
        line = self._sends.line(row["line"])
        made = self._sends.compose(line, wishes, terms, identity=identity, asked=row["at"], first=first)
        await self._sends.keep(made)
        await self._store.write([("broadcast_written", (first + len(people), identity))])
        return first + len(people)

    async def pause(self, name: str, do: str) -> Progress:
        """``pause`` or ``resume`` it."""
        row = await self._named(name)
        now, scope = self._clock.now(), row["event"].hex()
        if do == "pause":
            await self._store.pause(SCOPE, scope, now, f'the broadcast "{row["name"]}" is paused')
        else:
            await self._store.resume(SCOPE, scope, now)
        await self._store.write([("broadcast_paused", (now if do == "pause" else None, row["event"]))])
        self._sends.kick()
        return await self.progress(name)

    async def stop(self, name: str, by: str) -> Progress:
        """Take back all that has not left."""
        row = await self._named(name)
        await self._store.write([("broadcast_stopped", (self._clock.now(), row["event"]))])
        after = 0
        while rows := await self._store.rows("of_broadcast", event=row["event"], after=after, limit=EACH):
            await self._sends.cancel([r for r in rows if r["phase"] in _WAITS], by)
            after = rows[-1]["seq"]
        if row["paused"] is not None:
            await self._store.resume(SCOPE, row["event"].hex(), self._clock.now())
        return await self.progress(name)

    async def progress(self, name: str) -> Progress:
        """How one fares."""
        return await self._progress(await self._named(name))

    async def listed(self, limit: int = 50) -> list[Progress]:
        """The newest of them."""
        return [await self._progress(row) for row in await self._store.rows("broadcasts", limit=limit)]

    async def _progress(self, row: Row) -> Progress:
        counts, parts = Counter[str](), 0
        for told in await self._store.rows("broadcast_counts", event=row["event"]):
            counts[_word(told)] += told["n"]
            parts += told["parts"]
        return Progress(
            name=row["name"], line=row["line"], at=row["at"], by=row["by"], total=row["total"],
            written=row["written"], counts=dict(counts), parts=parts,
            paused=row["paused"] is not None, stopped=row["stopped"] is not None,
        )  # fmt: skip

    async def _row(self, identity: bytes) -> Row:
        found = await self._store.rows("broadcast", event=identity)
        if not found:
            raise UsageError("this broadcast was not begun")
        return found[0]

    async def _named(self, name: str) -> Row:
        if found := await self._store.rows("broadcast_named", called=name):
            return found[0]
        near = nearest(name, [r["name"] for r in await self._store.rows("broadcasts", limit=1000)])
        raise UsageError(f'there is no broadcast "{name[:60]}"' + (f'; did you mean "{near}"?' if near else ""))


def _word(row: Row) -> str:
    """How texts stand, in a word."""
    status, phase, detail = Status(row["status"]), row["phase"], row["detail"]
    if status is Status.BLOCKED:
        return "opted_out" if "opted out" in detail else "stopped" if detail.startswith("cancelled") else "skipped"
    if phase in _WAITS:
        return "quiet" if detail.startswith(QUIET) else "capped" if detail.startswith(CAP) else "waiting"
    if phase == "attempt":
        return "leaving"
    if status in (Status.ACCEPTED, Status.SENT):
        return "on_its_way"
    return "failed" if status is Status.UNDELIVERED else status.value


def plain(told: Progress) -> dict[str, Any]:
    """As JSON, for the command line and the API."""
    return {
        "name": told.name, "line": told.line, "at": told.at, "by": told.by, "total": told.total,
        "written": told.written, "counts": told.counts, "parts": told.parts, "paused": told.paused,
        "stopped": told.stopped, "open": told.open, "done": told.done,
    }  # fmt: skip
