"""Runs beside each other: one that lets time pass holds up nothing else, and each goes on at its time (pure).

An event meets a conversation whose resting run is laid aside, so that it may begin another; a deadline meets its
own run in front. When the turn is over, one run stands in front again: the one with a question, else the one that
was laid aside last. A question that gave way to another is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from smsbot.core.commit import Timer
from smsbot.core.conversation import Conversation, Run
from smsbot.core.errors import SmsbotError
from smsbot.core.handover import Handoff
from smsbot.core.message import Event

from .frames import awaited_code, prompts, restore
from .lines import Line

TIMEOUT = "timeout"
"""The name of the timer that a question or a state sets."""
MOST = 20
"""Runs of one person that may rest beside each other; the one that has rested longest ends for another."""
TOO_MANY = "too_many_waits"
_MOMENT = 600.0
"""Seconds in which a state that is asked for again may be answered at the least."""
_FREE_FOR = ("text", "media", "event", "delivery", "reaction")
"""What meets a conversation whose resting run is laid aside: it may begin another, or go to a state."""


def met_by(event: Event, conversation: Conversation, line: Line) -> Conversation:
    """The conversation as an event meets it: what only rests is laid aside, what is due stands in front.

    So does the question behind another that waits for the code which was typed.
    """
    run, resting = conversation.run, conversation.resting
    if conversation.owner:
        return conversation
    if resting and event.typed is not None and event.typed[1]:
        codes = ((awaited_code(line.versions, r, event.key), r) for r in resting)
        return _in_front(conversation, next((r for code, r in codes if code == event.typed[0]), None))
    if event.kind in _FREE_FOR and run is not None and run.is_free:
        return replace(conversation, run=None, resting=(*resting, run))
    if event.kind != "timer" or not resting:
        return conversation
    return _in_front(conversation, next((r for r in resting if r.mark == event.data), None))


def _in_front(conversation: Conversation, run: Run | None) -> Conversation:
    """The conversation with one of its resting runs in front."""
    if run is None:
        return conversation
    others = tuple(r for r in conversation.resting if r is not run)
    stood = conversation.run
    return replace(conversation, run=run, resting=others if stood is None else (*others, stood))


class Beside(NamedTuple):
    """Which run stands in front after a turn, and which beside it."""

    run: Run | None
    resting: tuple[Run, ...] = ()
    ended: tuple[Run, ...] = ()
    """Those that ended with the turn."""
    says: tuple[str, ...] = ()
    """The texts of the question that is open again."""
    handoffs: tuple[Handoff, ...] = ()


def beside(line: Line, stood: Conversation, after: Run | None, resting: Sequence[Run], now: float) -> Beside:
    """Put one run in front: `after` is where the turn left its own, `resting` those beside it, `stood` is before."""
    if after is not None and not after.rests:
        return _bounded(line, after, resting, now)
    waiting = next((r for r in reversed(resting) if not r.rests), None)
    if waiting is not None:
        others = tuple(r for r in resting if r is not waiting)
        front = _bounded(line, waiting, others if after is None else (*others, after), now)
        return front if waiting is stood.run else _open_again(line, stood, front, waiting, now)
    if after is None and resting:
        return Beside(resting[-1], tuple(resting[:-1]))
    return _bounded(line, after, resting, now)


def _bounded(line: Line, run: Run | None, resting: Sequence[Run], now: float) -> Beside:
    """No person has more runs than `MOST` beside each other; the desk is told of one that ends for that."""
    if len(resting) <= MOST:
        return Beside(run, tuple(resting))
    first, *others = resting
    told = Handoff(f"{line.bot.name}: too many waits")
    return Beside(run, tuple(others), (replace(first, ended=now, end=TOO_MANY),), handoffs=(told,))


def _open_again(line: Line, stood: Conversation, front: Beside, run: Run, now: float) -> Beside:
    """A question that gave way to another is asked again, and its time begins anew."""
    frames, frame = run.frames, run.frames[-1]
    with suppress(SmsbotError):  # what cannot be read any more is told with the next text
        stack = restore(line.versions, frames, run.content, stood.key)
        if stack.frames:
            stack.top.asked_again(now)
            frames = stack.stored(stack.top.deadline)
    if frame.is_state and frame.deadline is not None:  # its own time goes on, but for a moment to answer in
        frames = (*frames[:-1], replace(frame, deadline=max(frame.deadline, now + _MOMENT)))
    return front._replace(run=replace(run, frames=frames), says=tuple(prompts(frame.prompt)))


class Timers(NamedTuple):
    """The timers of runs to set, and the names of those that no longer matter."""

    set: tuple[Timer, ...]
    cancelled: tuple[str, ...]


def timers(event: Event, before: Conversation, run: Run | None, resting: Sequence[Run]) -> Timers:
    """The difference between the deadlines before a turn and those after it."""
    old, new = _deadlines(event, before.run, before.resting), _deadlines(event, run, resting)
    if event.kind == "timer":  # a timer that fired is gone
        old.pop(event.text, None)
    changed = tuple(timer for name, timer in new.items() if old.get(name) != timer)
    return Timers(changed, tuple(name for name in old if name not in new))


def _deadlines(event: Event, run: Run | None, resting: Sequence[Run]) -> dict[str, Timer]:
    """The timers that stand, by name: of the run in front, and of all that rest."""
    found: dict[str, Timer] = {}
    for each in (*resting, *((run,) if run is not None else ())):
        frame = each.frame
        if frame is not None and frame.deadline is not None and (each is run or each.rests):
            name = f"rest {each.id.hex()}" if each.rests else TIMEOUT
            found[name] = Timer(event.key, name, frame.deadline, each.mark)
    return found
