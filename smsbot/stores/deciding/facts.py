"""The facts that a batch of writes is decided on, as they were before it and as each write leaves them (pure)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from smsbot.core.lanes import urgency
from smsbot.core.message import Key, Outgoing
from smsbot.core.otp import Asking, Code
from smsbot.core.status import RANK, Status

COLUMNS = (
    "seq", "id", "line", "number", "account", "lane", "parts", "due", "status", "rank", "phase", "scheduled",
    "attempts", "detail", "resends", "absences", "passed", "cost", "cost_day", "text", "created", "expires", "event",
    "flash", "media",
)  # fmt: skip
"""The columns of a text, in the order in which one is made of them."""
_QUEUED, _SENDING = Status.QUEUED.value, Status.SENDING.value
Row = tuple[object, ...]
Reference = tuple[str, str]
"""An account, and its provider's id of a text."""


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """Texts whose time has come: of each lane of a line as many as there is room for, the most urgent first."""

    now: float
    limit: int
    """How many in all."""
    room: int
    rooms: Mapping[tuple[str, str], int]
    """How many of a lane of a line, where that is not `room`."""


class Sendable(Protocol):
    """A text, as a pause sees it."""

    @property
    def key(self) -> Key:
        """Its conversation."""
        ...

    @property
    def account(self) -> str:
        """Its credentials."""
        ...

    @property
    def lane(self) -> str:
        """Its lane."""
        ...

    @property
    def event(self) -> bytes:
        """What set it off."""
        ...


class Pauses:
    """Everything that is kept from leaving: all, or a line, a lane, an account or a broadcast by its name."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[tuple[str, str]] = ()) -> None:
        self.names = frozenset(names)

    def holds(self, text: Sendable) -> bool:
        """Whether a pause keeps the text from leaving; what answers STOP is never kept."""
        return bool(self.names) and text.lane != "consent" and (self._keeps(text) or self.skips(text))

    def _keeps(self, text: Sendable) -> bool:
        """Whether a text waits with all others of its conversation."""
        return self.stops(text.key.line) or ("account", text.account) in self.names

    def stops(self, line: str) -> bool:
        """Whether whole conversations of a line wait."""
        return ("all", "") in self.names or ("line", line) in self.names

    def skips(self, text: Sendable) -> bool:
        """Whether only the text's lane or broadcast is paused, so that others of its conversation go past it."""
        aside = ("lane", text.lane) in self.names or ("broadcast", text.event.hex()) in self.names
        return aside and not self._keeps(text)


@dataclass(frozen=True, slots=True)
class Person:
    """What quiet hours have to know of somebody."""

    zone: str = ""
    """The time zone that is known of them (IANA); empty: none is."""
    wrote: float = 0.0
    """When they texted last, seconds since 1970 UTC; 0: never."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when something keeps a text from leaving, and what; infinite: for good."""

    until: float
    why: str
    spread: float = 0.0
    """Seconds after that in which it leaves, as all that was kept must not leave at once."""


class Leaves(Sendable, Protocol):
    """A text, as the rules see it."""

    @property
    def id(self) -> str:
        """Its own id."""
        ...

    @property
    def segments(self) -> int:
        """How many SMS it is."""
        ...


class Rules(Protocol):
    """The rules of a server for what leaves, as settings say: lines that have a rate, quiet hours."""

    def paced(self, line: str) -> bool:
        """Whether a line sends so many texts a second, and no more."""
        ...

    def refuses(self, line: str, number: str) -> str:
        """Why nothing leaves from a line to a number; empty if it may."""
        ...

    def has_quiet(self, line: str, lane: str) -> bool:
        """Whether there may be hours in which nothing of a lane leaves."""
        ...

    def quiet(self, text: Leaves, person: Person, moment: float) -> Kept | None:
        """The quiet hours that keep a text from leaving at a moment; None if none do."""
        ...

    def cost(self, text: Leaves) -> int:
        """What a text costs at the worst, in millionths of the currency; 0 where nobody knows, or cares."""
        ...

    def caps_people(self) -> bool:
        """Whether there is a cap for each person."""
        ...

    def price(self, told: float, currency: str) -> int | None:
        """The same of a price that a report tells; None where it is of another currency."""
        ...

    def day(self, moment: float) -> str:
        """The day that a moment counts for, as ISO 8601 writes it."""
        ...

    def counted(self, text: Leaves) -> Sequence[Reference]:
        """Everything that the cost of a text is counted for: what, and its name."""
        ...

    def over(self, text: Leaves, cost: int, spent: Mapping[Reference, int], moment: float) -> Kept | None:
        """The cap that a text would exceed, by what its day has cost so far, until it counts anew; None if none."""
        ...


