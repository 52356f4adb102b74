"""Units of what goes out: ends of attempts, claims, look-ups and delivery reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.message import Claim, Event, Key, Outgoing
from smsbot.core.status import RANK, Status

from .base import Checked, LookupOutcome, Report, SendOutcome, Settlement
from .ledger import Ledger, WriteUnit, outgoing_of
from .writer import Plan

_STATUS = {
    SendOutcome.ACCEPTED: Status.ACCEPTED,
    SendOutcome.REFUSED: Status.FAILED,
    SendOutcome.UNKNOWN: Status.UNKNOWN,
}


Ended = tuple[tuple[Claim, ...], tuple[Event, ...]]
"""The texts that go on now, and the events of reports that had come before their text was known."""


class Settle(WriteUnit):
    """The end of an attempt, and the claim of the text that waited behind it."""

    def __init__(self, ledger: Ledger, end: Settlement) -> None:
        super().__init__(ledger)
        self.end = end

    @property
    def reads(self) -> bool:
        """Texts may wait behind it, or reports may have come before it."""
        end = self.end
        if end.fate in (SendOutcome.LATER, SendOutcome.UNKNOWN) or end.reference:
            return True
        return self.ledger.open.get(end.claim.outgoing.key, 0) > 1

    def plan(self, plan: Plan) -> Ended:
        """Write the outcome; hand out the next text, and the events of reports that came before."""
        end, text = self.end, self.end.claim.outgoing
        plan.add("attempt_ended", (end.now, end.fate.value, end.reference, end.detail, text.id, end.claim.attempt))
        if end.fate is SendOutcome.LATER:
            return self._later(plan), ()
        status = _STATUS[end.fate]
        unknown = (
            end.fate is SendOutcome.UNKNOWN and plan.rows("outgoing", (text.id,))[0]["rank"] < RANK[Status.ACCEPTED]
        )
        phase, due = ("check", end.again) if unknown else (None, end.now)
        plan.add("settle", (text.id, phase, due, status.value, RANK[status], end.detail))
        for reference in (end.reference, *end.parts) if end.parts else ():
            plan.add("part_reference", (reference, text.id))
        if unknown:  # what follows waits, so that it cannot overtake
            return (), ()
        self.shift(text.key, -1)
        if not plan.alone:
            return (), ()
        woken = _early_reports(self, plan, text, end.reference, end.now) if end.reference else ()
        return self.next_text(plan, text.key, end.now), woken

    def _later(self, plan: Plan) -> tuple[Claim, ...]:
        """Back into the queue, unless a report says meanwhile that an earlier attempt arrived."""
        end, text = self.end, self.end.claim.outgoing
        row = plan.rows("outgoing", (text.id,))[0]
        if row["rank"] < RANK[Status.ACCEPTED]:
            plan.add("requeue", (text.id, end.again, end.detail))
            return ()
        plan.add("close", (text.id, row["status"], row["rank"], row["detail"]))
        self.shift(text.key, -1)
        return self.next_text(plan, text.key, end.now)


def _early_reports(unit: WriteUnit, plan: Plan, text: Outgoing, reference: str, now: float) -> tuple[Event, ...]:
    """Reports that came before we knew the provider's id; the events by which they wake the conversation now."""
    reports = [(Status(row["status"]), row["detail"]) for row in plan.rows("early_reports", (text.account, reference))]
    for status, detail in reports:
        plan.add("raise", (text.id, status.value, status.rank, detail))
    known = plan.rows("outgoing", (text.id,))[0]
    told = [status for status, _ in reports if status in unit.ledger.wakes and status.rank >= known["rank"]]
    woken = [_wake(unit, plan, known, status, now) for status in told]
    return tuple(event for event in woken if event is not None)


def _wake(unit: WriteUnit, plan: Plan, text: sqlite3.Row, status: Status, at: float) -> Event | None:
    """The event of a report for the conversation; None if this status woke it before."""
    identity = digest("delivery", text["id"], status.value)
    if not plan.offer("seen", (identity, at)):
        return None
    data = codec.dumps({"status": status.value, "outgoing": text["id"], "text": text["text"]})
    event = Event(identity, Key(text["line"], text["number"]), "delivery", "", at, data=data)
    return replace(event, seq=unit.take(plan, event, 0, ""))


