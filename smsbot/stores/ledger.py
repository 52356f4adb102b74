"""What the SQLite writer counts in memory, and what every unit that it plans has in common."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from smsbot.core import codec
from smsbot.core.commit import Committed, Verdict
from smsbot.core.message import Claim, Event, Key, Outgoing
from smsbot.core.status import RANK, Status

from .writer import Plan


class Ledger:
    """What the writer knows without asking the database: the next place, and each number's open texts.

    A conversation's texts leave one after the other: `open` counts those that are due and not settled,
    and only the first of them is born with an attempt.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.open: dict[Key, int] = {}
        self.paused: set[tuple[str, str]] = set()
        """What is paused: ``("all", "")``, or a line, a lane or an account by its name."""
        self.wakes: frozenset[Status] = frozenset()
        """Delivery statuses for which a bot listens."""

    def next_seq(self) -> int:
        """The place of the next event."""
        self.seq += 1
        return self.seq

    def holds(self, text: Outgoing) -> bool:
        """Whether a pause keeps the text from leaving; what answers STOP is never kept."""
        return bool(self.paused) and text.lane != "consent" and (self._keeps(text) or self.skips(text))

    def _keeps(self, text: Outgoing) -> bool:
        """Whether a text waits with all others of its conversation."""
        return self.stops(text.key.line) or ("account", text.account) in self.paused

    def stops(self, line: str) -> bool:
        """Whether a pause stops whole conversations."""
        return ("all", "") in self.paused or ("line", line) in self.paused

    def skips(self, text: Outgoing) -> bool:
        """Whether only the text's lane is paused, so that others of its conversation go past it."""
        return ("lane", text.lane) in self.paused and not self._keeps(text)

    def shift(self, key: Key, by: int) -> None:
        """Count a text of the conversation in or out."""
        count = self.open.get(key, 0) + by
        if count > 0:
            self.open[key] = count
        else:
            self.open.pop(key, None)


class WriteUnit:
    """What all units share: a ledger that they count on, and the way to take it back."""

    @property
    def reads(self) -> bool:
        """Most units need not see the others of their batch."""
        return False

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._shifts: list[tuple[Key, int]] = []

    def shift(self, key: Key, by: int) -> None:
        """Count a text in or out, so that it can be taken back."""
        self.ledger.shift(key, by)
        self._shifts.append((key, by))

    def undo(self) -> None:
        """Take back what planning counted."""
        while self._shifts:
            key, by = self._shifts.pop()
            self.ledger.shift(key, -by)

    def refused(self, statement: str) -> Any:
        """The verdict for the guard that refused."""
        return Committed(Verdict.FENCED if statement == "conversation" else Verdict.DUPLICATE)

    def see(self, plan: Plan, event: Event) -> None:
        """Refuse an event that was here before."""
        if event.window:
            plan.add("seen_weak", (event.seen, event.at, event.window))
        else:
            plan.add("seen", (event.seen or event.id, event.at))
        if event.origin:
            plan.add("seen", (event.origin, event.at))

    def take(self, plan: Plan, event: Event, state: int, note: str) -> int:
        """Keep an event; returns its place."""
        seq = self.ledger.next_seq()
        line, number = event.key
        plan.add(
            "event",
            (seq, event.id, line, number, event.kind, event.text, event.data, event.account,
             event.gateway_id, event.at, state, note),
        )  # fmt: skip
        if event.kind == "reaction":
            told = codec.loads(event.data)
            plan.add("reacted", (line, number, told["quoted"], "" if told["removed"] else told["sign"]))
        return seq

    def enqueue(self, plan: Plan, batch: Sequence[Outgoing]) -> tuple[Claim, ...]:
        """Keep the texts; the first that is due now and has none before it gets its attempt."""
        return tuple(claim for text in batch if (claim := self._enqueue_one(plan, text)) is not None)

    def _enqueue_one(self, plan: Plan, text: Outgoing) -> Claim | None:
        scheduled = text.due > text.created
        skipped = self.ledger.holds(text) and self.ledger.skips(text)
        scheduled = scheduled or skipped  # it holds nothing back
        held = skipped or (self.ledger.holds(text) and (scheduled or text.key not in self.ledger.open))
        claimed = not scheduled and not held and text.key not in self.ledger.open
        line, number = text.key
        kept = (
            text.id, line, number, text.account, text.event, text.lane, text.text, text.segments, text.created,
            text.due, text.expires, "sending" if claimed else "queued",
            "held" if held else "attempt" if claimed else "queue" if scheduled else "behind",
            int(scheduled),
        )  # fmt: skip
        if not plan.offer(
            "outgoing", (*kept, int(claimed), int(text.flash), text.media)
        ):  # opted out, or said before the turn was run again
            plan.add("outgoing_blocked", kept)
            return None
        if not scheduled:
            self.shift(text.key, 1)
        if not claimed:
            return None
        plan.add("attempt", (text.id, 1, text.created))
        return Claim(text, 1)

    def next_text(self, plan: Plan, key: Key, now: float) -> tuple[Claim, ...]:
        """Claim the text that waited behind one that has just ended."""
        while self.ledger.open.get(key, 0) and (rows := plan.rows("behind", key)):
            for row in rows:
                claim = self.claim_row(plan, row, now)
                if claim is not None:
                    return (claim,)
                now_held = plan.rows("outgoing", (row["id"],))[0]
                if now_held["phase"] == "held" and not now_held["scheduled"]:  # the others wait behind it
                    return ()
        return ()

    def claim_row(self, plan: Plan, row: sqlite3.Row, now: float) -> Claim | None:
        """Give a queued text its attempt, unless it is too old or its number has opted out."""
        text = outgoing_of(row)
        why = None
        if text.expires <= now:
            why = (Status.EXPIRED, "not sent in time")
        elif text.lane != "consent" and plan.rows("suppressed", (text.key.number,)):
            why = (Status.BLOCKED, "the number opted out")
        if why is not None:
            plan.add("close", (text.id, why[0].value, RANK[why[0]], why[1]))
            if not row["scheduled"]:
                self.shift(text.key, -1)
            return None
        if self.ledger.holds(text):
            skipped = self.ledger.skips(text)
            plan.add("park", (text.id, int(skipped or row["scheduled"])))
            if skipped and not row["scheduled"]:
                self.shift(text.key, -1)
            return None
        if row["scheduled"]:
            self.shift(text.key, 1)
        attempt = row["attempts"] + 1
        plan.add("claim", (text.id, attempt))
        plan.add("attempt", (text.id, attempt, now))
        return Claim(text, attempt)


def outgoing_of(row: Mapping[str, Any] | sqlite3.Row) -> Outgoing:
    """The text of a row of `outgoing`."""
    return Outgoing(
        row["id"],
        key=Key(row["line"], row["number"]),
        account=row["account"],
        text=row["text"],
        segments=row["parts"],
        created=row["created"],
        due=row["due"],
        expires=row["expires"],
        event=row["event"],
        lane=row["lane"],
        flash=bool(row["flash"]),
        media=row["media"],
    )
