"""Units of what comes in: events, turns, and texts that no turn said."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from smsbot.core import codec
from smsbot.core.commit import Commit, Committed, Verdict
from smsbot.core.conversation import Late, Run
from smsbot.core.message import Key, Outgoing
from smsbot.core.status import Status

from .base import Acceptance
from .ledger import Ledger, WriteUnit
from .writer import Plan

_MOST_VISITS = 20_000
"""Steps that one turn may enter: they are numbered within it."""


class Accept(WriteUnit):
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
            self.see(plan, event)
        seq = self.take(plan, event, int(item.done), item.note)
        if item.waits is not None:
            waits = item.waits
            plan.add("timer", (*waits.key, waits.name, waits.due, waits.data))
        for name, row in item.changes:
            plan.add(name, row)
        outgoing = item.outgoing
        if item.consent is not None:
            number, line = event.key.number, event.key.line
            if bool(plan.rows("suppressed", (number,))) == (item.consent.action == "optout"):
                outgoing = ()  # it is so already, and was confirmed: several words at one moment are one
            if item.consent.action == "optout":
                plan.add("suppress", (number, event.at, item.consent.said))
                self._block(plan, number)
            else:
                plan.add("unsuppress", (number,))
            plan.add(
                "consent",
                (
                    number,
                    line,
                    item.consent.action,
                    item.consent.text,
                    event.at,
                    item.consent.source,
                    item.consent.shown if outgoing else "",
                ),
            )
        return Committed(Verdict.DONE, seq, self.enqueue(plan, outgoing))

    def _block(self, plan: Plan, number: str) -> None:
        """Keep what waits for the number from leaving."""
        rows = plan.rows("blockable", (number,))
        for row in rows:
            status = Status.BLOCKED
            plan.add("close", (row["id"], status.value, status.rank, "the number opted out"))
            if not row["scheduled"]:
                self.shift(Key(row["line"], row["number"]), -1)
        for line in {row["line"] for row in rows}:
            plan.add("promote", (line, number, self.item.event.at))


class Enqueue(WriteUnit):
    """A text that no turn said."""

    def __init__(self, ledger: Ledger, text: Outgoing) -> None:
        super().__init__(ledger)
        self.text = text

    def plan(self, plan: Plan) -> Committed:
        """Keep the text."""
        return Committed(Verdict.DONE, 0, self.enqueue(plan, (self.text,)))


class Turn(WriteUnit):
    """A step of a turn; `express` accepts its event in the same commit."""

    def __init__(self, ledger: Ledger, step: Commit, express: bool) -> None:
        super().__init__(ledger)
        self.step = step
        self.express = express

    @property
    def reads(self) -> bool:
        """What is begun once for a key looks whether that is done, by a turn of the same commit as well."""
        return bool(self.step.starts)

    def plan(self, plan: Plan) -> Committed:
        """State, timers, texts, journal and "consumed": all or nothing."""
        step, event = self.step, self.step.event
        seq = event.seq
        if self.express:
            self.see(plan, event)
            seq = self.take(plan, event, int(step.consumed), step.note)
        elif step.consumed:
            plan.add("consume", (step.note, seq))
        self._conversation(plan)
        for run in step.runs:
            self._run(plan, run)
        for stale in step.stale:
            plan.add("unjournal_after", stale)
        for entry in step.journal:
            plan.add("journal", (entry.run, entry.frame, entry.seq, entry.kind, entry.value, codec.VERSION))
        line, number = step.after.key
        for desk in step.handoffs:
            plan.add("handoff", (line, number, desk, event.at))
        if step.hold:
            plan.add("hold", (number, event.at, step.hold))
        for name in step.cancelled:
            plan.add("cancel", (line, number, name))
        for timer in step.timers:
            plan.add("timer", (line, number, timer.name, timer.due, timer.data))
        for timer, key in step.starts:
            plan.add("start", (*timer.key, timer.name, timer.due, timer.data, key))
            plan.add("start_seen", (key, event.at))
        if step.released:
            plan.add("release", (line, number, event.at))
        for name, value in step.contact.items():
            plan.add("forget", (number, name)) if value is None else plan.add("contact", (number, name, value))
        return Committed(Verdict.DONE, seq, self.enqueue(plan, step.outgoing))

    def _conversation(self, plan: Plan) -> None:
        after, event = self.step.after, self.step.event
        run = after.run
        line, number = after.key
        late = _late(after.late) if after.late is not None else ""
        row = (line, number, after.version, run and run.id, after.fallback_at, late, after.answered, after.wrote_first)
        plan.add("conversation", row)
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
            if self.step.shrunk:
                plan.add("unframe", (run.id, len(run.frames)))
            if run.content:
                plan.add("content", (run.content, run.id))
        for dropped in self.step.dropped:
            plan.add("unjournal", dropped)
        for forgotten in self.step.forgotten:
            plan.add("unjournal_run", (forgotten,))
        visited = run or (self.step.runs[-1] if self.step.runs else None)
        if visited is not None:
            for i, name in enumerate(self.step.visits):
                plan.add("visit", (visited.id, after.version * _MOST_VISITS + i, name, event.at))

    def _run(self, plan: Plan, run: Run) -> None:
        line, number = self.step.after.key
        plan.add("run", (run.id, line, number, run.bot, run.started_by, run.started, run.ended, run.end, run.content))
        if run.ended is not None and run.frames:
            plan.add("unframe", (run.id, 0))


def _late(late: Late) -> str:
    """A question that may still be answered, as JSON text."""
    return codec.dumps(dataclasses.asdict(late))


class Named(WriteUnit):
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
