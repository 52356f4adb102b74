"""What the SQLite store writes, a unit each: planned together with others, or refused alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from smsbot.core import codec
from smsbot.core.conversation import Run
from smsbot.core.message import Claim, Event, Key, Outgoing
from smsbot.core.status import RANK, Status
from smsbot.core.turn import Committed, Step, Verdict, digest

from .base import Acceptance, Checked, Fate, Finding, Report, Settlement
from .writer import Plan


class Ledger:
    """What the writer knows without asking the database: the next place, and each number's open texts.

    A conversation's texts leave one after the other: `open` counts those that are due and not settled,
    and only the first of them is born with an attempt.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.open: dict[Key, int] = {}

    def next_seq(self) -> int:
        """The place of the next event."""
        self.seq += 1
        return self.seq

    def shift(self, key: Key, by: int) -> None:
        """Count a text of the conversation in or out."""
        count = self.open.get(key, 0) + by
        if count > 0:
            self.open[key] = count
        else:
            self.open.pop(key, None)


class _Base:
    @property
    def reads(self) -> bool:
        """Most units need not see the others of their batch."""
        return False

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._shifts: list[tuple[Key, int]] = []

    def _shift(self, key: Key, by: int) -> None:
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

    def _seen(self, plan: Plan, event: Event) -> None:
        if event.window:
            plan.add("seen_weak", (event.seen, event.at, event.window))
        else:
            plan.add("seen", (event.seen or event.id, event.at))

    def _event(self, plan: Plan, event: Event, state: int, note: str) -> int:
        seq = self.ledger.next_seq()
        line, number = event.key
        plan.add(
            "event",
            (seq, event.id, line, number, event.kind, event.text, event.data, event.account,
             event.gateway_id, event.at, state, note),
        )  # fmt: skip
        return seq

    def _owe(self, plan: Plan, batch: Sequence[Outgoing]) -> tuple[Claim, ...]:
        """Keep the texts; the first that is due now and has none before it gets its attempt."""
        return tuple(claim for text in batch if (claim := self._owe_one(plan, text)) is not None)

    def _owe_one(self, plan: Plan, text: Outgoing) -> Claim | None:
        scheduled = text.due > text.created
        claimed = not scheduled and text.key not in self.ledger.open
        line, number = text.key
        row = (
            text.id, line, number, text.account, text.event, text.lane, text.text, text.parts, text.created,
            text.due, text.expires, "sending" if claimed else "queued",
            "attempt" if claimed else "queue" if scheduled else "behind",
            int(scheduled), int(claimed),
        )  # fmt: skip
        if not plan.offer("outgoing", row):  # opted out, or said before the turn was run again
            plan.add("outgoing_blocked", row[:14])
            return None
        if not scheduled:
            self._shift(text.key, 1)
        if not claimed:
            return None
        plan.add("attempt", (text.id, 1, text.created))
        return Claim(text, 1)

    def _next(self, plan: Plan, key: Key, now: float) -> tuple[Claim, ...]:
        """Claim the text that waited behind one that has just ended."""
        while self.ledger.open.get(key, 0) and (rows := plan.rows("behind", key)):
            for row in rows:
                claim = self._claim_row(plan, row, now)
                if claim is not None:
                    return (claim,)
        return ()

    def _claim_row(self, plan: Plan, row: sqlite3.Row, now: float) -> Claim | None:
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
                self._shift(text.key, -1)
            return None
        if row["scheduled"]:
            self._shift(text.key, 1)
        attempt = row["attempts"] + 1
        plan.add("claim", (text.id, attempt))
        plan.add("attempt", (text.id, attempt, now))
        return Claim(text, attempt)


class Accept(_Base):
    """An event taken in."""

    @property
    def reads(self) -> bool:
        """An opt-out looks for what waits."""
        return self.item.consent is not None

    def __init__(self, ledger: Ledger, item: Acceptance) -> None:
        super().__init__(ledger)
        self.item = item

    def plan(self, plan: Plan) -> Committed:
        """Dedupe, keep, and make its consent true in the same commit."""
        item, event = self.item, self.item.event
        if item.timer is not None:
            timer = item.timer
            plan.add("fire", (timer.key.line, timer.key.number, timer.name, timer.due))
        else:
            self._seen(plan, event)
        seq = self._event(plan, event, int(item.done), item.note)
        if item.consent is not None:
            number, line = event.key.number, event.key.line
            if item.consent.action == "optout":
                plan.add("suppress", (number, event.at))
                self._block(plan, number)
            else:
                plan.add("unsuppress", (number,))
            plan.add(
                "consent",
                (number, line, item.consent.action, item.consent.text, event.at, item.consent.source),
            )
        return Committed(Verdict.DONE, seq, self._owe(plan, item.outgoing))

    def _block(self, plan: Plan, number: str) -> None:
        """Keep what waits for the number from leaving."""
        for row in plan.rows("blockable", (number,)):
            status = Status.BLOCKED
            plan.add("close", (row["id"], status.value, status.rank, "the number opted out"))
            if not row["scheduled"]:
                self._shift(Key(row["line"], row["number"]), -1)