class ClaimDue(WriteUnit):
    """Claims of texts whose time has come."""

    @property
    def reads(self) -> bool:
        """It selects."""
        return True

    def __init__(self, ledger: Ledger, now: float, limit: int, full: frozenset[str]) -> None:
        super().__init__(ledger)
        self.now = now
        self.limit = limit
        self.full = "\n".join(("", *full, ""))

    def plan(self, plan: Plan) -> list[Claim]:
        """At most one text a conversation; the others follow as it settles."""
        claims: list[Claim] = []
        for row in plan.rows("due", (self.now, self.full, self.limit)):
            key = Key(row["line"], row["number"])
            if row["scheduled"] and key in self.ledger.open:
                plan.add("wait_behind", (row["id"],))
                self.shift(key, 1)
                continue
            claim = self.claim_row(plan, row, self.now)
            claims += (claim,) if claim is not None else self.next_text(plan, key, self.now)
        return claims


class EndCheck(WriteUnit):
    """What a look-up found."""

    def __init__(self, ledger: Ledger, end: Checked) -> None:
        super().__init__(ledger)
        self.end = end

    @property
    def reads(self) -> bool:
        """A report may have settled the text meanwhile, and texts may wait behind it."""
        return True

    def plan(self, plan: Plan) -> Ended:
        """Settle, ask again later, resend or hold; what waited behind it goes on, or waits for the resend."""
        end, text = self.end, self.end.check.claim.outgoing
        row = plan.rows("outgoing", (text.id,))[0]
        if row["phase"] != "check" or row["attempts"] != end.check.claim.attempt:
            return (), ()
        claims, woken = self._end(plan)
        if end.finding is LookupOutcome.ABSENT:
            return (), ()
        if not row["passed"]:
            self.shift(text.key, -1)
        if claims:
            self.shift(text.key, 1)
        return claims or self.next_text(plan, text.key, end.now), woken

    def _end(self, plan: Plan) -> Ended:
        end, text = self.end, self.end.check.claim.outgoing
        match end.finding:
            case LookupOutcome.FOUND:
                plan.add("settle", (text.id, None, end.now, end.status.value, RANK[end.status], end.detail))
                if end.reference:
                    plan.add("attempt_found", (end.reference, text.id, end.check.claim.attempt))
                    return (), _early_reports(self, plan, text, end.reference, end.now)
            case LookupOutcome.ABSENT:
                plan.add("absent", (text.id, end.again))
            case LookupOutcome.LATER:
                plan.add("recheck", (text.id, end.again))
            case LookupOutcome.HOLD:
                plan.add("hold_unknown", (text.id, end.detail))
            case LookupOutcome.RESEND if text.lane != "consent" and plan.rows("suppressed", (text.key.number,)):
                plan.add("hold_unknown", (text.id, "the number opted out, so it is not sent again"))
            case LookupOutcome.RESEND:
                attempt = end.check.claim.attempt + 1
                plan.add("resend", (text.id, attempt))
                plan.add("attempt", (text.id, attempt, end.now))
                return (Claim(text, attempt),), ()
        return (), ()


class Close(WriteUnit):
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
        self.shift(self.text.key, -1)
        return self.next_text(plan, self.text.key, self.now)


class Pause(WriteUnit):
    """What must not leave for now, and what may again."""

    @property
    def reads(self) -> bool:
        """Its statements build on one another."""
        return True

    def __init__(self, ledger: Ledger, scope: str, name: str, now: float, why: str, *, ends: bool) -> None:
        super().__init__(ledger)
        self.scope, self.name, self.now, self.why, self.ends = scope, name, now, why, ends
        self._before: set[tuple[str, str]] | None = None

    def plan(self, plan: Plan) -> None:
        """Park what is queued, or queue what is parked."""
        self._before = set(self.ledger.paused)
        if self.ends:
            plan.add("resume", (self.scope, self.name))
            plan.add("unpark", ())
            self.ledger.paused.discard((self.scope, self.name))
        else:
            plan.add("pause", (self.scope, self.name, self.now, self.why))
            self.ledger.paused.add((self.scope, self.name))
            if self.scope == "lane":
                self._park_lane(plan)
            else:
                plan.add("park_all", (self.scope, self.name))

    def _park_lane(self, plan: Plan) -> None:
        """Put a lane's texts aside; those behind them go on."""
        for row in plan.rows("queued_in_lane", (self.name,)):
            plan.add("park", (row["id"], 1))
            if not row["scheduled"]:
                self.shift(Key(row["line"], row["number"]), -1)
                plan.add("promote", (row["line"], row["number"], self.now))

    def undo(self) -> None:
        """Take back what planning counted."""
        super().undo()
        if self._before is not None:
            self.ledger.paused = self._before


