"""Folds what a turn decided and what it asked for into the one commit that makes it true (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from smsbot.core import codec, phone
from smsbot.core.commit import Commit, Entry, Timer, digest
from smsbot.core.conversation import Conversation, FrameKind, Late, Run, StoredFrame
from smsbot.core.errors import ChatError
from smsbot.core.handover import IDLE, Handoff
from smsbot.core.message import Event, Key, Outgoing, Reply
from smsbot.core.start import Start, checked_busy, identity_of, timer_of
from smsbot.routing.effects import Effects, Goto
from smsbot.routing.table import Route
from smsbot.understanding.said import answer_hash

from .decision import Decision
from .frames import Resume, prompts
from .lines import Line
from .outgoing import outgoing_for
from .python_state import runs_of
from .resting import beside, timers

ENDS_ALL = frozenset(("stopped", "wrong_number", "ended_by_desk"))
"""The labels of what ends every run of the person, also those that rest."""
_ASKED_AGAIN = 900
"""Where the texts of a question are counted from that is asked again because what stood above it has failed."""


class Standing(NamedTuple):
    """Where the conversation stands after a turn."""

    run: Run | None
    """The open run."""
    runs: tuple[Run, ...] = ()
    """Those that began or ended."""
    visits: tuple[str, ...] = ()
    """States, steps and routes that were entered, for the funnel."""
    visited: bytes = b""
    """The run that they belong to."""
    resting: tuple[Run, ...] = ()
    """The runs beside the open one."""
    says: tuple[str, ...] = ()
    """The texts of a question that is open again because another was answered."""
    handoffs: tuple[Handoff, ...] = ()
    late: Late | None = None


@dataclass(slots=True, kw_only=True)
class Ending:
    """All that the end of a turn is folded from."""

    line: Line
    event: Event
    stood: Conversation
    """The conversation as it is stored."""
    before: Conversation
    """The same as the event met it."""
    decision: Decision
    effects: Effects
    data: Mapping[str, Any]
    """The run's data, as the handler left it."""
    contact: Mapping[str, str | None]
    """Changed fields of the contact, as stored."""
    handler: str
    """The name of the handler that ran; empty: none did."""
    run_id: bytes
    """The run that a new one would be."""
    wrote_first: bool
    secret: bytes
    """The secret that the keys of starts are hashed with."""
    now: float

    @property
    def route(self) -> Route | None:
        """The route that took the event."""
        return self.decision.match.route if self.decision.match is not None else None

    @property
    def end(self) -> str | None:
        """The end label of the run."""
        return self.decision.ends or self.effects.end


def standing_after(ending: Ending) -> Standing:
    """The open run after the turn and those beside it, the runs to write, and the places visited."""
    own = _own_standing(ending)
    own = own._replace(late=_late(ending, own))
    if own.visits and (of := own.run or (own.runs[-1] if own.runs else None)) is not None:
        own = own._replace(visited=of.id)
    laid, now = ending.effects.beside, ending.now
    resting = (*ending.before.resting, *laid)
    if not resting:
        return own
    own = own._replace(runs=(*own.runs, *laid))
    if ending.decision.ends in ENDS_ALL:
        ended = tuple(replace(run, ended=now, end=ending.decision.ends) for run in resting)
        return own._replace(runs=(*own.runs, *ended))
    switched: tuple[Run, ...] = ()
    if ending.event.kind == "text" and any(run.id == ending.run_id for run in own.runs):  # a start word has begun one
        switched = tuple(run for run in resting if run.rests and not run.is_free)
    front = beside(ending.line, ending.stood, own.run, [r for r in resting if r not in switched], now)
    left = tuple(replace(run, ended=now, end="switched") for run in switched)
    return own._replace(
        run=front.run, resting=front.resting, runs=(*own.runs, *left, *front.ended), says=front.says,
        handoffs=front.handoffs,
    )  # fmt: skip


def _own_standing(ending: Ending) -> Standing:
    """Where the turn leaves the run that the event met, or began."""
    before = ending.before.run
    if ending.decision.resume is not None:
        return _after_frames(ending, ending.decision.resume)
    if ending.decision.switches and before is not None:
        after = _after_handler(ending, None)
        return after._replace(runs=(replace(before, ended=ending.now, end="switched"), *after.runs))
    return _after_handler(ending, before)


def asked_again(ending: Ending, run: Run | None) -> list[str]:
    """The texts of the question that stays open, where something else was answered meanwhile."""
    if run is None or ending.effects.goto is not None or ending.end is not None or ending.decision.resume is not None:
        return []
    if ending.before.owner and not ending.decision.gives_back:
        return []
    decision, route = ending.decision, ending.route
    answers_anywhere = route is not None and route.kind in ("anywhere", "media")
    digressed = bool(decision.says) or decision.gives_back or answers_anywhere
    return prompts(run.frame.prompt) if digressed and run.frame is not None else []


