"""Texts that answer nothing, as a program or a person wants them sent: one, or many in one commit; and taken back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smsbot.core import phone, segments
from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.core.lanes import BULK, CHOSEN, NOTICE, PRIORITY, REPLY
from smsbot.core.message import Event, Key, Outgoing, Reply
from smsbot.core.otp import Wanted
from smsbot.core.reasons import CAP, CODES, QUIET
from smsbot.core.status import Status
from smsbot.core.structs import struct
from smsbot.routing.bot import Bot
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line, Lines
from smsbot.turns.outgoing import outgoing_for

from .sender import Sender

MOST = 1000
"""Texts of one request."""
KINDS = (NOTICE, "code", BULK, REPLY)
"""What a text is for, which says how urgent it is; a code is shown to nobody."""
_EACH = 500
"""Texts that are taken back in one commit."""
CANCELLED = "cancelled by "


@struct
class Wish:
    """A text to one number, in E.164 spelling or as a short code."""

    number: str
    text: str
    ref: str = ""
    due: float | None = None
    """When; None is now."""


@struct
class Terms:
    """What holds for all texts of a request."""

    kind: str = "notice"
    valid: float = 0.0
    """Seconds for which it is worth sending; 0: as long as others of its lane."""
    lane: str = ""
    """How urgent they are; empty: as their kind says."""
    flash: bool = False
    media: str = ""
    by: str = "command line"


class Sends:
    """Keeps texts, starts those that may leave now, and takes back those that have not left."""

    def __init__(self, store: Store, lines: Lines, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._lines = lines
        self._sender = sender
        self._clock = clock

    def line(self, called: str) -> Line:
        """The line of a name; the first of all where none is named. Raises `UsageError`."""
        ours = self._lines.find(called) if called else self._lines.values()[0]
        if ours is None:
            raise UsageError(f"{called[:40]} is none of our lines")
        return ours

    async def send(
        self, line: Line, wishes: Sequence[Wish], terms: Terms, *, identity: bytes = b"", asked: float = 0.0
    ) -> list[Row]:
        """Keep the texts, all in one commit; the rows that stand for them now, in their order.

        Of the same `identity`, asked at the same moment, they are the same texts, however often they are sent.
        """
        return await self.keep(self.compose(line, wishes, terms, identity=identity, asked=asked))

    async def keep(self, made: Sequence[Outgoing]) -> list[Row]:
        """Keep texts that are composed, all in one commit; the rows that stand for them now, in their order."""
        answers = await self._store.enqueue(made)
        for answer in answers:
            self._sender.start(answer.claims)
        if not all(answer.claims for answer in answers):  # later, or when their turn comes
            self._sender.kick()
        if len(made) == 1:
            begun = answers[0].claims
            return [_begun(made[0])] if begun else await self._store.rows("outgoing", id=made[0].id)
        kept = await self._store.rows("of_ids", ids=_listed([text.id for text in made]))
        by_id = {row["id"]: row for row in kept}
        return [by_id[text.id] for text in made]

    def compose(
        self, line: Line, wishes: Sequence[Wish], terms: Terms, *,
        identity: bytes = b"", asked: float = 0.0, first: int = 0, code: Wanted | None = None,
    ) -> list[Outgoing]:  # fmt: skip
        """The texts, ready to be owed; of those of one identity they begin at the place `first`."""
        now = self._clock.now()
        event = Event(
            identity or secrets.token_bytes(16), Key(line.number, ""), "send", "", asked or now, line.account, again=now
        )
        secret = terms.kind == "code"
        lane = terms.lane or (PRIORITY if secret else terms.kind)
        made = []
        for n, wish in enumerate(wishes, first):
            reply = Reply(
                wish.text, terms.valid, wish.due, flash=terms.flash, media=terms.media, ref=wish.ref, secret=secret,
                lane=lane, code=code,
            )  # fmt: skip
            theirs = replace(event, key=Key(line.number, wish.number))
            made.append(outgoing_for(reply, n, theirs, line, now, by=terms.by))
        return made

    async def of_bot(
        self, bot: Bot, text: str, to: str, *,
        line: str, at: float | None, lane: str, valid: float, ref: str, key: str,
    ) -> str:  # fmt: skip
        """A text that a bot sends by itself; what becomes of it. Raises `UsageError`."""
        own = [each for each in self._lines.values() if each.bot is bot and line in ("", each.number)]
        if not own:
            raise UsageError(f'"{line[:40]}" is no line of the bot {bot.name}')
        if lane not in CHOSEN:
            raise UsageError(f'"{lane[:40]}" is no lane; there are {", ".join(CHOSEN)}')
        number = phone.asked(to, own[0].country)
        if why := wrong_with(number, text):
            raise UsageError(f"{phone.mask(number)}: {why}")
        identity = digest("bot", bot.name, key, number) if key else b""
        # what counts once is one and the same text, whenever it is sent
        terms, asked = Terms(NOTICE, valid, by=bot.name, lane=lane), 1.0 if key else 0.0
        row = (await self.send(own[0], [Wish(number, text, ref, at)], terms, identity=identity, asked=asked))[0]
        return outcome(row)[0]

    def kick(self) -> None:
        """Look now for what may leave."""
        self._sender.kick()

    async def cancel(self, rows: Sequence[Row], by: str) -> int:
        """Take back those of some texts that have not left; how many."""
        now, done = self._clock.now(), 0
        named = [(row["id"], Key(row["line"], row["number"])) for row in rows if row["phase"] is not None]
        for at in range(0, len(named), _EACH):
            done += sum(await self._store.cancel(named[at : at + _EACH], f"{CANCELLED}{by}", now))
        if done:
            self._sender.kick()
        return done

    async def cancel_request(self, event: bytes, by: str) -> int:
        """Take back all texts of a request that have not left; how many."""
        after, done = 0, 0
        while rows := await self._store.rows("of_request", event=event, after=after, limit=_EACH):
            done += await self.cancel(rows, by)
            after = rows[-1]["seq"]
        return done


def wrong_with(number: str, text: str) -> str:
    """Why a text cannot be sent to a number; empty if it can."""
    if not phone.can_receive(number):
        return "is not a phone number; write it as +48600100200"
    if not text.strip():
        return "the text is empty"
    parts = segments.count(text).segments
    if parts > segments.MAX_PARTS:
        return f"a text of {parts} SMS parts is refused; {segments.MAX_PARTS} is the most"
    return ""


def outcome(row: Row) -> tuple[str, str]:
    """How a text stands, in a word for programs, and why."""
    status, phase = Status(row["status"]), row["phase"]
    if status is Status.BLOCKED:
        if row["detail"].startswith(CODES):
            return "too_many", row["detail"]
        word = "opted_out" if "opted out" in row["detail"] else "cancelled" if CANCELLED in row["detail"] else "skipped"
        return word, row["detail"]
    if phase == "held":
        return "paused", "a pause keeps it; it leaves when that ends"
    if phase == "queue" and row["detail"].startswith((QUIET, CAP)):
        return "held", row["detail"]
    if phase == "queue" and row["scheduled"] and not row["attempts"]:
        return "scheduled", ""
    return status.value, row["detail"]


def described(row: Row) -> dict[str, Any]:
    """A text and how it stands, without what it says."""
    word, why = outcome(row)
    told = {"id": row["id"], "reference": row["ref"], "line": row["line"], "to": row["number"], "status": word}
    return told | {"why": why, "kind": row["kind"] or row["lane"], "parts": row["parts"]}


def _begun(text: Outgoing) -> Row:
    """The row of a text that is on its way already, without a look at the database."""
    line, number = text.key
    return {
        "id": text.id, "line": line, "number": number, "ref": text.ref, "lane": text.lane, "kind": text.kind,
        "status": Status.SENDING.value, "phase": "attempt", "scheduled": 0, "attempts": 1, "detail": "",
        "parts": text.segments, "created": text.created, "due": text.due, "price": None,
    }  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return '["' + '","'.join(names) + '"]'
