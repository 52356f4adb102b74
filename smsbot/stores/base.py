"""The store as the pipeline sees it: few words, each on a list that is committed at once.

A store deduplicates, orders, fences and refuses suppressed numbers by itself; callers never see a
transaction. Every call is durable when it returns. `now` is always the caller's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from smsbot.core.commit import Commit, Committed, Entry, Timer
from smsbot.core.conversation import Conversation
from smsbot.core.handover import Taken
from smsbot.core.message import Claim, Event, Key, Outgoing, Quarantined, Receipt
from smsbot.core.status import Status
from smsbot.core.structs import struct

from .peers import Peers

Row = dict[str, Any]
_EVERY: Mapping[tuple[str, str], int] = {}


def event_of(row: Row, *, attempts: int = 0, again: float = 0.0) -> Event:
    """The event of a row of the inbox; `again` is when its turn is taken anew."""
    return Event(
        id=row["id"],
        key=Key(row["line"], row["number"]),
        kind=row["kind"],
        text=row["text"],
        at=row["at"],
        account=row["account"],
        data=row["data"],
        gateway_id=row["gateway_id"],
        seq=row["seq"],
        attempts=attempts,
        again=again,
    )


@struct
class Consent:
    """A person's word about texts from us, with what proves it."""

    action: str
    """``optout`` or ``optin``."""
    text: str
    source: str
    shown: str = ""
    """The text that the person is shown with it: our confirmation."""
    said: float | None = None
    """The provider's time of it, where it has one."""


@struct
class Acceptance:
    """An event to take in, with what must be true the moment it is acknowledged."""

    event: Event
    consent: Consent | None = None
    outgoing: tuple[Outgoing, ...] = ()
    """Answers that need no turn: HELP to a number that opted out; a confirmation, if consent changes."""
    timer: Timer | None = None
    """The timer that fires with this event; already gone means duplicate."""
    done: bool = False
    """No turn is needed."""
    note: str = ""
    waits: Timer | None = None
    """A timer that is set with it."""
    changes: tuple[tuple[str, tuple[object, ...]], ...] = ()
    """Named writes in the same commit."""
    beside: frozenset[tuple[str, str]] | None = None
    """Names and data of the parts of long texts that it was decided on; where others wait by now it is fenced."""


class SendOutcome(StrEnum):
    """The outcome of an attempt to send."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LATER = "later"
    """Definitely not sent: throttled, or the provider could not be reached."""


@struct
class Settlement:
    """The end of one attempt. `again` is when to look up (unknown) or to send again (later)."""

    claim: Claim
    fate: SendOutcome
    now: float
    reference: str = ""
    detail: str = ""
    again: float = 0.0
    parts: tuple[str, ...] = ()
    """The provider's further ids, where it has one for each SMS of the text."""


@struct
class Check:
    """An unknown text that is due to be looked up."""

    claim: Claim
    started: float
    absences: int
    resends: int


class LookupOutcome(StrEnum):
    """The outcome of a look-up."""

    FOUND = "found"
    ABSENT = "absent"
    """Not there; ask again at `again`."""
    RESEND = "resend"
    LATER = "later"
    """The look-up itself failed; ask again at `again`. What waits behind the text waits no longer."""
    HOLD = "hold"
    """Nothing more can be learnt; the desk decides."""


@struct
class Checked:
    """The end of one look-up."""

    check: Check
    finding: LookupOutcome
    now: float
    status: Status = Status.ACCEPTED
    again: float = 0.0
    detail: str = ""
    reference: str = ""
    """The provider's id of what was found, where it is not ours."""


@struct
class Report:
    """A delivery report, and the statuses whose arrival wakes the conversation."""

    receipt: Receipt
    wakes: frozenset[Status] = frozenset()