class Reported(WriteUnit):
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
        part = r.part or (r.reference if plan.rows("part_reference_of", (r.reference, known)) else "")
        row = (r.account, r.reference, r.raw, r.status or "", known, r.at, r.detail, r.code, r.operator, part, r.body)
        plan.add("receipt", row)
        if text is None or r.status is None:
            return None
        if part:
            return self._part(plan, text)
        if r.status.rank > text["rank"]:
            plan.add("raise", (known, r.status.value, r.status.rank, r.detail))
            if text["phase"] in ("queue", "behind", "held", "check"):
                self._no_longer_owed(plan, text, r.at)
        wakes = r.status in self.report.wakes and r.status.rank >= text["rank"]
        return _wake(self, plan, text, r.status, r.at) if wakes else None

    def _part(self, plan: Plan, text: sqlite3.Row) -> Event | None:
        """A report of one SMS of a long text: all of them together end as the worst."""
        r = self.report.receipt
        status = worst_of(plan.rows("parts_reported", (text["id"],)), text["parts"])
        if status is None or status.value == text["status"]:
            return None
        plan.add("stand", (text["id"], status.value, status.rank, r.detail))
        if text["phase"] in ("queue", "behind", "held", "check"):
            self._no_longer_owed(plan, text, r.at)
        return _wake(self, plan, text, status, r.at) if status in self.report.wakes else None

    def _no_longer_owed(self, plan: Plan, text: sqlite3.Row, now: float) -> None:
        if not (text["passed"] if text["phase"] == "check" else text["scheduled"]):
            self.shift(Key(text["line"], text["number"]), -1)
        plan.add("promote", (text["line"], text["number"], now))

    def refused(self, statement: str) -> None:
        """It came before."""

    def _text(self, plan: Plan) -> sqlite3.Row | None:
        r = self.report.receipt
        identity = r.outgoing
        if not identity:
            found = plan.rows("of_reference", (r.reference, r.account))
            identity = found[0]["outgoing"] if found else ""
        texts = plan.rows("outgoing", (identity,))
        # our ids can be guessed and mixed up: a report is of a text of its own account that has been sent
        ours = [t for t in texts if t["account"] == r.account and t["attempts"]]
        return ours[0] if ours else None


def worst_of(rows: Sequence[Mapping[str, Any] | sqlite3.Row], parts: int) -> Status | None:
    """What a text of so many SMS has come to, by the reports of single ones; None while nothing is known."""
    best: dict[str, Status] = {}
    for row in rows:
        status = Status(row["status"])
        best[row["part"]] = max(best.get(row["part"], status), status, key=lambda s: s.rank)
    failed = [s for s in best.values() if s.final and s is not Status.DELIVERED]
    if failed:
        return failed[0]
    if best and len(best) >= parts:
        return min(best.values(), key=lambda s: s.rank)
    return Status.SENT if any(s.rank >= Status.SENT.rank for s in best.values()) else None


class Probe(WriteUnit):
    """One text of a held account, to see whether it works again."""

    @property
    def reads(self) -> bool:
        """It selects."""
        return True

    def __init__(self, ledger: Ledger, account: str, now: float) -> None:
        super().__init__(ledger)
        self.account, self.now = account, now

    def plan(self, plan: Plan) -> tuple[Claim, ...]:
        """Claim the first that waits."""
        for row in plan.rows("kept_by_account", (self.account, self.now)):
            text, attempt = outgoing_of(row), row["attempts"] + 1
            if row["scheduled"]:
                if text.key in self.ledger.open:  # others of its conversation go first
                    return ()
                self.shift(text.key, 1)
            plan.add("claim", (text.id, attempt))
            plan.add("attempt", (text.id, attempt, self.now))
            return (Claim(text, attempt),)
        return ()
