"""The facts that a batch of writes is decided on, as they were before it and as each write leaves them (pure)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from smsbot.core.message import Event, Key
from smsbot.core.otp import Asking, Code
from smsbot.core.status import Status

from .rules import NO_RULES, Counted, Pauses, Person, Rules
from .text import Text

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


@dataclass(slots=True, kw_only=True)
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
    parts_of: set[Key] = field(default_factory=set)
    """Conversations of which the parts of long texts count that wait there."""
    turns: set[Key] = field(default_factory=set)
    """Conversations in which a turn is to be taken, or was."""
    attended: set[Key] = field(default_factory=set)
    """Conversations of which is asked what waits there."""
    places: int = 0
    """Events that may be kept, at the most."""
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


@dataclass(slots=True, kw_only=True)
class Facts:
    """The facts that a batch knows, and the rows that it leaves, by statement."""

    process: int = 0
    """Which process decides; 0 where there is only one."""
    outdated: bool = False
    """Whether processes of a newer build take the turns; this one keeps what comes in, which belongs to nobody then."""
    leads: bool = True
    """Whether it is the one from which texts leave that wait for their turn."""
    locked: Collection[str] | None = None
    """The numbers that no other process decides on meanwhile; None where there is no other."""
    seq: int = 0
    """The place of the last event."""
    places: deque[int] = field(default_factory=deque)
    """Places for events, where they are given to several processes."""
    had: dict[Key, int] = field(default_factory=dict)
    """Who had conversations before, of those in which a turn is to be taken."""
    attended: dict[Key, int] = field(default_factory=dict)
    """Who has them by now: that process takes all their turns until nothing waits there any more."""
    unread: defaultdict[Key, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """The events that wait in them, in order."""
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
    parts_of: dict[Key, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """Parts of long texts that wait in a conversation: names and data of their timers."""
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
    stale: dict[str, list[Text]] = field(default_factory=dict)
    """Texts that the hold of an account has kept too long."""
    codes: defaultdict[tuple[str, str, str], list[Code]] = field(default_factory=lambda: defaultdict(list))
    """The codes of a number, a purpose and a line within a day, the latest first."""
    asking: defaultdict[str, Asking] = field(default_factory=lambda: defaultdict(Asking))
    """How ranges of numbers ask for codes."""
    spent: defaultdict[str, dict[Counted, int]] = field(default_factory=lambda: defaultdict(dict))
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

    def may(self, key: Key) -> bool:
        """Whether no other process decides on the texts of a conversation meanwhile."""
        return self.locked is None or key.number in self.locked

    def attends(self, key: Key) -> bool:
        """Whether this process takes the turns of a conversation; from now on it does, if none has it.

        What a dead process left there comes first: whoever takes that up takes up all.
        """
        if not self.process:
            return True
        return self.attended.get(key) == self.process if self.unread[key] else self.take_up(key)

    def take_up(self, key: Key) -> bool:
        """The same with all that waits there."""
        if key not in self.attended and not self.outdated:
            self.attended[key] = self.process
        return self.attended.get(key) == self.process

    def must_wait(self, key: Key) -> bool:
        """Whether an event of a conversation has to wait: for another process, or for events that came before."""
        whose = self.attended.get(key, 0 if self.outdated else self.process)
        return bool(self.process) and (whose != self.process or bool(self.unread[key]))

    def waits(self, key: Key, seq: int) -> bool:
        """Whether an event still waits for its turn, as far as is asked."""
        return not self.process or any(event.seq == seq for event in self.unread[key])

    def left(self, key: Key, seq: int) -> tuple[Event, ...]:
        """An event has had its turn: what waits behind it; if nothing does, nobody has the conversation any more."""
        if not self.process:
            return ()
        behind = self.unread[key] = [event for event in self.unread[key] if event.seq != seq]
        if not behind:
            self.attended.pop(key, None)
        return tuple(behind)

    def place(self) -> int:
        """The place of one more event."""
        self.seq = self.places.popleft() if self.process else self.seq + 1
        return self.seq

    def text(self, identity: str) -> Text:
        """A text that is about to change."""
        return self.change(self.texts[identity])

    def change(self, text: Text) -> Text:
        """The text's row is written as it will be."""
        if text.id not in self.fresh:
            self.changed[text.id] = text
        return text

    def occupied(self, text: Text) -> bool:
        """Whether another text of its conversation, as urgent as it or more, is under way or waits its turn."""
        thread = self.threads.get(text.key)
        return thread is not None and any(t is not text and t.occupies and t.goes_before(text) for t in thread)

    def overtakes(self, text: Text) -> bool:
        """Whether a queued text would leave before, or beside, another of its conversation that goes first.

        One whose time was chosen waits for all others; of the rest, those that came later wait behind it.
        """
        if text.scheduled:
            return self.occupied(text)
        others = [t for t in self.threads.get(text.key, ()) if t is not text and t.ahead and t.goes_before(text)]
        return any(t.phase in ("attempt", "check") or t.seq < text.seq for t in others)

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
        if "spent" in self.rows:
            self.rows["spent"].sort()  # rows of many texts, which all processes lock in one order
        for key in self.had.keys() | self.attended.keys():
            if key not in self.attended:
                self.leave("unattend", key)
            elif key not in self.had:
                self.leave("attend", (*key, not self.pauses.stops(key.line)))
        return self.rows

    def give_back(self, text: Text) -> None:
        """A text costs nothing on the day for which it was counted."""
        if text.cost:
            text.cost = 0
            self._count(text)
            text.counted = 0

    def _count(self, text: Text) -> None:
        """What a text costs has become another amount."""
        self.leave("cost", (text.cost, text.cost_day, text.id))
        texts = bool(text.cost) - bool(text.counted)
        for scope, name in self.rules.counted(text):
            self.leave("spent", (text.cost_day, scope, name, text.cost - text.counted, texts))