class Owe(_Base):
    """A text that no turn said."""

    def __init__(self, ledger: Ledger, text: Outgoing) -> None:
        super().__init__(ledger)
        self.text = text

    def plan(self, plan: Plan) -> Committed:
        """Keep the text."""
        return Committed(Verdict.DONE, 0, self._owe(plan, (self.text,)))


class Turn(_Base):
    """A step of a turn; `express` accepts its event in the same commit."""

    def __init__(self, ledger: Ledger, step: Step, express: bool) -> None:
        super().__init__(ledger)
        self.step = step
        self.express = express

    def plan(self, plan: Plan) -> Committed:
        """State, timers, texts, journal and "consumed": all or nothing."""
        step, event = self.step, self.step.event
        seq = event.seq
        if self.express:
            self._seen(plan, event)
            seq = self._event(plan, event, int(step.consumed), step.note)
        elif step.consumed:
            plan.add("consume", (step.note, seq))
        self._conversation(plan)
        for run in step.runs:
            self._run(plan, run)
        for entry in step.journal:
            plan.add("journal", (entry.run, entry.frame, entry.seq, entry.kind, entry.value, codec.VERSION))
        line, number = step.after.key
        for name in step.cancelled:
            plan.add("cancel", (line, number, name))
        for timer in step.timers:
            plan.add("timer", (line, number, timer.name, timer.due, timer.data))
        for name, value in step.contact.items():
            plan.add("forget", (number, name)) if value is None else plan.add("contact", (number, name, value))
        return Committed(Verdict.DONE, seq, self._owe(plan, step.outgoing))

    def _conversation(self, plan: Plan) -> None:
        after, event = self.step.after, self.step.event
        run = after.run
        line, number = after.key
        plan.add("conversation", (line, number, after.version, run and run.id, after.fallback_at))
        if run is not None:
            for depth, f in enumerate(run.frames):
                plan.add(
                    "frame",
                    (
                        run.id,
                        depth,
                        f.kind,
                        f.name,
                        f.state,
                        f.data,
                        f.prompt,
                        f.deadline,
                        f.then,
                    ),
                )
        visited = run or (self.step.runs[-1] if self.step.runs else None)
        if visited is not None:
            for i, name in enumerate(self.step.visits):
                plan.add("visit", (visited.id, after.version * 100 + i, name, event.at))

    def _run(self, plan: Plan, run: Run) -> None:
        line, number = self.step.after.key
        plan.add("run", (run.id, line, number, run.bot, run.started_by, run.started, run.ended, run.end))
        if run.ended is not None and run.frames:
            plan.add("unframe", (run.id, 0))


class Settle(_Base):
    """The end of an attempt, and the claim of the text that waited behind it."""

    def __init__(self, ledger: Ledger, end: Settlement) -> None:
        super().__init__(ledger)
        self.end = end

    @property
    def reads(self) -> bool:
        """Texts may wait behind it, or reports may have come before it."""
        return self.ledger.open.get(self.end.claim.outgoing.key, 0) > 1 or bool(self.end.reference)

    def plan(self, plan: Plan) -> tuple[Claim, ...]:
        """Write the outcome; hand out the next text."""
        end, text = self.end, self.end.claim.outgoing
        plan.add("attempt_ended", (end.now, end.fate.value, end.reference, end.detail, text.id, end.claim.attempt))
        if end.fate is Fate.LATER:
            plan.add("requeue", (text.id, end.again, end.detail))
            return ()
        status = _STATUS[end.fate]
        phase, due = ("check", end.again) if end.fate is Fate.UNKNOWN else (None, end.now)
        plan.add("settle", (text.id, phase, due, status.value, RANK[status], end.detail))
        self._shift(text.key, -1)
        if plan.alone and end.reference:
            _early_reports(plan, end)
        return self._next(plan, text.key, end.now) if plan.alone else ()


_STATUS = {Fate.ACCEPTED: Status.ACCEPTED, Fate.REFUSED: Status.FAILED, Fate.UNKNOWN: Status.UNKNOWN}


def _early_reports(plan: Plan, end: Settlement) -> None:
    """Reports that came before we knew the provider's id."""
    for row in plan.rows("early_reports", (end.claim.outgoing.account, end.reference)):
        plan.add("raise", (end.claim.outgoing.id, row["status"], RANK[Status(row["status"])], row["detail"]))


class ClaimDue(_Base):
    """Claims of texts whose time has come."""

    @property
    def reads(self) -> bool:
        """It selects."""
        return True

    def __init__(self, ledger: Ledger, now: float, limit: int) -> None:
        super().__init__(ledger)
        self.now = now
        self.limit = limit

    def plan(self, plan: Plan) -> list[Claim]:
        """At most one text a conversation; the others follow as it settles."""
        claims: list[Claim] = []
        for row in plan.rows("due", (self.now, self.limit)):
            key = Key(row["line"], row["number"])
            if row["scheduled"] and key in self.ledger.open:
                plan.add("wait_behind", (row["id"],))
                self._shift(key, 1)
                continue
            claim = self._claim_row(plan, row, self.now)
            claims += (claim,) if claim is not None else self._next(plan, key, self.now)
        return claims