class NoRules:
    """A server without any."""

    def paced(self, line: str) -> bool:
        """No line has a rate."""
        return False

    def refuses(self, line: str, number: str) -> str:
        """Everybody may be written to."""
        return ""

    def has_quiet(self, line: str, lane: str) -> bool:
        """No hours are quiet."""
        return False

    def quiet(self, text: Leaves, person: Person, moment: float) -> Kept | None:
        """Nothing keeps it."""
        return None

    def cost(self, text: Leaves) -> int:
        """Nobody cares."""
        return 0

    def caps_people(self) -> bool:
        """There is no cap."""
        return False

    def price(self, told: float, currency: str) -> int | None:
        """Nobody cares."""
        return None

    def day(self, moment: float) -> str:
        """Nobody cares."""
        return ""

    def counted(self, text: Leaves) -> Sequence[Reference]:
        """Nothing is counted."""
        return ()

    def over(self, text: Leaves, cost: int, spent: Mapping[Reference, int], moment: float) -> Kept | None:
        """There is no cap."""
        return None


CONTACT = "contact"
"""What is counted of one person, by their number; it is summed from their texts, and kept nowhere else."""
NO_RULES = NoRules()
NOBODY = Person()


class Text:
    """A row of `outgoing`: a text that is owed, and where it stands; made of its `COLUMNS`.

    Its phase: ``queue`` (due at its time), ``behind`` (another of its conversation goes first), ``held`` (by a pause),
    ``attempt`` (being sent), ``check`` (unknown, to be looked up), None (nothing is to be done).
    """

    __slots__ = (
        "_outgoing", "_said", "absences", "account", "attempts", "cost", "cost_day", "counted", "detail", "due", "id",
        "key", "lane", "passed", "phase", "rank", "resends", "scheduled", "segments", "seq", "status",
    )  # fmt: skip
    attempts: int
    phase: str | None

    def __init__(self, columns: Sequence[Any]) -> None:
        (
            self.seq, self.id, line, number, self.account, self.lane, self.segments, self.due, self.status, self.rank,
            self.phase, scheduled, self.attempts, self.detail, self.resends, self.absences, passed, self.cost,
            self.cost_day, *self._said,
        ) = columns  # fmt: skip
        self.counted = self.cost
        self.key = Key(line, number)
        self.scheduled, self.passed = scheduled == 1, passed == 1
        self._outgoing: Outgoing | None = None

    @classmethod
    def new(cls, outgoing: Outgoing, phase: str | None, *, scheduled: bool) -> Text:
        """A text that nobody has owed before."""
        made = cls.__new__(cls)
        made._outgoing = outgoing
        made.seq = math.inf
        made.id, made.key, made.account, made.lane = outgoing.id, outgoing.key, outgoing.account, outgoing.lane
        made.segments, made.due, made.status, made.rank = outgoing.segments, outgoing.due, _QUEUED, 0
        made.phase, made.scheduled, made.attempts, made.detail = phase, scheduled, 0, ""
        made.resends, made.absences, made.passed = 0, 0, False
        made.cost, made.counted, made.cost_day = 0, 0, ""
        return made

    @property
    def outgoing(self) -> Outgoing:
        """The text as it is sent."""
        if self._outgoing is None:
            text, created, expires, event, flash, media = self._said
            self._outgoing = Outgoing(
                self.id, self.key, self.account, text, self.segments, created,
                due=self.due, expires=expires, event=event, lane=self.lane, flash=flash == 1, media=media,
            )  # fmt: skip
        return self._outgoing

    @property
    def event(self) -> bytes:
        """What set it off."""
        return self.outgoing.event

    @property
    def occupies(self) -> bool:
        """Whether others of its conversation wait for it, or it for them."""
        return self.phase == "behind" or self.ahead

    @property
    def ahead(self) -> bool:
        """Whether others of its conversation wait for it."""
        match self.phase:
            case "attempt":
                return True
            case "check":
                return not self.passed
            case "queue" | "held":
                return not self.scheduled
        return False

    @property
    def waits(self) -> bool:
        """Whether it is not being sent now, but is to be sent, or looked up."""
        return self.phase in ("queue", "behind", "held", "check")

    # -- where it stands from now on ----------------------------------------------------------------

    def claim(self) -> int:
        """It is sent once more; returns the number of the attempt."""
        self.phase, self.scheduled = "attempt", False
        self.attempts += 1
        if self.rank == 0:
            self.status = _SENDING
        return self.attempts

    def resend(self) -> int:
        """It is sent once more although an attempt is unknown."""
        self.phase, self.passed, self.absences = "attempt", False, 0
        self.resends += 1
        self.attempts += 1
        return self.attempts

    def put_off(self, kept: Kept) -> None:
        """Something keeps it from leaving for now, and it holds back no other; for good, if it is not worth it then."""
        if kept.until >= self.outgoing.expires:
            self.close(Status.EXPIRED, f"{kept.why}; so late it is not worth sending")
            return
        later = kept.until + kept.spread
        due = later if later < self.outgoing.expires else kept.until
        self.phase, self.due, self.scheduled, self.detail = "queue", due, True, kept.why

    def requeue(self, due: float, detail: str) -> None:
        """An attempt did not send it; it is due again later."""
        self.phase, self.due, self.detail = "queue", due, detail
        if self.rank == 0:
            self.status = _QUEUED

    def settle(self, status: Status, due: float, detail: str, *, unknown: bool = False) -> None:
        """An attempt has ended."""
        rank = RANK[status]
        self.phase, self.due = "check" if unknown and self.rank < RANK[Status.ACCEPTED] else None, due
        if self.rank < rank or (detail and self.rank == rank):
            self.detail = detail
        if self.rank <= rank:
            self.status, self.rank = status.value, rank

    def close(self, status: Status, detail: str) -> None:
        """Nothing more is to be done for it; it has not left, so it costs nothing."""
        self.phase, self.cost = None, 0
        if self.rank < RANK[status]:
            self.status, self.rank, self.detail = status.value, RANK[status], detail

    def rise(self, status: Status, detail: str) -> None:
        """A report moves it to a higher status, never to a lower one."""
        if self.rank < RANK[status]:
            self.stand(status, detail)

    def stand(self, status: Status, detail: str) -> None:
        """All its SMS together have come to this, which may be less than one of them."""
        self.status, self.rank, self.detail = status.value, RANK[status], detail
        if self.waits:
            self.phase = None