def fold(
    ending: Ending,
    after: Standing,
    *,
    version: int,
    note: str,
    outgoing: tuple[Outgoing, ...],
    journal: tuple[Entry, ...],
    stale: tuple[tuple[bytes, bytes, int], ...],
) -> Commit:
    """The end of a turn as one commit."""
    effects, decision, before = ending.effects, ending.decision, ending.before
    due, cancelled = timers(ending.event, ending.stood, after.run, after.resting)
    contact = {**ending.contact, **effects.stored}
    merged = {**before.contact, **contact}
    conversation = replace(
        before,
        version=version,
        run=after.run,
        resting=after.resting,
        contact={n: v for n, v in merged.items() if v is not None} if contact else before.contact,
        late=after.late,
        fallback_at=ending.event.at if decision.guesses else before.fallback_at,
        answered=_answered(ending),
        wrote_first=ending.wrote_first,
        owner="" if decision.gives_back else before.owner,
    )
    return Commit(
        event=ending.event,
        after=conversation,
        consumed=True,
        note=note or decision.why,
        outgoing=outgoing,
        timers=due if decision.parks is None else (*due, decision.parks),
        cancelled=(*cancelled, IDLE) if decision.gives_back else cancelled,
        journal=journal,
        runs=after.runs,
        visits=after.visits,
        visited=after.visited,
        handoffs=(*effects.handoffs, *after.handoffs, *filter(None, (decision.handoff,))),
        hold=decision.hold,
        contact=contact,
        starts=_starts(ending),
        released=ending.stood.is_held and not conversation.is_held,
        dropped=tuple(effects.dropped),
        stale=stale,
        forgotten=_forgotten(before.late, after.late, after.runs),
        unframed=_unframed(ending.stood.run, after),
        gives_back=decision.gives_back,
        typed=decision.typed,
    )


# -- where the conversation stands ------------------------------------------------------------------------


def _after_handler(ending: Ending, before: Run | None) -> Standing:
    """Where a handler ran, or nothing did."""
    effects, now = ending.effects, ending.now
    held = before is not None and before.is_held
    if held and ending.data:
        raise ChatError("a flow or a conversation is open, so chat.data is not kept; use chat.contact, or end it")
    data, end = codec.dumps(ending.data), ending.end
    if ending.event.kind == "timer" and ending.route is not None and effects.goto is None and end is None:
        end = "abandoned"  # nobody waits for an answer any more
    if effects.goto is not None:
        return _at_state(ending, before, effects.goto, data)
    if before is not None:
        if end is not None:
            return Standing(None, (replace(before, ended=now, end=end),))
        if held or before.frame is None or data == before.frame.data:
            return Standing(before)
        return Standing(replace(before, frames=(*before.frames[:-1], replace(before.frame, data=data))))
    if ending.route is None or ending.route.kind not in ("on", "event"):
        return Standing(None)
    run = replace(_begun(ending), ended=now, end=end or "done")
    return Standing(None, (run,), (run.started_by,))


def _at_state(ending: Ending, before: Run | None, goto: Goto, data: str) -> Standing:
    """Where the handler went to a state."""
    for name in filter(None, (goto.state, goto.then)):
        ending.line.table.state(name)  # raises for one without a handler
    frame = _frame(ending, goto, data)
    if before is not None:
        return Standing(replace(before, frames=(frame,)), (), (goto.state,))
    run = replace(_begun(ending), frames=(frame,))
    return Standing(run, (run,), (run.started_by, goto.state))


def _after_frames(ending: Ending, resume: Resume) -> Standing:
    """Where flows or conversations ran."""
    effects, before, now, end = ending.effects, ending.before.run, ending.now, ending.end
    visits = tuple(effects.visits)
    frames, content = effects.frames or (), resume.stack.content
    if effects.goto is not None:  # a conversation went on as a state
        ending.line.table.state(effects.goto.state)
        frames, end = (_frame(ending, effects.goto, codec.dumps(ending.data)),), None
    if not resume.fresh:
        assert before is not None
        if end is not None:
            return Standing(None, (replace(before, ended=now, end=end),), visits)
        return Standing(replace(before, frames=frames, content=content or before.content), (), visits)
    left = () if before is None else (replace(before, ended=now, end="switched"),)
    made = Run(ending.run_id, ending.line.bot.name, resume.started_by, now, frames, content=content)
    visits = (resume.started_by, *visits)
    if end is not None:
        return Standing(None, (*left, replace(made, frames=(), ended=now, end=end)), visits)
    return Standing(made, (*left, made), visits)


def _begun(ending: Ending) -> Run:
    by = ending.route.trigger if ending.route is not None else ending.event.kind
    return Run(ending.run_id, ending.line.bot.name, by, ending.now)


