"""Repairs by hand, from the desk: pauses, failed texts sent again, failed turns taken again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.core.lanes import CHOSEN, LIFE, NOTICE
from smsbot.core.message import Key, Outgoing
from smsbot.core.nearest import nearest
from smsbot.core.phone import mask
from smsbot.core.status import Status
from smsbot.stores.base import Row, Store

from .dispatcher import Dispatcher
from .sender import Sender

AGAIN = (Status.FAILED, Status.EXPIRED, Status.UNDELIVERED, Status.UNKNOWN)
"""The statuses of texts that may be sent again by hand. An unknown text may have arrived, so it must be named."""
Scope = tuple[str, str]


def scope_of(what: str, lines: Mapping[str, Sequence[str]], accounts: Iterable[str] = ()) -> list[Scope]:
    """The scopes that words pause: everything, a bot's lines, a line, a lane or an account. Raises `UsageError`."""
    if not what:
        return [("all", "")]
    if what in lines:
        return [("line", line) for line in lines[what]]
    if any(what in own for own in lines.values()):
        return [("line", what)]
    if what in CHOSEN:
        return [("lane", what)]
    kind, _, name = what.partition(" ")
    if kind == "account" and name in accounts:
        return [(kind, name)]
    known = [*lines, *(line for own in lines.values() for line in own), *CHOSEN, *(f"account {a}" for a in accounts)]
    near = nearest(what, known)
    hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(known)}"
    raise UsageError(f'"{what}" is no bot, line, lane or account{hint}')


async def pauses(store: Store, do: str, scopes: Sequence[Scope], everything: bool, why: str, now: float) -> None:
    """Pause or resume; to resume everything ends every pause there is."""
    if do == "resume" and everything:
        scopes = [(row["scope"], row["name"]) for row in await store.rows("pauses")]
    for scope, name in scopes:
        if do == "pause":
            await store.pause(scope, name, now, why)
        else:
            await store.resume(scope, name, now)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which failed texts or turns are meant."""

    since: float = 0.0
    line: str = ""
    reason: str = ""
    """A part of what is written of why it failed."""
    statuses: tuple[str, ...] = (Status.FAILED,)

    async def texts(self, tables: Any) -> list[Row]:
        """The failed texts."""
        rows: list[Row] = await tables.rows(
            "failed", since=self.since, line=self.line, reason=self.reason, statuses=",".join(self.statuses)
        )
        return rows

    async def turns(self, tables: Any) -> list[Row]:
        """The dead letters."""
        rows: list[Row] = await tables.rows("dead", since=self.since, line=self.line, reason=self.reason)
        return rows


class Repairs:
    """Takes up what had failed."""

    def __init__(self, store: Store, dispatcher: Dispatcher, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._sender = sender
        self._clock = clock
        self._taking = asyncio.Lock()

    async def pause(self, scopes: Sequence[Sequence[str]], everything: bool, why: str) -> None:
        """Keep texts from leaving."""
        await pauses(self._store, "pause", [(s, n) for s, n in scopes], everything, why, self._clock.now())

    async def resume(self, scopes: Sequence[Sequence[str]], everything: bool, why: str = "") -> None:
        """Let them leave, and conversations go on."""
        await pauses(self._store, "resume", [(s, n) for s, n in scopes], everything, why, self._clock.now())
        self._dispatcher.queues.resumed()
        self._sender.kick()

    async def send_again(self, wanted: Filter) -> int:
        """Owe failed texts anew, each once however often it is asked for; how many.

        They are texts of their own, so that what became of the first stays on record.
        """
        return await self.send_these_again(await wanted.texts(self._store))

    async def send_these_again(self, rows: Iterable[Row]) -> int:
        """The same for texts that somebody has chosen."""
        return sum([(await self._again(row))[1] for row in rows])

    async def send_one_again(self, row: Row) -> str:
        """Owe a text anew, whatever became of it; the id of the new one, the same however often it is asked for."""
        return (await self._again(row))[0]

    async def _again(self, row: Row) -> tuple[str, bool]:
        """The id of the text that follows one, and whether it was made now."""
        line = self._dispatcher.lines.get(row["line"])
        if row["kind"] == "code":
            raise UsageError("a code is not sent again: it may be void; let the bot send a new one")
        text = again(row, line.account_of(row["lane"]) if line is not None else row["account"], self._clock.now())
        note = f"sent again as {text.id}"
        async with self._taking:
            made = not await self._store.rows("outgoing", id=text.id)
            if made:
                answer = (await self._store.enqueue([text]))[0]
                self._sender.start(answer.claims)
            told = (await self._store.rows("outgoing", id=row["id"]))[0]["detail"]
            if note not in told:  # a report that came later may have told something else
                await self._store.write([("sent_again", (note, row["id"]))])
        return text.id, made

    async def take_again(self, wanted: Filter, only: Collection[int] | None = None) -> int:
        """Give dead letters another turn, each one once, however often it is asked for; how many.

        `only` are the places of those that are meant; None: all.
        """
        async with self._taking:
            rows, now = await wanted.turns(self._store), self._clock.now()
            rows = [row for row in rows if only is None or row["seq"] in only]
            for row in rows:
                await self._store.write([("revive", (now, row["seq"]))])
        self._dispatcher.feed(await self._store.attend([Key(row["line"], row["number"]) for row in rows]))
        return len(rows)


def again(row: Row, account: str, now: float) -> Outgoing:
    """A failed text as a new one, through the line's account of today.

    Its id follows from the first's, so that it is the same however often it is asked for.
    """
    identity = f"{row['id'][:8]}{digest('again', row['id'], size=7).hex()}"
    return Outgoing(
        identity,
        key=Key(row["line"], row["number"]),
        account=account,
        text=row["text"],
        segments=row["parts"],
        created=now,
        due=now,
        expires=now + LIFE[NOTICE],
        event=row["event"],
        lane=row["lane"],
        flash=bool(row["flash"]),
        media=row["media"],
        by=row["requested_by"],
        ref=row["ref"],
        kind=row["kind"],
    )


def described(row: Row) -> str:
    """A failed text or turn in a line, masked."""
    why = f": {row['detail']}" if row["detail"] else ""
    return f"{mask(row['number'])} on {row['line']}, {row['status']}{why}"
