"""Writes of what comes in: events, turns, and texts that no turn said (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from smsbot.core import codec
from smsbot.core.commit import Commit, Committed, Timer, Verdict
from smsbot.core.conversation import Late, Run
from smsbot.core.handover import IDLE, STOPPED
from smsbot.core.lanes import UNASKED
from smsbot.core.message import Event, Key, Outgoing
from smsbot.core.status import Status
from smsbot.stores.base import Acceptance, Consent

from .facts import Facts, Wants
from .handover import TAKEN, give_back
from .outbox import enqueue, promote
from .unit import ALONE

_MOST_VISITS = 20_000
"""Steps that one turn may enter: they are numbered within it."""
DUPLICATE, FENCED = Committed(Verdict.DUPLICATE), Committed(Verdict.FENCED)


# -- events -------------------------------------------------------------------------------------------------


def want_event(wants: Wants, event: Event) -> None:
    """Whether an event was here before, and who takes its turn."""
    wants.seen.add(event.seen or event.id)
    wants.turns.add(event.key)
    wants.places += 1
    if event.origin:
        wants.seen.add(event.origin)


def is_new(facts: Facts, event: Event) -> bool:
    """Whether nobody has brought this event before; a weak key holds for its window only."""
    at = facts.seen.get(event.seen or event.id)
    if at is not None and (not event.window or event.at - event.window < at <= event.at + event.window):
        return False
    return not event.origin or event.origin not in facts.seen


def see_again(facts: Facts, event: Event) -> None:
    """A duplicate may bring what it is known by besides: a list has its id alone, a webhook what was signed as well."""
    key = event.seen or event.id
    if event.origin and event.origin not in facts.seen and key in facts.seen and not event.window:
        facts.leave("seen", (event.origin, event.at))
        facts.seen[event.origin] = event.at


def see(facts: Facts, event: Event) -> None:
    """From now on the event is a duplicate."""
    key = event.seen or event.id
    facts.leave("seen_weak" if event.window else "seen", (key, event.at))
    facts.seen[key] = event.at
    if event.origin:
        facts.leave("seen", (event.origin, event.at))
        facts.seen[event.origin] = event.at


def take(facts: Facts, event: Event, state: int, note: str) -> int:
    """Keep an event; returns its place."""
    seq, (line, number) = facts.place(), event.key
    row = (
        seq, event.id, line, number, event.kind, event.text, event.data, event.account, event.gateway_id,
        event.at, state, note,
    )  # fmt: skip
    facts.leave("event", row)
    if not state and facts.process:
        facts.unread[event.key].append(dataclasses.replace(event, seq=seq))
    if event.kind == "reaction":
        told = codec.loads(event.data)
        facts.leave("reacted", (line, number, told["quoted"], "" if told["removed"] else told["sign"]))
    return seq


def _set(facts: Facts, timer: Timer) -> None:
    facts.leave("timer", (*timer.key, timer.name, timer.due, timer.data))
    facts.timers[timer.key, timer.name] = timer.due


class Accept:
    """An event taken in, with what must be true the moment it is acknowledged."""

    def __init__(self, item: Acceptance) -> None:
        self.item = item
        plain = item.consent is None and item.waits is None and item.timer is None and not item.changes
        self.apart = "" if plain and item.event.kind != "reaction" else item.event.key.number
        self.names = (item.event.key.number,)

    def want(self, wants: Wants) -> None:
        """Whether it is new; what waits for a person whose consent changes."""
        item, event = self.item, self.item.event
        if item.timer is not None:
            wants.timers.add((item.timer.key, item.timer.name))
            wants.turns.add(event.key)
            wants.places += 1
        else:
            want_event(wants, event)
        if item.consent is not None:
            wants.conversations.add(event.key)
            wants.numbers.add(event.key.number)
        want_texts(wants, item.outgoing)
        if item.beside is not None:
            wants.parts_of.add(event.key)

    def decide(self, facts: Facts) -> Committed:
        """Dedupe, keep, and make its consent true in the same commit."""
        item, event = self.item, self.item.event
        if item.timer is not None:
            if facts.timers.pop((item.timer.key, item.timer.name), None) != item.timer.due:
                return DUPLICATE
            facts.leave("fire", (*item.timer.key, item.timer.name, item.timer.due))
        elif not is_new(facts, event):
            see_again(facts, event)
            return DUPLICATE
        elif item.beside is not None and item.beside != facts.parts_of[event.key]:
            return FENCED
        else:
            see(facts, event)
        ours = item.done or facts.attends(event.key)
        seq = take(facts, event, int(item.done), item.note)
        if item.waits is not None:
            _set(facts, item.waits)
        for name, row in item.changes:
            facts.leave(name, tuple(row))
        outgoing = item.outgoing if item.consent is None else self._consent(facts, item.consent)
        return Committed(Verdict.DONE if ours else Verdict.QUEUED, seq, enqueue(facts, outgoing))

    def _consent(self, facts: Facts, consent: Consent) -> Sequence[Outgoing]:
        """A person's word about texts from us; returns the confirmation, if anything changes by it."""
        event, number = self.item.event, self.item.event.key.number
        ends = consent.action == "optout"
        # if it is so already, it was confirmed: several words at one moment are one
        confirmation = () if (number in facts.opted_out) == ends else self.item.outgoing
        if ends:
            facts.opted_out.add(number)
            facts.leave("suppress", (number, event.at, consent.said))
            self._block(facts, number)
        else:
            facts.opted_out.discard(number)
            facts.leave("unsuppress", (number,))
        shown = consent.shown if confirmation else ""
        facts.leave("consent", (number, event.key.line, consent.action, consent.text, event.at, consent.source, shown))
        return confirmation

    def _block(self, facts: Facts, number: str) -> None:
        """Keep what waits for the number from leaving."""
        for key in facts.lines_of(number):
            waiting = [t for t in facts.threads[key] if t.phase in ("queue", "behind", "held") and t.lane != "consent"]
            for text in waiting:
                facts.change(text).close(Status.BLOCKED, "the number opted out")
            if waiting:
                promote(facts, key, self.item.event.at)