@dataclass(slots=True)
class Wants:
    """The facts that a batch wants to know before it is decided."""

    seen: set[bytes] = field(default_factory=set)
    conversations: set[Key] = field(default_factory=set)
    """Conversations that go on, or in which something is said."""
    numbers: set[str] = field(default_factory=set)
    """Numbers of which every open text counts, on all lines."""
    threads: set[Key] = field(default_factory=set)
    """Conversations of which the open texts count."""
    texts: set[str] = field(default_factory=set)
    timers: set[tuple[Key, str]] = field(default_factory=set)
    given: set[Reference] = field(default_factory=set)
    """Ids that texts have just been given, of which there may be reports already."""
    reported: set[Reference] = field(default_factory=set)
    """Ids by which reports name texts."""
    wakes: set[Status] = field(default_factory=set)
    """Statuses that may wake the conversations of those texts."""
    due: set[Due] = field(default_factory=set)
    kept: set[tuple[str, float]] = field(default_factory=set)
    """Accounts whose first held text is wanted, and the moment."""
    codes: set[tuple[str, str, str]] = field(default_factory=set)
    """Numbers that are to be sent codes, each with a purpose and a line."""
    moments: set[float] = field(default_factory=set)
    """When texts may be given an attempt, or be owed, which is when they are counted."""
    people: set[tuple[Key, str]] = field(default_factory=set)
    """Conversations to which something leaves that nobody has just asked for, and its lane."""