class EndCheck(_Base):
    """What a look-up found."""

    def __init__(self, ledger: Ledger, end: Checked) -> None:
        super().__init__(ledger)
        self.end = end

    @property
    def reads(self) -> bool:
        """A resend asks once more whether the number has opted out."""
        return self.end.finding is Finding.RESEND

    def refused(self, statement: str) -> tuple[Claim, ...]:
        """A report or another look-up settled the text meanwhile."""
        return ()

    def plan(self, plan: Plan) -> tuple[Claim, ...]:
        """Settle, ask again later, resend or hold."""
        end, text = self.end, self.end.check.claim.outgoing
        match end.finding:
            case Finding.FOUND:
                plan.add("settle", (text.id, None, end.now, end.status.value, RANK[end.status], end.detail))
            case Finding.ABSENT:
                plan.add("absent", (text.id, end.again))
            case Finding.LATER:
                plan.add("recheck", (text.id, end.again))
            case Finding.HOLD:
                plan.add("hold_unknown", (text.id, end.detail))
            case Finding.RESEND if text.lane != "consent" and plan.rows("suppressed", (text.key.number,)):
                plan.add("hold_unknown", (text.id, "the number opted out, so it is not sent again"))
            case Finding.RESEND:
                attempt = end.check.claim.attempt + 1
                plan.add("resend", (text.id, attempt))
                plan.add("attempt", (text.id, attempt, end.now))
                self._shift(text.key, 1)
                return (Claim(text, attempt),)
        return ()


class Close(_Base):
    """A claimed text that must not leave after all."""

    @property
    def reads(self) -> bool:
        """Texts may wait behind it."""
        return True

    def __init__(self, ledger: Ledger, text: Outgoing, status: Status, detail: str, now: float) -> None:
        super().__init__(ledger)
        self.text, self.status, self.detail, self.now = text, status, detail, now

    def plan(self, plan: Plan) -> tuple[Claim, ...]:
        """End the text and its attempt; claim the one behind it."""
        plan.add("close", (self.text.id, self.status.value, self.status.rank, self.detail))
        plan.add("attempt_closed", (self.now, self.detail, self.text.id))
        self._shift(self.text.key, -1)
        return self._next(plan, self.text.key, self.now)


class Reported(_Base):
    """A delivery report."""

    @property
    def reads(self) -> bool:
        """It selects."""
        return True

    def __init__(self, ledger: Ledger, report: Report) -> None:
        super().__init__(ledger)
        self.report = report

    def plan(self, plan: Plan) -> Event | None:
        """Keep it, raise the status, wake the conversation if its bot listens."""
        r = self.report.receipt
        text = self._text(plan)
        known = text["id"] if text is not None else ""
        plan.add("receipt", (r.account, r.reference, r.raw, r.status or "", known, r.at, r.detail))
        if text is None or r.status is None or r.status.rank <= text["rank"]:
            return None
        plan.add("raise", (known, r.status.value, r.status.rank, r.detail))
        if text["phase"] in ("queue", "behind") and not text["scheduled"]:
            self._shift(Key(text["line"], text["number"]), -1)
            plan.add("promote", (text["line"], text["number"], r.at))
        if r.status not in self.report.wakes:
            return None
        data = codec.dumps({"status": r.status.value, "outgoing": known, "text": text["text"]})
        event = Event(
            digest("delivery", known, r.status.value), Key(text["line"], text["number"]), "delivery", "", r.at,
            data=data,
        )  # fmt: skip
        plan.add("seen", (event.id, event.at))
        seq = self._event(plan, event, 0, "")
        return Event(event.id, event.key, event.kind, "", event.at, data=data, seq=seq)

    def refused(self, statement: str) -> None:
        """It came before."""

    def _text(self, plan: Plan) -> sqlite3.Row | None:
        r = self.report.receipt
        identity = r.outgoing
        if not identity:
            found = plan.rows("of_reference", (r.reference, r.account))
            identity = found[0]["outgoing"] if found else ""
        texts = plan.rows("outgoing", (identity,))
        return texts[0] if texts else None


class Named(_Base):
    """Statements by name."""

    @property
    def reads(self) -> bool:
        """Its statements run in the order given."""
        return True

    def __init__(self, ledger: Ledger, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        super().__init__(ledger)
        self.changes = changes

    def plan(self, plan: Plan) -> None:
        """Run them in the order given."""
        for name, parameters in self.changes:
            plan.add(name, parameters)


def outgoing_of(row: Mapping[str, Any] | sqlite3.Row) -> Outgoing:
    """The text of a row of `outgoing`."""
    return Outgoing(
        row["id"], Key(row["line"], row["number"]), row["account"], row["text"], row["parts"], row["created"],
        row["due"], row["expires"], row["event"], row["lane"],
    )  # fmt: skip