class Once:
    """A key that counts once, and what is written with it."""

    def __init__(self, key: bytes, now: float, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        self.key, self.now, self.changes = key, now, changes
        self.apart = ALONE if changes else ""
        self.names = (key.hex(),)

    def want(self, wants: Wants) -> None:
        """Whether the key was claimed before."""
        wants.seen.add(self.key)

    def decide(self, facts: Facts) -> bool:
        """Claim the key; False if somebody has."""
        if self.key in facts.seen:
            return False
        facts.seen[self.key] = self.now
        facts.leave("seen", (self.key, self.now))
        for name, row in self.changes:
            facts.leave(name, tuple(row))
        return True


# -- texts --------------------------------------------------------------------------------------------------


def want_texts(wants: Wants, texts: Sequence[Outgoing], *, new: bool = False) -> None:
    """Whether texts may leave; `new` ones cannot have been said before."""
    for text in texts:
        wants.conversations.add(text.key)
        wants.threads.add(text.key)
        wants.moments.add(text.created)
        if text.code is not None:
            wants.codes.add((text.key.number, text.code.purpose, text.code.line))
        if text.lane in UNASKED:
            wants.people.add((text.key, text.lane))
        if not new:
            wants.texts.add(text.id)


class Enqueue:
    """A text that no turn said."""

    apart = ""

    def __init__(self, text: Outgoing) -> None:
        self.text = text
        self.names = (text.key.number,)

    def want(self, wants: Wants) -> None:
        """Whether it may leave now."""
        want_texts(wants, (self.text,))

    def decide(self, facts: Facts) -> Committed:
        """Keep the text."""
        return Committed(Verdict.DONE, 0, enqueue(facts, (self.text,)))


# -- turns --------------------------------------------------------------------------------------------------


class Turn:
    """A commit of a turn; an `express` one accepts its event as well."""

    def __init__(self, commit: Commit, *, express: bool) -> None:
        self.commit = commit
        self.express = express
        self.apart = commit.after.key.number
        self.names = (self.apart, *(once.hex() for _, once in commit.starts))

    def want(self, wants: Wants) -> None:
        """Where the conversation stands, and whether its texts may leave."""
        commit = self.commit
        wants.conversations.add(commit.after.key)
        wants.turns.add(commit.after.key)
        if self.express:
            want_event(wants, commit.event)
        wants.seen.update(key for _, key in commit.starts)
        want_texts(wants, commit.outgoing, new=self.express)

    def decide(self, facts: Facts) -> Committed:
        """State, timers, texts, journal and "consumed": all or nothing."""
        commit, event, after = self.commit, self.commit.event, self.commit.after
        if self.express and not is_new(facts, event):
            see_again(facts, event)
            return DUPLICATE
        if self.express and facts.must_wait(after.key):
            see(facts, event)
            return Committed(Verdict.QUEUED, take(facts, event, 0, ""))
        if not self.express and not commit.over and not facts.waits(after.key, event.seq):
            return DUPLICATE
        if facts.versions.get(after.key, after.version - 1) != after.version - 1:
            return FENCED
        seq = event.seq
        if self.express:
            see(facts, event)
            seq = take(facts, event, int(commit.consumed), commit.note)
        elif commit.consumed:
            facts.leave("consume", (commit.note, seq))
        if commit.gives_back and facts.taken.pop(after.key, None) is not None:
            give_back(facts, after.key, event.at)
        if commit.typed is not None:
            identity, right = commit.typed
            facts.leave(*(("code_used", (event.at, identity)) if right else ("code_wrong", (identity,))))
        self._conversation(facts)
        self._journal(facts)
        self._person(facts)
        self._timers(facts)
        refused = TAKEN if after.key in facts.taken else ""  # it was decided before somebody took over
        behind = facts.left(after.key, seq) if commit.consumed else ()
        if not commit.consumed and facts.process:
            facts.take_up(after.key)
        return Committed(Verdict.DONE, seq, enqueue(facts, commit.outgoing, refused=refused), behind)

    def _conversation(self, facts: Facts) -> None:
        commit, after = self.commit, self.commit.after
        run, (line, number) = after.run, after.key
        late = _late(after.late) if after.late is not None else ""
        resting = _resting(after.resting) if after.resting else ""
        facts.versions[after.key] = after.version
        row = (
            line, number, after.version, run and run.id, after.fallback_at, late, after.answered, after.wrote_first,
            resting,
        )  # fmt: skip
        facts.leave("conversation", row)
        for ended in commit.runs:
            self._run(facts, ended)
        if run is not None:
            for depth, f in enumerate(run.frames):
                kept = (run.id, depth, f.kind, f.name, f.state, f.data, f.prompt, f.deadline, f.then, f.rest)
                facts.leave("frame", kept)
            if run.content:
                facts.leave("content", (run.content, run.id))
        for unframed in commit.unframed:
            facts.leave("unframe", unframed)
        for i, name in enumerate(commit.visits if commit.visited else ()):
            facts.leave("visit", (commit.visited, after.version * _MOST_VISITS + i, name, commit.event.at))

    def _run(self, facts: Facts, run: Run) -> None:
        line, number = self.commit.after.key
        row = (
            run.id, line, number, run.bot, run.started_by, run.started, run.ended, run.end, run.content,
        )  # fmt: skip
        facts.leave("run", row)
        if run.ended is not None and run.frames:
            facts.leave("unframe", (run.id, 0))

    def _journal(self, facts: Facts) -> None:
        commit = self.commit
        for stale in commit.stale:
            facts.leave("unjournal_after", stale)
        for entry in commit.journal:
            facts.leave("journal", (entry.run, entry.frame, entry.seq, entry.kind, entry.value, codec.VERSION))
        for dropped in commit.dropped:
            facts.leave("unjournal", dropped)
        for forgotten in commit.forgotten:
            facts.leave("unjournal_run", (forgotten,))

    def _person(self, facts: Facts) -> None:
        commit, (line, number) = self.commit, self.commit.after.key
        for handoff in commit.handoffs:
            facts.leave("handoff", (line, number, handoff.desk, commit.event.at, handoff.alert))
        if commit.hold:
            facts.leave("hold", (number, commit.event.at, commit.hold))
            facts.with_desk.setdefault(number, commit.hold)
        for name, value in commit.contact.items():
            facts.leave("forget", (number, name)) if value is None else facts.leave("contact", (number, name, value))

    def _timers(self, facts: Facts) -> None:
        commit, key = self.commit, self.commit.after.key
        for name in commit.cancelled:
            facts.leave("cancel", (*key, name))
            facts.timers.pop((key, name), None)
        for timer in commit.timers:
            stopped = key in facts.taken and timer.name != IDLE and timer.due < STOPPED
            _set(facts, Timer(key, timer.name, timer.due + STOPPED if stopped else timer.due, timer.data))
        for timer, once in commit.starts:
            if once not in facts.seen:
                facts.seen[once] = commit.event.at
                facts.leave("start", (*timer.key, timer.name, timer.due, timer.data))
                facts.leave("start_seen", (once, commit.event.at))
        if commit.released:
            facts.leave("release", (*key, commit.event.at))


class Postpone:
    """A turn that failed: its event waits until it is tried again, or is a dead letter."""

    def __init__(self, event: Event, retry_at: float | None, note: str) -> None:
        self.event, self.retry_at, self.note = event, retry_at, note
        self.apart = event.key.number
        self.names = (self.apart,)

    def want(self, wants: Wants) -> None:
        """What waits behind it."""
        wants.turns.add(self.event.key)

    def decide(self, facts: Facts) -> tuple[Event, ...]:
        """Note it; what waits behind a dead letter has its turn next."""
        over = self.retry_at is None
        facts.leave("postpone", (2 if over else 0, self.retry_at, self.note, self.event.seq))
        return facts.left(self.event.key, self.event.seq) if over else ()


class Attend:
    """A conversation in which something waits, and that no process may have."""

    apart = ""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.names = (key.number,)

    def want(self, wants: Wants) -> None:
        """Who has it, and what waits."""
        wants.attended.add(self.key)

    def decide(self, facts: Facts) -> Sequence[Event]:
        """All that waits, if the turns are this process's; nobody has it any more if nothing does."""
        waiting = facts.unread[self.key]
        if not waiting:
            if facts.attended.get(self.key) == facts.process:
                del facts.attended[self.key]
            return ()
        return tuple(waiting) if not facts.process or facts.take_up(self.key) else ()


def _late(late: Late) -> str:
    """A question that may still be answered, as JSON text."""
    return codec.dumps(dataclasses.asdict(late))


def _resting(runs: Sequence[Run]) -> str:
    """The runs beside the open one, as JSON text."""
    return codec.dumps([{**dataclasses.asdict(run), "id": run.id.hex()} for run in runs])