class Inbox(Protocol):
    """Taking in what wakes conversations."""

    async def once(self, key: bytes, now: float, changes: Sequence[tuple[str, Sequence[object]]] = ()) -> bool:
        """Whether nobody has claimed this key before; from now on it is claimed, and `changes` are written with it."""
        ...

    async def accept(self, batch: Sequence[Acceptance]) -> Sequence[Committed]:
        """Keep events; each is new or a duplicate."""
        ...

    async def unread(self, after: int, limit: int) -> Sequence[Event]:
        """Events without a turn yet, in order of arrival, behind the place `after`."""
        ...

    async def attend(self, keys: Sequence[Key]) -> Sequence[Event]:
        """What waits for a turn in conversations that no process has, or this one; from now on it has those."""
        ...

    async def quarantine(self, batch: Sequence[Quarantined]) -> None:
        """Keep webhooks that were not understood."""
        ...


class Turns(Protocol):
    """Deciding and committing turns."""

    def peek(self, key: Key) -> Conversation | None:
        """The conversation if it is in memory."""
        ...

    async def load(self, key: Key) -> Conversation:
        """The conversation, from memory or the database."""
        ...

    async def step_express(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Accept an event and finish its turn in one commit."""
        ...

    async def finish(self, batch: Sequence[Commit]) -> Sequence[Committed]:
        """Commit a piece of a turn whose event was accepted before."""
        ...

    async def postpone(self, event: Event, retry_at: float | None, note: str) -> Sequence[Event]:
        """A turn failed: its event waits until `retry_at`, or is a dead letter (None).

        Returns what waits behind a dead letter, where other processes may have kept it.
        """
        ...

    async def repeats(self, conversation: Conversation, event: Event) -> bool:
        """Whether a text says once more what was just answered, before our next text had left."""
        ...

    async def journal(self, run: bytes, frame: bytes) -> Sequence[Entry]:
        """The records of a journal: all that has already happened in a turn that runs again."""
        ...

    async def sweep(self, now: float, limit: int) -> Sequence[Timer]:
        """Timers that are due."""
        ...

    async def next_due(self, full: Collection[tuple[str, str]] = ()) -> float | None:
        """When the next timer, text, look-up or retry is due; no text of the lanes of lines in `full`."""
        ...


class Outbox(Peers, Protocol):
    """Sending what is owed."""

    def listen(self, wakes: frozenset[Status], feed: Callable[[Sequence[Event]], None]) -> None:
        """Give events to `feed` for reports with these statuses that had come before their text was known."""
        ...

    async def enqueue(self, batch: Sequence[Outgoing]) -> Sequence[Committed]:
        """Keep texts that no turn said (an API call, the command line)."""
        ...

    async def cancel(self, texts: Sequence[tuple[str, Key]], why: str, now: float) -> Sequence[bool]:
        """Keep texts from leaving, each with its conversation; whether each had not left."""
        ...

    async def claim_out(
        self, now: float, limit: int, room: int = 500, rooms: Mapping[tuple[str, str], int] = _EVERY
    ) -> Sequence[Claim]:
        """Texts that are due, each with a committed attempt; expires and blocks what must not go.

        At most `limit` in all, and of a lane of a line as many as there is `room` for, or as `rooms` says of it; the
        most urgent first.
        """
        ...

    async def sent(self, batch: Sequence[Settlement]) -> Sequence[Claim]:
        """Attempts that ended; returns the texts that waited behind them."""
        ...

    async def retry(self, batch: Sequence[Settlement]) -> Sequence[Claim]:
        """Attempts that definitely did not send; due again at their `again`, unless a report says they arrived."""
        ...

    async def claim_checks(self, now: float, limit: int, full: frozenset[str] = frozenset()) -> Sequence[Check]:
        """Unknown texts that are due to be looked up, none of the accounts in `full`."""
        ...

    async def references(self, number: str) -> frozenset[str]:
        """The provider's ids of the texts to a number."""
        ...

    async def checked(self, batch: Sequence[Checked]) -> Sequence[Claim]:
        """Look-ups that ended; returns the texts to resend."""
        ...

    async def close_out(self, outgoing: Outgoing, status: Status, detail: str, now: float) -> Sequence[Claim]:
        """End a claimed text without sending it (opted out or too old at the last moment); returns the next."""
        ...

    async def suppressed(self, number: str) -> bool:
        """Whether the number has opted out, asked once more before connecting."""
        ...

    async def take_over(self, taken: Taken) -> str:
        """Give a conversation to somebody at the desk; who has it now, which may be somebody who was first.

        From here on nothing that its bot says is kept to be sent; it goes back by the commit of a turn (`gives_back`).
        """
        ...

    def taken(self, key: Key) -> Taken | None:
        """Who looks after a conversation; None: its bot does."""
        ...

    async def pause(self, scope: str, name: str, now: float, why: str = "") -> None:
        """Keep texts from leaving: ``all``, or those of a ``line``, a ``lane``, an ``account``; they stay in order."""
        ...

    async def resume(self, scope: str, name: str, now: float) -> None:
        """Let them leave again, those that are still worth it."""
        ...

    def account_held(self, account: str) -> bool:
        """Whether the texts of an account are kept from leaving."""
        ...

    async def probe(self, account: str, now: float) -> Sequence[Claim]:
        """The first text that the hold of an account keeps, to be tried; none if nothing waits."""
        ...

    def holds(self, outgoing: Outgoing) -> bool:
        """Whether a pause keeps a text from leaving now; never what answers STOP."""
        ...

    @property
    def pausing(self) -> bool:
        """Whether anything is paused."""
        ...

    def paused(self, line: str) -> bool:
        """Whether the conversations of a line wait."""
        ...

    async def report(self, batch: Sequence[Report]) -> Sequence[Event]:
        """Delivery reports; returns the events by which they wake conversations."""
        ...


class Hooks(Protocol):
    """The part of a store for webhooks: the secrets by which they are reached, and how their fields are spelled."""

    async def hook_secrets(self) -> Mapping[str, tuple[str, ...]]:
        """The live secrets of each account, newest first."""
        ...

    async def add_hook_secret(self, account: str, secret: str, now: float) -> None:
        """Make one more secret live; of three, the oldest dies."""
        ...

    async def set_hook_map(self, account: str, kind: str, fields: Mapping[str, str], now: float) -> None:
        """Remember how an account spells the fields of a webhook."""
        ...

    async def replayed(self, quarantined: int, now: float) -> None:
        """A webhook from quarantine was understood."""
        ...


class Reads(Protocol):
    """Reading by the name of a statement."""

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        ...


class Tables(Protocol):
    """Reading and writing by the name of a statement, for pages and for the sandbox."""

    @property
    def failing(self) -> bool:
        """Whether the last commit failed, as on a full disk."""
        ...

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        ...

    async def write(self, changes: Sequence[tuple[str, Sequence[object]]], *, settled: bool = False) -> None:
        """Named writes, in one commit; `settled`: while no other process writes, so that no place is open."""
        ...


class Store(Inbox, Turns, Outbox, Hooks, Tables, Protocol):
    """All of it, and its life."""

    dedupe_key: bytes
    """The key of the hashes by which events are deduped; made once, kept with the data."""

    async def open(self, now: float) -> None:
        """Connect, migrate, and mark every open attempt as unknown."""
        ...

    async def contact(self, number: str, changes: Mapping[str, str | None]) -> None:
        """Change fields of a person, as they are stored; None removes one."""
        ...

    async def erase(
        self, keys: Sequence[Key], number: str, changes: Sequence[tuple[str, Sequence[object]]]
    ) -> None:  # fmt: skip
        """Write what forgets a person, and let go of what is in memory of them; nothing of theirs may be under way."""
        ...

    def forget(self) -> None:
        """Let go of what is in memory; the next turn reads it from the database."""
        ...

    async def close(self) -> None:
        """Finish what was submitted and let go of the database."""
        ...

    @property
    def busy(self) -> bool:
        """Whether new work should be refused for now."""
        ...
