"""The store on one SQLite file: WAL, synchronous=FULL, one writer thread, read-only readers."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from smsbot.core import codec
from smsbot.core.commit import Commit, Committed, Entry, Timer, Verdict, digest
from smsbot.core.conversation import Conversation
from smsbot.core.errors import StoreError, StoreLocked
from smsbot.core.handover import Taken
from smsbot.core.message import Claim, Event, Key, Outgoing, Quarantined
from smsbot.core.status import Status
from smsbot.understanding.said import answer_hash

from . import queries
from .base import Acceptance, Check, Checked, Report, Row, Settlement, conversation_of, event_of, outgoing_of
from .deciding.facts import Due
from .deciding.handover import TakeOver
from .deciding.inbound import Accept, Enqueue, Once, Turn
from .deciding.outbound import Cancel, ClaimDue, Close, EndCheck, Ended, Probe, Settle
from .deciding.reports import Reported
from .deciding.rules import ASIDE, NO_RULES, Pauses, Rules
from .deciding.unit import Named, Pause
from .place import Lock, Mark
from .readers import HotReader, SqliteReader
from .writer import Hand, Statements, Writer

_CACHED = 50_000
_EVERY: Mapping[tuple[str, str], int] = {}
_CROWD = 4096
_LOCK_TRIES = 20
_TALLY_EACH = 50_000
"""Rows that are written until what is new is tallied."""


def _nobody(events: Sequence[Event]) -> None:
    """Nobody listens yet."""


class SqliteStore:
    """Everything in one file of mode 0600, served by one process at a time.

    A `guarded` one refuses to begin anew, or with less, where a database was served before.
    """

    def __init__(self, path: str | Path, *, guarded: bool = True, rules: Rules = NO_RULES) -> None:
        self.path = Path(path)
        self.dedupe_key = b""
        self._writer = Writer(
            str(self.path), Statements(queries.load("sqlite", "writes"), queries.load("sqlite", "selects")), rules
        )
        self._pauses = Pauses()
        self._wakes: frozenset[Status] = frozenset()
        """Delivery statuses for which a bot listens."""
        self._feed: Callable[[Sequence[Event]], None] = _nobody
        self._cache: OrderedDict[Key, Conversation] = OrderedDict()
        self._lines: set[str] = set()
        self._contacts: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        """Contacts as this process last wrote them: a turn that began before must not bring an old one back."""
        self._suppressed: dict[str, bool] = {}
        self._taken: dict[Key, Taken] = {}
        """Conversations that people at the desk look after."""
        self._lock = Lock(self.path)
        self._mark = Mark(self.path)
        self._guarded = guarded
        self._seq = 0
        """The place of the last event that is durable."""
        self._tallied = 0
        self._hot = HotReader(path)
        self._pages = SqliteReader(path)

    # -- life ---------------------------------------------------------------------------------------

    async def open(self, now: float) -> None:
        """Lock, migrate, mark open attempts as unknown, connect the readers."""
        if self._guarded:
            self._mark.check_there()
        await self._wait_for_lock()
        try:
            if self._guarded:
                self._mark.check_name()
            await self._writer.start(lambda hand: self._prepare(hand, now))
            self._hot.open()
            await self._pages.open()
            self.dedupe_key = (await self.rows("dedupe_key"))[0]["value"]
            for row in await self.rows("takeovers", limit=1_000_000):
                key = Key(row["line"], row["number"])
                self._taken[key] = Taken(key, row["owner"], row["at"])
            self._keep_mark()
        except BaseException:
            await self.close()
            raise

    def _prepare(self, hand: Hand, now: float) -> None:
        hand.run("crashed_attempts", now)
        hand.run("crashed_texts", now)
        hand.run("orphaned_texts", now)
        _tally(hand)
        hand.run("meta", "dedupe_key", secrets.token_bytes(32))
        hand.run("meta", "began", repr(now))
        self._seq = hand.rows("last_event")[0]["seq"]
        self._pauses = Pauses((row["scope"], row["name"]) for row in hand.rows("pauses"))
        for scope, name in self._pauses.names:
            if scope not in ASIDE:
                hand.run("park_all", scope, name)

    def _keep_mark(self) -> None:
        """See that nothing is lost since the last time, and keep from now on what is durable."""
        identity = digest("database", key=self.dedupe_key)[:8]
        if self._guarded:
            self._mark.check_same(identity, self._seq)
        self._mark.open(identity, self._seq)
        self._writer.committed = self._committed

    def _committed(self, db: sqlite3.Connection, seq: int) -> None:
        """Mark what is durable, and tally it now and then."""
        if seq > self._seq:
            self._seq = seq
            self._mark.keep(seq)
        if db.total_changes - self._tallied > _TALLY_EACH:
            self._tallied = db.total_changes
            self._writer.alone(db, _tally)

    async def _wait_for_lock(self) -> None:
        """Take the lock; a process that has just been killed may hold it for a moment still."""
        for _ in range(_LOCK_TRIES):
            try:
                self._lock.take()
                return
            except StoreLocked:
                await asyncio.sleep(0.05)
        self._lock.take()

    async def close(self) -> None:
        """Commit what was submitted, close all connections, let the lock go."""
        self._hot.close()
        await self._pages.close()
        await self._writer.stop()
        self._mark.close()
        self._lock.close()

    @property
    def failing(self) -> bool:
        """Whether the last commit failed, as on a full disk."""
        return self._writer.failing

    @property
    def busy(self) -> bool:
        """Whether more waits for the writer than it should."""
        return self._writer.waiting > _CROWD

    # -- inbox --------------------------------------------------------------------------------------

    async def once(self, key: bytes, now: float, changes: Sequence[tuple[str, Sequence[object]]] = ()) -> bool:
        """Whether nobody has claimed this key before; from now on it is claimed, and `changes` are written with it."""
        first: bool = (await self._writer.submit([Once(key, now, changes)]))[0]
        return first

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Committed]:
        """Keep events; each is new or a duplicate."""
        answers: list[Committed] = await self._writer.submit([Accept(a) for a in batch])
        for item, answer in zip(batch, answers, strict=True):
            if item.consent is not None and answer.verdict is Verdict.DONE:
                self._consented(item.event.key.number, item.consent.action == "optout")
        return answers

    def _consented(self, number: str, opted_out: bool) -> None:
        self._suppressed[number] = opted_out
        self._forget(number)

    def _forget(self, number: str) -> None:
        """Let go of a person's conversations on all lines."""
        for line in self._lines:
            self._cache.pop(Key(line, number), None)

    async def unread(self, after: int, limit: int) -> Sequence[Event]:
        """Events without a turn yet, behind the place `after`."""
        rows = await self.rows("unread", after=after, limit=limit)
        return [event_of(r, attempts=r["attempts"], again=r["retry_at"] or 0.0) for r in rows]

    async def quarantine(self, batch: Sequence[Quarantined]) -> None:
        """Keep webhooks that were not understood."""
        await self.write(
            [
                (
                    "quarantine",
                    (q.account, q.kind, digest(q.account, q.kind, q.body), q.body, codec.dumps(dict(q.headers)),
                     q.reason, q.at),
                )
                for q in batch
            ]
        )  # fmt: skip

    def forget(self) -> None:
        """Let go of every conversation in memory; the next turn reads it from the database."""
        self._cache.clear()
        self._contacts.clear()

    async def erase(
        self, keys: Sequence[Key], number: str, changes: Sequence[tuple[str, Sequence[object]]]
    ) -> None:  # fmt: skip
        """Write what forgets a person, and let go of what is in memory of them; nothing of theirs may be under way."""
        await self.write(changes)
        self._contacts.pop(number, None)
        for key in keys:
            self._taken.pop(key, None)
            self._cache.pop(key, None)

    # -- turns --------------------------------------------------------------------------------------

    def peek(self, key: Key) -> Conversation | None:
        """The conversation if it is in memory."""
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
        return found

    async def load(self, key: Key) -> Conversation:
        """The conversation, from memory or the database."""
        cached = self.peek(key)
        if cached is not None:
            return cached
        self._remember(conversation_of(key, await self.rows("conversation", line=key.line, number=key.number)))
        return self._cache[key]

    def _remember(self, conversation: Conversation) -> None:
        key = conversation.key
        taken = self._taken.get(key)
        if taken is not None and not conversation.owner:  # a turn that began before it was taken over
            conversation = replace(conversation, owner=taken.owner)
        opted_out = self._suppressed.get(key.number, conversation.opted_out)
        contact = self._contacts.get(key.number, conversation.contact)
        if opted_out != conversation.opted_out or contact is not conversation.contact:
            conversation = replace(conversation, opted_out=opted_out, contact=contact)
        self._cache[key] = conversation
        self._lines.add(key.line)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)

    async def step_express(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Accept an event and finish its turn in one commit."""
        return await self._turns(batch, express=True)

    async def finish(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Commit a piece of a turn whose event was accepted before."""
        return await self._turns(batch, express=False)

    async def _turns(self, batch: Sequence[Commit], express: bool) -> Sequence[Committed]:
        try:
            answers: list[Committed] = await self._writer.submit([Turn(s, express=express) for s in batch])
        except StoreError:
            for step in batch:
                self._cache.pop(step.after.key, None)
            raise
        for step, answer in zip(batch, answers, strict=True):
            self._learn(step, answer)
        return answers

    def _learn(self, step: Commit, answer: Committed) -> None:
        if answer.verdict is not Verdict.DONE:
            self._cache.pop(step.after.key, None)
            return
        number = step.after.key.number
        if step.gives_back:
            self._taken.pop(step.after.key, None)
        if step.contact:  # a contact is shared by lines
            self._know(number, self._contacts.get(number, step.after.contact), step.contact)
        self._remember(step.after)

    async def contact(self, number: str, changes: Mapping[str, str | None]) -> None:
        """Change fields of a person, as they are stored; None removes one."""
        await self.write(
            [
                ("forget", (number, name)) if value is None else ("contact", (number, name, value))
                for name, value in changes.items()
            ]
        )
        stored = {row["name"]: row["value"] for row in await self.rows("person_fields", number=number)}
        self._know(number, stored, {})

    def _know(self, number: str, known: Mapping[str, str], changes: Mapping[str, str | None]) -> None:
        """Keep a contact as it is now; conversations in memory hold it as it was."""
        self._contacts[number] = {k: v for k, v in {**known, **changes}.items() if v is not None}
        if len(self._contacts) > _CACHED:
            self._contacts.popitem(last=False)
        self._forget(number)

    async def postpone(self, event: Event, retry_at: float | None, note: str) -> None:
        """A turn failed: its event waits, or is a dead letter."""
        state = 0 if retry_at is not None else 2
        await self.write([("postpone", (state, retry_at, note, event.seq))])

    async def repeats(self, conversation: Conversation, event: Event) -> bool:
        """Whether a text says once more what was just answered, before our next text had left."""
        answered = conversation.answered
        if event.kind != "text" or not answered or answered[:8] != answer_hash(event.text):
            return False
        rows = await self.rows("heard_of", number=event.key.number, event=answered[8:], before=event.at)
        return bool(rows[0]["going"]) and not rows[0]["left"]

    async def journal(self, run: bytes, frame: bytes) -> Sequence[Entry]:
        """The records of a journal: all that has already happened in a turn that runs again."""
        rows = await self.rows("journal", run=run, frame=frame)
        return [Entry(run, frame, r["seq"], r["kind"], r["value"]) for r in rows]

    async def sweep(self, now: float, limit: int) -> Sequence[Timer]:
        """Timers that are due."""
        rows = await self.rows("due_timers", now=now, limit=limit)
        return [Timer(Key(r["line"], r["number"]), r["name"], r["due"], r["data"]) for r in rows]

    async def next_due(self, full: Collection[tuple[str, str]] = ()) -> float | None:
        """When the next timer, text, look-up or retry is due; no text of the lanes of lines in `full`."""
        name, beside = ("next_due_beside", {"full": _listed("\t".join(p) for p in full)}) if full else ("next_due", {})
        due: float | None = (await self.rows(name, **beside))[0]["due"]
        return due

    # -- outbox -------------------------------------------------------------------------------------

    async def enqueue(self, batch: Sequence[Outgoing]) -> Sequence[Committed]:
        """Keep texts that no turn said."""
        return await self._writer.submit([Enqueue(text) for text in batch])

    async def cancel(self, texts: Sequence[tuple[str, Key]], why: str, now: float) -> Sequence[bool]:
        """Keep texts from leaving, each with its conversation; whether each had not left."""
        return await self._writer.submit([Cancel(identity, key, why, now) for identity, key in texts])

    async def claim_out(
        self, now: float, limit: int, room: int = 500, rooms: Mapping[tuple[str, str], int] = _EVERY
    ) -> Sequence[Claim]:
        """Texts that are due, each with a committed attempt."""
        claims: list[Claim] = (await self._writer.submit([ClaimDue(Due(now, limit, room, rooms))]))[0]
        return claims

    async def sent(self, batch: Sequence[Settlement]) -> Sequence[Claim]:
        """Attempts that ended; returns the texts that waited behind them."""
        return self._ended(await self._writer.submit([Settle(s, self._wakes) for s in batch]))

    async def retry(self, batch: Sequence[Settlement]) -> Sequence[Claim]:
        """Attempts that definitely did not send; returns texts that waited behind one that had arrived after all."""
        return await self.sent(batch)

    async def claim_checks(self, now: float, limit: int, full: frozenset[str] = frozenset()) -> Sequence[Check]:
        """Unknown texts that are due to be looked up."""
        return [
            Check(Claim(outgoing_of(r), r["attempts"]), r["started"], r["absences"], r["resends"])
            for r in await self.rows("due_checks", now=now, limit=limit, full=_listed(full))
        ]

    async def references(self, number: str) -> frozenset[str]:
        """The provider's ids of the texts to a number."""
        return frozenset(r["reference"] for r in await self.rows("references", number=number))

    async def checked(self, batch: Sequence[Checked]) -> Sequence[Claim]:
        """Look-ups that ended; returns the texts to resend."""
        return self._ended(await self._writer.submit([EndCheck(c, self._wakes) for c in batch]))

    def listen(self, wakes: frozenset[Status], feed: Callable[[Sequence[Event]], None]) -> None:
        """Give events to `feed` for reports with these statuses that had come before their text was known."""
        self._wakes, self._feed = wakes, feed

    def _ended(self, answers: Sequence[Ended]) -> Sequence[Claim]:
        events = [event for _, woken in answers for event in woken]
        if events:
            self._feed(events)
        return [claim for claims, _ in answers for claim in claims]

    async def close_out(self, outgoing: Outgoing, status: Status, detail: str, now: float) -> Sequence[Claim]:
        """End a claimed text without sending it; returns the text that waited behind it."""
        claims: Sequence[Claim] = (await self._writer.submit([Close(outgoing, status, detail, now)]))[0]
        return claims

    async def suppressed(self, number: str) -> bool:
        """Whether the number has opted out.

        A claim was checked when it was written, and this process is the only writer, so only what was
        committed since can change the answer: that is in memory.
        """
        return self._suppressed.get(number, False)

    async def take_over(self, taken: Taken) -> str:
        """Give a conversation to somebody at the desk; who has it now, which may be somebody who was first."""
        known = self._taken.setdefault(taken.key, taken)  # before it is durable: nothing leaves from here on
        try:
            owner: str = (await self._writer.submit([TakeOver(taken)]))[0]
        except StoreError:
            if known is taken:
                self._taken.pop(taken.key, None)
            raise
        self._forget(taken.key.number)
        self._cache.pop(taken.key, None)
        return owner

    def taken(self, key: Key) -> Taken | None:
        """Who looks after a conversation; None: its bot does."""
        return self._taken.get(key) if self._taken else None

    async def pause(self, scope: str, name: str, now: float, why: str = "") -> None:
        """Keep texts from leaving: ``all``, or those of a ``line`` or a ``lane``."""
        await self._writer.submit([Pause(scope, name, now, why, ends=False)])
        self._pauses = Pauses(self._pauses.names | {(scope, name)})

    async def resume(self, scope: str, name: str, now: float) -> None:
        """Let them leave again, those that are still worth it."""
        await self._writer.submit([Pause(scope, name, now, "", ends=True)])
        self._pauses = Pauses(self._pauses.names - {(scope, name)})

    def account_held(self, account: str) -> bool:
        """Whether the texts of an account are kept from leaving."""
        return ("account", account) in self._pauses.names

    async def probe(self, account: str, now: float) -> Sequence[Claim]:
        """The first text that the hold of an account keeps, to be tried."""
        found: tuple[Claim, ...] = (await self._writer.submit([Probe(account, now)]))[0]
        return found

    def holds(self, outgoing: Outgoing) -> bool:
        """Whether a pause keeps a text from leaving now."""
        return self._pauses.holds(outgoing)

    @property
    def pausing(self) -> bool:
        """Whether anything is paused."""
        return bool(self._pauses.names)

    def paused(self, line: str) -> bool:
        """Whether the conversations of a line wait."""
        return self._pauses.stops(line)

    async def report(self, batch: Sequence[Report]) -> Sequence[Event]:
        """Delivery reports; returns the events by which they wake conversations."""
        answers = await self._writer.submit([Reported(r) for r in batch])
        return [event for event in answers if event is not None]

    # -- hooks --------------------------------------------------------------------------------------

    async def hook_secrets(self) -> Mapping[str, tuple[str, ...]]:
        """The live secrets of each account, newest first."""
        found: dict[str, tuple[str, ...]] = {}
        for row in await self.rows("hook_secrets"):
            found[row["account"]] = (*found.get(row["account"], ()), row["secret"])
        return found

    async def add_hook_secret(self, account: str, secret: str, now: float) -> None:
        """Make one more secret live; of three, the oldest dies."""
        live = (await self.hook_secrets()).get(account, ())
        changes: list[tuple[str, Sequence[object]]] = [("hook_secret", (account, secret, now))]
        changes += [("retire_secret", (account, old)) for old in live[1:]]
        await self.write(changes)

    async def set_hook_map(self, account: str, kind: str, fields: Mapping[str, str], now: float) -> None:
        """Remember how an account spells the fields of a webhook."""
        await self.write([("hook_map", (account, kind, codec.dumps(dict(fields)), now))])

    async def replayed(self, quarantined: int, now: float) -> None:
        """A webhook from quarantine was understood."""
        await self.write([("replayed", (now, quarantined))])

    # -- tables -------------------------------------------------------------------------------------

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        return self._hot.rows(name, parameters) if name in self._hot else await self._pages.rows(name, **parameters)

    async def write(self, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        """Named writes, in one commit."""
        await self._writer.submit([Named(changes)])


def _tally(hand: Hand) -> None:
    """Count what is new for /metrics."""
    for name in ("tally_events", "tally_texts", "tallied"):
        hand.run(name)


def _listed(names: Iterable[str]) -> str:
    """Names as one parameter, each between line ends."""
    return "\n".join(("", *names, ""))