def _frame(ending: Ending, goto: Goto, data: str) -> StoredFrame:
    wait = ending.line.bot.timeout if goto.timeout is None else goto.timeout
    said = ending.effects.said
    prompt = said[-1].text if said else ""
    return StoredFrame(
        FrameKind.HANDLER, ending.handler, goto.state, data, prompt, deadline=ending.now + wait, then=goto.then
    )


# -- what else is written ---------------------------------------------------------------------------------


def _late(ending: Ending, after: Standing) -> Late | None:
    """The question that may still be answered: one that has just timed out, until another run begins."""
    late = ending.effects.late
    if late is not None and after.run is None:
        return Late(*late)
    kept = ending.before.late
    over = kept is None or kept.until <= ending.event.at or ending.event.kind == "optout"
    begun = ending.event.kind != "timer" and (bool(after.runs) or after.run is not None)
    return None if begun or over else kept


def _answered(ending: Ending) -> bytes:
    """The last answer, so that the same sent twice is known for a repeat."""
    took = ending.effects.took or (ending.route is not None and ending.route.kind == "state")
    if not took or ending.event.kind != "text":
        return ending.before.answered
    return answer_hash(ending.event.text) + ending.event.id


def _starts(ending: Ending) -> tuple[tuple[Timer, bytes], ...]:
    """The timers of all that the bot begins for somebody with this turn, each with the identity that counts once."""
    line, event = ending.line, ending.event
    found: list[tuple[Timer, bytes]] = []
    for n, wanted in enumerate(ending.effects.starts):
        number = phone.normalise(wanted.to, line.country)
        if not phone.can_receive(number):
            raise ChatError(f"chat.start(to=…) needs a phone number, not {phone.mask(wanted.to)!r}")
        if wanted.name not in line.table.events:
            raise ChatError(f'no @bot.event("{wanted.name}") handler and no flow answers "{wanted.name}"')
        whose = Key(line.number, number)
        identity = digest(event.id, "start", b"%d" % n)
        if wanted.key:
            identity = identity_of(wanted.name, wanted.key, whose, ending.secret)
        if any(identity == other for _, other in found):
            continue
        at = event.at if wanted.at is None else max(wanted.at, event.at)
        start = Start(wanted.data, checked_busy(wanted.busy), at + wanted.valid if wanted.valid else 0.0)
        begins = Event(identity, whose, "event", wanted.name, at, data=start.pack())
        found.append((timer_of(begins, at, identity, n), identity))
    return tuple(found)


def _forgotten(before: Late | None, late: Late | None, runs: Iterable[Run]) -> tuple[bytes, ...]:
    """The ids of ended runs, unless a late answer goes back to them; and of those that none can go back to any more."""
    if not runs and before is late:
        return ()
    held = runs_of(late.frames) if late is not None else set()
    ended = {run.id for run in runs if run.ended is not None and run.frames}
    return tuple((ended | (runs_of(before.frames) if before is not None else set())) - held)


def _unframed(before: Run | None, after: Standing) -> tuple[tuple[bytes, int], ...]:
    """The frames that are gone from the run that stood in front: all of them once it is laid aside."""
    if before is None:
        return ()
    if after.run is not None and after.run.id == before.id:
        return ((before.id, len(after.run.frames)),) if len(after.run.frames) < len(before.frames) else ()
    return ((before.id, 0),) if any(run.id == before.id for run in after.resting) else ()


# -- deadlines that cannot be served ----------------------------------------------------------------------


def ended_by_failure(conversation: Conversation, event: Event, line: Line, now: float) -> Commit | None:
    """The end ``failed`` of the run whose deadline an event was; None if it is not open at it any more."""
    run = conversation.waits_for(event.data)
    if run is None:
        return None
    resting = tuple(r for r in conversation.resting if r is not run)
    front = beside(line, conversation, None if run is conversation.run else conversation.run, resting, now)
    after = replace(conversation, version=conversation.version + 1, run=front.run, resting=front.resting)
    due, cancelled = timers(event, conversation, front.run, front.resting)
    ended, held = replace(run, ended=now, end="failed"), conversation.late
    said = [
        outgoing_for(Reply(text), _ASKED_AGAIN + n, event, line, now, by=f"{line.bot.name}: {run.started_by}")
        for n, text in enumerate(front.says)
    ]
    return Commit(
        event=event, after=after, consumed=False, runs=(ended,), timers=due, cancelled=cancelled, outgoing=tuple(said),
        released=conversation.is_held and not after.is_held, forgotten=_forgotten(held, held, (ended,)),
    )  # fmt: skip


def due_again(conversation: Conversation, event: Event, at: float) -> Commit | None:
    """The same deadline, later; None if the run is not open at it any more."""
    if conversation.waits_for(event.data) is None:
        return None
    after = replace(conversation, version=conversation.version + 1)
    return Commit(event=event, after=after, consumed=False, timers=(Timer(event.key, event.text, at, event.data),))
