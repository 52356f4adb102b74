"""The words of a store, each as units that a lane commits: what is the same whatever the database is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from smsbot.core import codec
from smsbot.core.commit import Commit, Committed, Entry, Timer, Verdict, digest
from smsbot.core.conversation import Conversation
from smsbot.core.errors import StoreError
from smsbot.core.handover import Taken
from smsbot.core.message import Claim, Event, Key, Outgoing, Quarantined
from smsbot.core.status import Status
from smsbot.understanding.said import answer_hash

from .base import Acceptance, Check, Checked, Report, Row, Settlement, event_of
from .deciding.facts import Due
from .deciding.handover import TakeOver
from .deciding.inbound import Accept, Attend, Enqueue, Once, Postpone, Turn
from .deciding.outbound import Cancel, ClaimDue, Close, EndCheck, Ended, Probe, Settle
from .deciding.reports import Reported
from .deciding.rules import Pauses
from .deciding.unit import Named, Pause, Unit
from .memory import Memory
from .records import conversation_of, outgoing_of

_EVERY: Mapping[tuple[str, str], int] = {}
_CROWD = 4096
TALLY = ("tally_events", "tally_texts", "tallied")
"""The statements, in this order, that count what is new for /metrics."""


class Lane(Protocol):
    """The one way into a database: it decides what waits, in its order, and commits it together."""

    @property
    def failing(self) -> bool:
        """Whether the last commit failed."""
        ...

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        ...

    async def submit(self, units: Sequence[Unit]) -> list[Any]:
        """The answers of the units, after the commit that holds them."""
        ...


def _nobody(events: Sequence[Event]) -> None:
    """Nobody listens yet."""


class _Words(ABC):
    """What all words need: a lane, reads by name, and what is remembered between commits."""

    def __init__(self, lane: Lane) -> None:
        self.dedupe_key = b""
        self.memory = Memory()
        self.pauses = Pauses()
        self.lane = lane

    @abstractmethod
    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""

    async def write(self, changes: Sequence[tuple[str, Sequence[object]]], *, settled: bool = False) -> None:
        """Named writes, in one commit; `settled`: while no other process writes, so that no place is open."""
        await self.lane.submit([Named(changes, settled=settled)])

    @property
    def failing(self) -> bool:
        """Whether the last commit failed, as on a full disk."""
        return self.lane.failing

    @property
    def busy(self) -> bool:
        """Whether more waits for the writer than it should."""
        return self.lane.waiting > _CROWD


class _Inbox(_Words):
    """Taking in what wakes conversations."""

    async def once(self, key: bytes, now: float, changes: Sequence[tuple[str, Sequence[object]]] = ()) -> bool:
        """Whether nobody has claimed this key before; from now on it is claimed, and `changes` are written with it."""
        first: bool = (await self.lane.submit([Once(key, now, changes)]))[0]
        return first

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Committed]:
        """Keep events; each is new or a duplicate."""
        answers: list[Committed] = await self.lane.submit([Accept(a) for a in batch])
        for item, answer in zip(batch, answers, strict=True):
            if item.consent is not None and answer.verdict is Verdict.DONE:
                self.memory.consented(item.event.key.number, item.consent.action == "optout")
        return answers

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

    async def attend(self, keys: Sequence[Key]) -> Sequence[Event]:
        """What waits in conversations that no process has, or this one; from now on it has those."""
        answers: list[Sequence[Event]] = await self.lane.submit([Attend(key) for key in keys])
        return [event for events in answers for event in events]

    def forget(self) -> None:
        """Let go of every conversation in memory; the next turn reads it from the database."""
        self.memory.clear()


class _Turns(_Words):
    """Deciding and committing turns."""

    def peek(self, key: Key) -> Conversation | None:
        """The conversation if it is in memory."""
        return self.memory.of(key)

    async def load(self, key: Key) -> Conversation:
        """The conversation, from memory or the database; beside other processes always from there."""
        known = self.memory.of(key) if self.memory.keeps else None
        if known is not None:
            return known
        return self.memory.keep(conversation_of(key, await self.rows("conversation", line=key.line, number=key.number)))

    async def step_express(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Accept an event and finish its turn in one commit."""
        return await self._turns(batch, express=True)

    async def finish(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Commit a piece of a turn whose event was accepted before."""
        return await self._turns(batch, express=False)

    async def _turns(self, batch: Sequence[Commit], express: bool) -> Sequence[Committed]:
        try:
            answers: list[Committed] = await self.lane.submit([Turn(s, express=express) for s in batch])
        except StoreError:
            for step in batch:
                self.memory.drop(step.after.key)
            raise
        for step, answer in zip(batch, answers, strict=True):
            if answer.verdict is Verdict.DONE:
                self.memory.learn(step)
            else:
                self.memory.drop(step.after.key)
        return answers

    async def contact(self, number: str, changes: Mapping[str, str | None]) -> None:
        """Change fields of a person, as they are stored; None removes one."""
        await self.write(
            [
                ("forget", (number, name)) if value is None else ("contact", (number, name, value))
                for name, value in changes.items()
            ]
        )
        stored = {row["name"]: row["value"] for row in await self.rows("person_fields", number=number)}
        self.memory.know(number, stored, {})

    async def postpone(self, event: Event, retry_at: float | None, note: str) -> Sequence[Event]:
        """A turn failed: its event waits, or is a dead letter; what waits behind that."""
        behind: Sequence[Event] = (await self.lane.submit([Postpone(event, retry_at, note)]))[0]
        return behind

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


class _Outbox(_Words):
    """Sending what is owed."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self._wakes: frozenset[Status] = frozenset()
        """Delivery statuses for which a bot listens."""
        self._feed: Callable[[Sequence[Event]], None] = _nobody

    async def enqueue(self, batch: Sequence[Outgoing]) -> Sequence[Committed]:
        """Keep texts that no turn said."""
        return await self.lane.submit([Enqueue(text) for text in batch])

    async def cancel(self, texts: Sequence[tuple[str, Key]], why: str, now: float) -> Sequence[bool]:
        """Keep texts from leaving, each with its conversation; whether each had not left."""
        return await self.lane.submit([Cancel(identity, key, why, now) for identity, key in texts])

    async def claim_out(
        self, now: float, limit: int, room: int = 500, rooms: Mapping[tuple[str, str], int] = _EVERY
    ) -> Sequence[Claim]:
        """Texts that are due, each with a committed attempt."""
        claims: list[Claim] = (await self.lane.submit([ClaimDue(Due(now, limit, room, rooms))]))[0]
        return claims

    async def sent(self, batch: Sequence[Settlement]) -> Sequence[Claim]:
        """Attempts that ended; returns the texts that waited behind them."""
        return self._ended(await self.lane.submit([Settle(s, self._wakes) for s in batch]))

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
        return self._ended(await self.lane.submit([EndCheck(c, self._wakes) for c in batch]))

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
        claims: Sequence[Claim] = (await self.lane.submit([Close(outgoing, status, detail, now)]))[0]
        return claims

    async def suppressed(self, number: str) -> bool:
        """Whether the number has opted out.

        A claim was checked when it was written, and this process is the only writer, so only what was
        committed since can change the answer: that is in memory.
        """
        return self.memory.suppressed.get(number, False)

    async def take_over(self, taken: Taken) -> str:
        """Give a conversation to somebody at the desk; who has it now, which may be somebody who was first."""
        known = self.memory.taken.setdefault(taken.key, taken)  # before it is durable: nothing leaves from here on
        try:
            owner: str = (await self.lane.submit([TakeOver(taken)]))[0]
        except StoreError:
            if known is taken:
                self.memory.taken.pop(taken.key, None)
            raise
        self.memory.leave(taken.key.number)
        self.memory.drop(taken.key)
        return owner

    def taken(self, key: Key) -> Taken | None:
        """Who looks after a conversation; None: its bot does."""
        return self.memory.taken.get(key) if self.memory.taken else None

    async def pause(self, scope: str, name: str, now: float, why: str = "") -> None:
        """Keep texts from leaving: ``all``, or those of a ``line`` or a ``lane``."""
        await self.lane.submit([Pause(scope, name, now, why, ends=False)])
        self.pauses = Pauses(self.pauses.names | {(scope, name)})

    async def resume(self, scope: str, name: str, now: float) -> None:
        """Let them leave again, those that are still worth it."""
        await self.lane.submit([Pause(scope, name, now, "", ends=True)])
        self.pauses = Pauses(self.pauses.names - {(scope, name)})

    def account_held(self, account: str) -> bool:
        """Whether the texts of an account are kept from leaving."""
        return ("account", account) in self.pauses.names

    async def probe(self, account: str, now: float) -> Sequence[Claim]:
        """The first text that the hold of an account keeps, to be tried."""
        found: tuple[Claim, ...] = (await self.lane.submit([Probe(account, now)]))[0]
        return found

    def holds(self, outgoing: Outgoing) -> bool:
        """Whether a pause keeps a text from leaving now."""
        return self.pauses.holds(outgoing)

    @property
    def pausing(self) -> bool:
        """Whether anything is paused."""
        return bool(self.pauses.names)

    def paused(self, line: str) -> bool:
        """Whether the conversations of a line wait."""
        return self.pauses.stops(line)

    async def report(self, batch: Sequence[Report]) -> Sequence[Event]:
        """Delivery reports; returns the events by which they wake conversations."""
        answers = await self.lane.submit([Reported(r) for r in batch])
        return [event for event in answers if event is not None]


class _Hooks(_Words):
    """The secrets and field maps of webhooks."""

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


class CommittingStore(_Inbox, _Turns, _Outbox, _Hooks):
    """A store without its life: whoever extends it opens a database, and reads from it."""

    @abstractmethod
    async def open(self, now: float) -> None:
        """Connect, migrate, and mark every open attempt as unknown."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was submitted and let go of the database."""

    async def erase(
        self, keys: Sequence[Key], number: str, changes: Sequence[tuple[str, Sequence[object]]]
    ) -> None:  # fmt: skip
        """Write what forgets a person, and let go of what is in memory of them; nothing of theirs may be under way."""
        await self.write(changes)
        self.memory.erase(keys, number)

    async def remember(self) -> None:
        """Read what has to be known from the beginning: the key of dedupe, and who looks after whom."""
        self.dedupe_key = (await self.rows("dedupe_key"))[0]["value"]
        for row in await self.rows("takeovers", limit=1_000_000):
            key = Key(row["line"], row["number"])
            self.memory.taken[key] = Taken(key, row["owner"], row["at"])


def _listed(names: Iterable[str]) -> str:
    """Names as one parameter, each between line ends."""
    return "\n".join(("", *names, ""))