@dataclass(slots=True)
class Facts:
    """The facts that a batch knows, and the rows that it leaves, by statement."""

    seq: int = 0
    """The place of the last event."""
    pauses: Pauses = field(default_factory=Pauses)
    rules: Rules = NO_RULES
    seen: dict[bytes, float] = field(default_factory=dict)
    versions: dict[Key, int] = field(default_factory=dict)
    opted_out: set[str] = field(default_factory=set)
    with_desk: dict[str, str] = field(default_factory=dict)
    """People to whom nothing proactive goes, and why."""
    taken: dict[Key, str] = field(default_factory=dict)
    """Conversations that a person looks after, and who."""
    texts: dict[str, Text] = field(default_factory=dict)
    threads: defaultdict[Key, list[Text]] = field(default_factory=lambda: defaultdict(list))
    """Open texts by conversation, in their order."""
    timers: dict[tuple[Key, str], float] = field(default_factory=dict)
    early: defaultdict[Reference, list[tuple[Status, str, str]]] = field(default_factory=lambda: defaultdict(list))
    """Reports whose text was not known when they came: status, detail, and of which SMS."""
    receipts: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Reports that were here before: account, reference, raw status, part."""
    named: dict[Reference, str] = field(default_factory=dict)
    """Texts by their provider's id."""
    parts: set[tuple[str, str]] = field(default_factory=set)
    """Provider's ids of single SMS, each with the text."""
    told: defaultdict[str, list[tuple[str, Status]]] = field(default_factory=lambda: defaultdict(list))
    """Reports of single SMS: part and status, by text."""
    due: dict[Due, list[Text]] = field(default_factory=dict)
    kept: dict[str, Text] = field(default_factory=dict)
    codes: defaultdict[tuple[str, str, str], list[Code]] = field(default_factory=lambda: defaultdict(list))
    """The codes of a number, a purpose and a line within a day, the latest first."""
    asking: defaultdict[str, Asking] = field(default_factory=lambda: defaultdict(Asking))
    """How ranges of numbers ask for codes."""
    spent: defaultdict[str, dict[Reference, int]] = field(default_factory=lambda: defaultdict(dict))
    """What a day has cost, and will as far as it is known, by what it is counted for."""
    people: dict[str, Person] = field(default_factory=dict)
    """What quiet hours have to know of people, by number."""
    rows: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """The rows to be written, by the name of the statement."""
    script: list[tuple[str, Row]] = field(default_factory=list)
    """Statements that are run before those, in this order."""
    fresh: dict[str, Text] = field(default_factory=dict)
    changed: dict[str, Text] = field(default_factory=dict)

    def leave(self, statement: str, row: Row) -> None:
        """A row to be written."""
        self.rows[statement].append(row)

    def text(self, identity: str) -> Text:
        """A text that is about to change."""
        return self.change(self.texts[identity])

    def change(self, text: Text) -> Text:
        """The text's row is written as it will be."""
        if text.id not in self.fresh:
            self.changed[text.id] = text
        return text

    def occupied(self, key: Key, lane: str) -> bool:
        """Whether a text of the conversation, as urgent as one of a lane, is under way or waits its turn."""
        thread = self.threads.get(key)
        return thread is not None and any(t.occupies and urgency(t.lane) <= urgency(lane) for t in thread)

    def lines_of(self, number: str) -> list[Key]:
        """The conversations of a number that have open texts."""
        return [key for key in self.threads if key.number == number]

    def written(self) -> Mapping[str, list[Row]]:
        """All rows, with the texts as they stand in the end."""
        for text in self.fresh.values():
            o = text.outgoing
            new = (
                o.id, o.key.line, o.key.number, o.account, o.event, o.lane, o.text, o.segments, o.created, text.due,
                o.expires, text.status, text.rank, text.phase, int(text.scheduled), text.attempts, text.detail,
                int(o.flash), o.media, o.by, o.ref, o.kind,
            )  # fmt: skip
            self.leave("outgoing", new)
        for text in self.changed.values():
            row = (
                text.status, text.rank, text.phase, text.due, int(text.scheduled), text.attempts, text.detail,
                text.resends, text.absences, int(text.passed), text.id,
            )  # fmt: skip
            self.leave("text", row)
        for text in (*self.fresh.values(), *self.changed.values()):
            if text.cost != text.counted:
                self._count(text)
        return self.rows

    def _count(self, text: Text) -> None:
        """What a text costs has become another amount."""
        self.leave("cost", (text.cost, text.cost_day, text.id))
        texts = bool(text.cost) - bool(text.counted)
        for scope, name in self.rules.counted(text):
            self.leave("spent", (text.cost_day, scope, name, text.cost - text.counted, texts))
